"""What is to be trained: the problem, with everything put into it that a call gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import InvalidArgument
from clearprop.network.data import Data, shown_label
from clearprop.network.description import Network
from clearprop.network.examples import Examples
from clearprop.network.problem import Problem, Settings
from clearprop.rules.optimizers import Optimizer
from clearprop.tables.csv_file import Progress
from clearprop.tables.frames import from_arrays, from_frame, is_frame
from clearprop.tables.prepare import prepared
from clearprop.tables.read import read_table

MOST = 2**63 - 1
"""The largest whole number that a network file may hold."""

COLUMNS = {"columns": "inputs"} | {
    field.name: field.name for field in fields(Data) if field.name not in ("file", "target", "inputs")
}
"""What a call may say of a table, and what ``Data`` calls it."""


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


def given(problem: Problem, inputs: Any, targets: Any, about: Mapping[str, Any], weights: Any = None) -> Problem:
    """The problem with examples from a call: an array, or a data frame with the names of its targets."""
    if inputs is None:
        raise InvalidArgument("inputs and targets belong together: give both or neither")
    if is_frame(inputs):
        if weights is not None:
            raise InvalidArgument("weights: a data frame has them in a column; name it with weight_column")
        data = described(problem, targets, about)
        return prepared(problem, data, lambda wanted: from_frame(inputs, wanted))
    if targets is None:
        raise InvalidArgument("inputs and targets belong together: give both or neither")
    if about or not _are_outputs(targets, problem.network.sizes[-1], _dimensions(inputs)):
        names = ("y",) if _dimensions(targets) < 2 else tuple(f"y{k + 1}" for k in range(np.shape(targets)[1]))
        data = described(problem, names, about)
        found = prepared(problem, data, lambda wanted: from_arrays(inputs, targets, wanted))
    else:
        found = replace(problem, examples=examples(problem.network, inputs, targets), data=None)
    return found if weights is None else replace(found, examples=weighted(found.examples, weights))


def described(problem: Problem, targets: Any, about: Mapping[str, Any]) -> Data:
    """What a call, and the ``[data]`` table before it, say of a table. A call sets no rows aside by itself."""
    names = (targets,) if isinstance(targets, str) else targets
    if names is None and problem.data is not None:
        names = problem.data.target
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) for name in names):
        raise InvalidArgument('targets: a data frame takes the name of its target column, such as "species"')
    for key in ("inputs", "categorical"):
        if about.get(key) is not None:
            about = {**about, key: tuple(about[key])}
    if isinstance(about.get("class_weights"), Mapping):
        # As a network file has them: classes are called by text.
        named = {name if isinstance(name, str) else shown_label(name): w for name, w in about["class_weights"].items()}
        about = {**about, "class_weights": named}
    data = Data("", (), split=0.0) if problem.data is None else problem.data
    data = replace(data, **{**about, "target": tuple(names)})
    if not 0 <= data.split < 1:
        raise InvalidArgument(f"split: expected at least 0 and below 1, found {data.split!r}")
    if data.missing not in ("refuse", "mean", "drop"):
        raise InvalidArgument(f'missing: expected "refuse", "mean" or "drop", found {data.missing!r}')
    if not (data.class_weights in (None, "balanced") or isinstance(data.class_weights, Mapping)):
        raise InvalidArgument(f'class_weights: expected "balanced" or a weight by class, found {data.class_weights!r}')
    return data


def from_file(problem: Problem, data: Data, path: Path, progress: Progress | None = None) -> Problem:
    """The problem with the rows of a table in a file as its examples.

    Raises:
        UnreadableFile: no such table, or not one.
        UnfitTable: it does not fit the network.
    """
    return prepared(problem, data, lambda wanted: read_table(path, wanted, progress))


def weighted(examples: Examples | None, weights: Any) -> Examples:
    """The examples, each counting as much as its weight."""
    if examples is None:
        raise InvalidArgument("weights: there are no examples for them to be of")
    try:
        values = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        raise InvalidArgument("weights: expected one number per row, found something else") from None
    if values.shape != (len(examples),):
        raise InvalidArgument(f"weights: expected {len(examples)} numbers, one per row, found shape {values.shape}")
    if not (np.isfinite(values) & (values >= 0)).all() or not values[examples.learnt].any():
        raise InvalidArgument("weights: expected finite numbers of at least 0, not all of them 0")
    return replace(examples, weights=values if examples.weights is None else values * examples.weights)


def _dimensions(values: Any) -> int:
    try:
        return int(np.ndim(values))
    except ValueError:  # rows of different lengths: refused where they are read
        return 2


def _are_outputs(targets: Any, width: int, dimensions: int) -> bool:
    """Whether targets are rows of numbers, one for each output, rather than a class for each row of inputs."""
    if _dimensions(targets) < 2:
        return (width == 1 or dimensions < 2) and np.asarray(targets).dtype.kind in "fiub"
    return True


def examples(network: Network, inputs: Any, targets: Any) -> Examples:
    """Rows of inputs and targets that fit the network."""
    found = Examples.of(
        rows(inputs, network.sizes[0], "inputs"),
        rows(targets, network.sizes[-1], "targets", "; a class takes one column per class, 1 where it is the one"),
        own=False,
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
