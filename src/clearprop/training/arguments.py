"""What is to be trained: the problem, with everything put into it that a call gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.network.description import Network
from clearprop.network.problem import Problem, Settings
from clearprop.rules.optimizers import Optimizer
from clearprop.training.given import COLUMNS, from_file, given, weighted

MOST = 2**63 - 1
"""The largest whole number that a network file may hold."""


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
        check(chosen := Settings(**settings))
        problem = Problem(problem, settings=chosen)
    elif not isinstance(problem, Problem):
        found = type(problem).__name__
        raise InvalidArgument(f"train: expected a Problem, such as load(path) gives, or a Network, found {found}")
    check(chosen := replace(problem.settings, **settings))
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


def check(settings: Settings) -> None:
    """Refuse settings that make no sense; a file's are checked when it is read, these may come from Python.

    Raises:
        InvalidArgument: naming the setting.
    """
    for key, least, optional in (
        ("epochs", 0, True),
        ("batch_size", 1, True),
        ("patience", 1, False),
        ("seed", 0, False),
    ):
        value = getattr(settings, key)
        if not (value is None and optional) and not (_is(Integral, value) and value >= least):
            raise InvalidArgument(f"{key}: expected a whole number of at least {least}, found {value!r}")
        if value is not None and value > MOST:
            raise InvalidArgument(f"{key}: expected at most {MOST:,}, found {value:,}")
    for key in ("tolerance", "gradient_tolerance"):
        value = getattr(settings, key)
        if not (_is(Real, value) and 0 <= value < math.inf):
            raise InvalidArgument(f"{key}: expected a finite number of at least 0, found {value!r}")
    target, limit = settings.target_loss, settings.time_limit
    if target is not None and not (_is(Real, target) and math.isfinite(target)):
        raise InvalidArgument(f"target_loss: expected a finite number, found {target!r}")
    if limit is not None and not (_is(Real, limit) and 0 < limit < math.inf):
        raise InvalidArgument(f"time_limit: expected a finite number of seconds above 0, found {limit!r}")
    if settings.dtype not in ("float32", "float64"):
        raise InvalidArgument(f'dtype: expected "float32" or "float64", found {settings.dtype!r}')
    for key in ("shuffle", "early_stopping"):
        if not isinstance(value := getattr(settings, key), (bool, np.bool_)):
            raise InvalidArgument(f"{key}: expected True or False, found {value!r}")


def _is(kind: type, value: object) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
