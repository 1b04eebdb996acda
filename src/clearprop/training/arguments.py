"""What is to be trained: the problem, with everything put into it that a call gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from clearprop.errors import InvalidArgument
from clearprop.network.description import Network
from clearprop.network.problem import Problem, Settings
from clearprop.rules.optimizers import Optimizer
from clearprop.training.given import COLUMNS, from_file, given, weighted


def requested(
    problem: Any,
    inputs: Any = None,
    targets: Any = None,
    optimizer: Any = None,
    settings: Mapping[str, Any] | None = None,
) -> Problem:
    """The problem to train, complete and checked: its examples read, if they are in a table.

    Raises:
        InvalidArgument: something missing, of the wrong shape, or a setting that makes no sense.
        InvalidNetwork: examples that are not finite or do not fit the loss.
        UnfitTable: a table that does not fit the network.
    """
    settings = dict(settings or {})
    weights = settings.pop("weights", None)
    about = {COLUMNS[key]: settings.pop(key) for key in list(settings) if key in COLUMNS}
    known = [field.name for field in fields(Settings)]
    for key in settings:
        if key not in known:
            raise InvalidArgument(f'there is no setting "{key}"; known: {", ".join([*known, *COLUMNS, "weights"])}')
    if isinstance(problem, Network):
        if inputs is None or targets is None:
            raise InvalidArgument(
                "training a network needs inputs and targets: train(network, inputs, targets), or a data frame and "
                "the name of its target column"
            )
        problem = Problem(problem, settings=Settings(**settings))
    elif not isinstance(problem, Problem):
        found = type(problem).__name__
        raise InvalidArgument(f"train: expected a Problem, such as load(path) gives, or a Network, found {found}")
    chosen = replace(problem.settings, **settings)
    changes: dict[str, Any] = {} if chosen == problem.settings else {"settings": chosen}
    if optimizer is not None:
        if not isinstance(optimizer, Optimizer):
            raise InvalidArgument(f"optimizer: expected one such as Adam(0.01), found {optimizer!r}")
        changes["optimizer"] = optimizer
    if inputs is None and targets is None and about:
        key = next(key for key, name in COLUMNS.items() if name in about)
        raise InvalidArgument(f"{key}: is for a table given in the call; a network file says it under [data]")
    if inputs is not None or targets is not None:
        # The old examples go first: they need not fit what comes.
        problem = replace(problem, examples=None, **changes)
        problem = given(problem, inputs, targets, about, weights)
    else:
        problem = replace(problem, **changes)
        if weights is not None:
            problem = replace(problem, examples=weighted(problem.examples, weights))
    if problem.examples is None and problem.data is not None:
        problem = from_file(problem, problem.data, Path(problem.data.file))
    if problem.examples is None:
        raise InvalidArgument(
            f"{problem.name}: there are no examples to train on; add some under [[examples]], or name a table "
            "under [data]"
        )
    complete: Problem = problem
    return complete
