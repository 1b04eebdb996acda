"""The arguments of ``train``: named options, and the complete problem that a call describes."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.fields import shown
from clearprop.network.description import Network
from clearprop.network.problem import Problem, Settings
from clearprop.rules.optimizers import Optimizer
from clearprop.tables.from_call import COLUMNS, weighted, with_examples
from clearprop.tables.prepare import prepared
from clearprop.tables.read import read_table
from clearprop.tables.table import notice


class _Unchanged:
    def __repr__(self) -> str:
        return "<as in the problem>"


UNCHANGED: Any = _Unchanged()
"""The default of an option that leaves the problem's own value as it is."""


def requested(problem: Any, inputs: Any = None, targets: Any = None, **options: Any) -> Problem:
    """Return the problem to train, complete: with its examples read and everything in it that the call gives.

    ``options`` are those of ``train``; they set the optimizer, the weights of examples, fields of ``Settings``, and of
    ``Data`` as ``COLUMNS`` names them. Others, and those that are ``UNCHANGED``, do not count. Errors are ``train``'s.
    """
    given = {name: value for name, value in options.items() if value is not UNCHANGED}
    optimizer, weights = given.get("optimizer"), given.get("weights")
    settings = {each.name: given[each.name] for each in fields(Settings) if each.name in given}
    about = {field: given[name] for name, field in COLUMNS.items() if name in given}
    if isinstance(problem, Network):
        if inputs is None or targets is None:
            raise InvalidArgument(
                "training a network needs inputs and targets: train(network, inputs, targets), or a data frame and "
                "the name of its target column"
            )
        problem = Problem(problem, settings=Settings(**settings))
    elif not isinstance(problem, Problem):
        found = shown(problem)
        raise InvalidArgument(f"train: expected a Problem, such as load(path) gives, or a Network, found {found}")
    changes: dict[str, Any] = {"settings": replace(problem.settings, **settings)} if settings else {}
    if optimizer is not None:
        if not isinstance(optimizer, Optimizer):
            raise InvalidArgument(f"optimizer: expected one such as Adam(0.01), found {shown(optimizer)}")
        changes["optimizer"] = optimizer
    if inputs is not None or targets is not None:
        # The old examples go first: they need not fit what comes.
        problem = with_examples(replace(problem, examples=None, **changes), inputs, targets, about, weights)
    elif about:
        name = next(name for name in COLUMNS if name in given)
        raise InvalidArgument(f"{name}: is for a table given in the call; a network file says it under [data]")
    else:
        problem = replace(problem, **changes) if changes else problem
        if weights is not None:
            problem = replace(problem, examples=weighted(problem.examples, weights))
    if problem.examples is None and problem.data is not None:
        path = Path(problem.data.file)
        problem = prepared(problem, problem.data, lambda wanted: read_table(path, wanted))
    if problem.examples is None:
        own = problem.fitted is None and not problem.of_others  # a model has no place for them
        add = "add some under [[examples]], or name a table under [data]" if own else "name a table with --data"
        raise InvalidArgument(f"{problem.name}: there are no examples to train on; {add}")
    if problem.data is not None and problem.examples.inputs.dtype < np.dtype(problem.settings.dtype):
        notice(f'{problem.name}: its table was read in float32; set dtype = "float64" under [training]')
    if not len(problem.examples.learnt):
        raise InvalidArgument(f"{problem.name}: no example has a target; add targets, or name a table that has them")
    complete: Problem = problem
    return complete
