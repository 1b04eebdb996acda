"""What is to be trained: the problem, with everything put into it that a call gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import InvalidArgument
from clearprop.network.description import Network
from clearprop.network.problem import Examples, Problem, Settings
from clearprop.rules.optimizers import Optimizer


def requested(
    problem: Any,
    inputs: Any = None,
    targets: Any = None,
    optimizer: Any = None,
    settings: Mapping[str, Any] | None = None,
) -> Problem:
    """The problem to train, complete and checked.

    Raises:
        InvalidArgument: something missing, of the wrong shape, or a setting that makes no sense.
        InvalidNetwork: examples that are not finite or do not fit the loss.
    """
    settings = {} if settings is None else settings
    known = [field.name for field in fields(Settings)]
    for key in settings:
        if key not in known:
            raise InvalidArgument(f'there is no setting "{key}"; known: {", ".join(known)}')
    if isinstance(problem, Network):
        if inputs is None or targets is None:
            raise InvalidArgument("training a network needs inputs and targets: train(network, inputs, targets)")
        check(chosen := Settings(**settings))
        problem = Problem(problem, settings=chosen)
    elif not isinstance(problem, Problem):
        found = type(problem).__name__
        raise InvalidArgument(f"train: expected a Problem, such as load(path) gives, or a Network, found {found}")
    if (inputs is None) != (targets is None):
        raise InvalidArgument("inputs and targets belong together: give both or neither")
    check(chosen := replace(problem.settings, **settings))
    changes: dict[str, Any] = {} if chosen == problem.settings else {"settings": chosen}
    if inputs is not None:
        changes["examples"] = examples(problem.network, inputs, targets)
    if optimizer is not None:
        if not isinstance(optimizer, Optimizer):
            raise InvalidArgument(f"optimizer: expected one such as Adam(0.01), found {optimizer!r}")
        changes["optimizer"] = optimizer
    if problem.examples is None and "examples" not in changes:
        raise InvalidArgument(f"{problem.name}: there are no examples to train on; add some under [[examples]]")
    complete: Problem = replace(problem, **changes)
    return complete


def examples(network: Network, inputs: Any, targets: Any) -> Examples:
    """Rows of inputs and targets that fit the network."""
    found = Examples.of(
        rows(inputs, network.sizes[0], "inputs"),
        rows(targets, network.sizes[-1], "targets", "; a class takes one column per class, 1 where it is the one"),
    )
    if not len(found):
        raise InvalidArgument("inputs: expected at least 1 row, found none")
    return found


def rows(values: Any, width: int, what: str, hint: str = "") -> Array:
    """A matrix with so many columns; a plain list is one row, or one column where a row is one number.

    Raises:
        InvalidArgument: not numbers, or of another shape.
    """
    expected = f"{what}: expected rows of {'1 number' if width == 1 else f'{width} numbers'}"
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InvalidArgument(f"{expected}, found something else in them") from None
    if array.ndim < 2:
        array = array.reshape(-1, 1) if width == 1 else np.atleast_2d(array)
    if array.ndim != 2 or array.shape[1] != width:
        raise InvalidArgument(f"{expected}, found shape {array.shape}{hint}")
    return array


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
    if not (_is(Real, settings.tolerance) and 0 <= settings.tolerance < math.inf):
        raise InvalidArgument(f"tolerance: expected a finite number of at least 0, found {settings.tolerance!r}")
    target, limit = settings.target_loss, settings.time_limit
    if target is not None and not (_is(Real, target) and math.isfinite(target)):
        raise InvalidArgument(f"target_loss: expected a finite number, found {target!r}")
    if limit is not None and not (_is(Real, limit) and limit > 0):
        raise InvalidArgument(f"time_limit: expected a number of seconds above 0, found {limit!r}")
    if settings.dtype not in ("float32", "float64"):
        raise InvalidArgument(f'dtype: expected "float32" or "float64", found {settings.dtype!r}')
    if not isinstance(settings.shuffle, (bool, np.bool_)):
        raise InvalidArgument(f"shuffle: expected True or False, found {settings.shuffle!r}")


def _is(kind: type, value: object) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
