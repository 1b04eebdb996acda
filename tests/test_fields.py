"""One check per field: a network file, Python and the command line refuse a value in the same words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, InvalidNetwork
from clearprop.fields import (
    Unexpected,
    above_zero,
    accepted,
    at_least_zero,
    boolean,
    checks,
    columns,
    either,
    integer,
    list_of,
    number,
    optional,
    pair,
    share,
    shown,
    string,
)
from clearprop.rules.optimizers import optimizer
from clearprop.rules.schedules import Schedule

NET = """
[inputs]
count = 1
[[layers]]
units = 1
{layer}
[optimizer]
{optimizer}
[penalty]
{penalty}
[training]
{training}
[data]
file = "t.csv"
target = "y"
{data}
[loss]
{loss}
"""
WHOLE, SHARE, FINITE = "a whole number of at least", "a number of at least 0 and below 1", "a finite number"
DTYPES, WAYS, SUMS = '"float32" or "float64"', '"refuse", "mean" or "drop"', '"sum" or "mean"'

# Section of the file, field, value in TOML, value in Python, what is said after the place, and Python's door.
REFUSED: list[tuple[str, str, str, Any, str, Callable[..., Any]]] = [
    ("training", "epochs", "-3", -3, f"expected {WHOLE} 0, found -3", cp.Settings),
    ("training", "epochs", "1.5", 1.5, "expected a whole number, found 1.5", cp.Settings),
    ("training", "epochs", "true", True, "expected a whole number, found true", cp.Settings),
    ("training", "batch_size", "0", 0, f"expected {WHOLE} 1, found 0", cp.Settings),
    ("training", "batch_size", '"all"', "all", 'expected a whole number, found "all"', cp.Settings),
    ("training", "tolerance", "-1e-3", -1e-3, "expected a number of at least 0, found -0.001", cp.Settings),
    ("training", "tolerance", "nan", np.nan, f"expected {FINITE}, found nan", cp.Settings),
    ("training", "patience", "0", 0, f"expected {WHOLE} 1, found 0", cp.Settings),
    ("training", "seed", "-1", -1, f"expected {WHOLE} 0, found -1", cp.Settings),
    ("training", "convergence", '"fast"', "fast", 'expected "change" or "improvement", found "fast"', cp.Settings),
    ("training", "loss", '"met"', "met", 'expected "batches" or "exact", found "met"', cp.Settings),
    ("penalty", "divide_by_examples", "1", 1, "expected true or false, found 1", cp.Penalty),
    ("training", "shuffle", '"no"', "no", 'expected true, false or "sklearn", found "no"', cp.Settings),
    ("training", "dtype", '"float16"', "float16", f'expected {DTYPES}, found "float16"', cp.Settings),
    ("training", "target_loss", "inf", np.inf, f"expected {FINITE}, found inf", cp.Settings),
    ("training", "time_limit", "0", 0, "expected a number above 0, found 0", cp.Settings),
    ("training", "gradient_tolerance", "-1", -1, "expected a number of at least 0, found -1", cp.Settings),
    ("training", "early_stopping", "1", 1, "expected true or false, found 1", cp.Settings),
    ("penalty", "l2", "-1", -1, "expected a number of at least 0, found -1", cp.Penalty),
    ("penalty", "l1", "inf", np.inf, f"expected {FINITE}, found inf", cp.Penalty),
    ("data", "split", "7", 7, f"expected {SHARE}, found 7", cp.Data),
    ("data", "missing", '"no"', "no", f'expected {WAYS}, found "no"', cp.Data),
    ("data", "standardize", "1", 1, "expected true or false, found 1", cp.Data),
    ("data", "inputs", "[1]", [1], "entry 1: expected text in quotes, found 1", cp.Data),
    ("data", "categorical", "3", 3, "expected a list of column names, found 3", cp.Data),
    ("data", "weight_column", "3", 3, "expected text in quotes, found 3", cp.Data),
    ("data", "class_weights", "{a = -1}", {"a": -1}, '"a": expected a number of at least 0, found -1', cp.Data),
    ("data", "class_weights", "3", 3, 'expected "balanced", or a table of weights by class, found 3', cp.Data),
    ("layer", "dropout", "1", 1, f"expected {SHARE}, found 1", cp.Dense),
    ("layer", "train_bias", "1", 1, "expected true or false, found 1", cp.Dense),
    ("loss", "over_examples", '"max"', "max", 'expected "sum", "mean" or "weighted_mean", found "max"', cp.Objective),
    ("optimizer", "learning_rate", "-1", -1, "expected a number of at least 0, found -1", cp.SGD),
    ("optimizer", "momentum", "nan", np.nan, f"expected {FINITE}, found nan", cp.SGD),
    ("optimizer", "dampening", "-1", -1, "expected a number of at least 0, found -1", cp.SGD),
    ("optimizer", "nesterov", "1", 1, "expected true or false, found 1", cp.SGD),
    ("optimizer", "clip_norm", "0", 0, "expected a number above 0, found 0", optimizer),
    ("optimizer", "clip_value", "-1", -1, "expected a number above 0, found -1", optimizer),
]
REQUIRED: dict[Any, tuple[Any, ...]] = {
    cp.Data: ("t.csv", "y"), cp.Dense: (1,), cp.Objective: (cp.loss("huber"),), optimizer: ("sgd",)
}  # fmt: skip
OPTIONS = {"epochs": "--epochs", "batch_size": "--batch-size", "seed": "--seed", "learning_rate": "--learning-rate"}


@pytest.mark.parametrize(("section", "field", "toml", "value", "message", "make"), REFUSED)
def test_an_impossible_value_is_refused_alike(
    section: str, field: str, toml: str, value: Any, message: str, make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from clearprop.cli import run

    with pytest.raises(InvalidArgument) as python:
        make(*REQUIRED.get(make, ()), **{field: value})
    assert str(python.value) == f"{field}: {message}"
    sections = {"layer": "", "optimizer": "", "penalty": "", "training": "", "data": "", "loss": ""}
    with pytest.raises(InvalidNetwork) as file:
        cp.read(NET.format(**{**sections, section: f"{field} = {toml}"}))
    place = "layers[1]" if section == "layer" else section
    assert [str(fault) for fault in file.value.problems] == [f"{place}.{field}: {message}"]
    if field in OPTIONS:
        assert run(["train", "lecture", OPTIONS[field], toml.strip('"')]) == 2
        if not isinstance(value, bool):
            expected = f"clearprop: invalid value for '{OPTIONS[field]}': {message}; try `clearprop train --help`\n"
            assert capsys.readouterr().err == expected


def test_every_field_with_a_limit_has_a_check() -> None:
    """Whoever adds a setting states its check in its type, or this fails."""
    for description in (cp.Settings, cp.Data, cp.Penalty):
        known = checks(description)
        assert list(known) == [each.name for each in fields(description)]
        assert {each[1] for each in REFUSED if each[5] is description} <= set(known)
    assert {field for _, field, *_ in REFUSED} >= {each.name for each in fields(cp.Settings)}


def test_values_are_kept_in_the_field_s_own_type() -> None:
    given: dict[str, Any] = {"epochs": np.int64(3), "patience": 4.0, "tolerance": np.float32(0.5), "shuffle": np.True_}
    settings = cp.Settings(**given)
    kept = (settings.epochs, settings.patience, settings.tolerance, settings.shuffle)
    assert kept == (3, 4, 0.5, True)
    assert [type(value) for value in kept] == [int, int, float, bool]
    assert cp.Data("t", "y", inputs=["a", "b"]) == cp.Data("t", ("y",), inputs=("a", "b"))  # type: ignore[arg-type]
    assert cp.Data("t", "y", class_weights={0: 1, "b": 2}).class_weights == {"0": 1.0, "b": 2.0}  # type: ignore[arg-type,dict-item]


def test_replacing_a_field_checks_it() -> None:
    with pytest.raises(InvalidArgument, match=r"^patience: expected a whole number of at least 1, found 0$"):
        replace(cp.Settings(), patience=0)
    with pytest.raises(InvalidArgument, match=r"^learning_rate: expected a finite number, found inf$"):
        replace(cp.Adam(), learning_rate=np.inf)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schedule("cosin"), 'unknown schedule "cosin"; did you mean "cosine"?'),
        (lambda: Schedule("cosine", {"epoch": 3}), 'the schedule cosine has no setting "epoch"; did you mean "ep'),
        (lambda: Schedule("cosine", {"epochs": 0}), "epochs: expected a whole number of at least 1, found 0"),
        (lambda: Schedule("plateau", {"factor": 1}), "factor: expected a number of at least 0 and below 1, found 1"),
        (lambda: Schedule(warmup=-1), "warmup: expected a whole number of at least 0, found -1"),
        (lambda: cp.Adam(betas=(0.9, 1.0)), "betas: entry 2: expected a number of at least 0 and below 1, found 1.0"),
        (lambda: cp.Adam(betas=(0.9,)), "betas: expected two numbers, found a list of 1"),  # type: ignore[arg-type]
        (lambda: cp.RMSprop(centered=1), "centered: expected true or false, found 1"),  # type: ignore[arg-type]
    ],
)
def test_schedules_and_hyperparameters(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(cp.ClearpropError) as caught:
        make()
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 2


def test_a_schedule_has_all_its_constants() -> None:
    assert Schedule("cosine") == Schedule("cosine", {"epochs": 100, "minimum": 0.0})
    assert Schedule("step", {"size": 3}).constants == {"size": 3, "gamma": 0.1}


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (string, ["", "a"], [1, None]),
        (boolean, [True, np.False_], [0, 1, "true", None]),
        (number, [1, -1.5, np.float32(0.5)], [True, "1", None, np.nan, np.inf, 10**400, 1j]),
        (integer(2, 4), [2, 3.0, np.int8(4)], [1, 5, 2.5, True, "3", np.nan]),
        (at_least_zero, [0, 0.0, 1e300], [-1e-300, np.nan]),
        (above_zero, [1e-300], [0, -1, np.inf]),
        (share, [0, 0.999], [1, -0.1, np.nan]),
        (either("a", "b"), ["a"], ["c", 1, ["a"], None]),
        (optional(share), [None, 0.5], [1]),
        (pair(share), [(0.1, 0.2), [0, 0]], [(0.1,), 0.1]),
        (list_of(number, "numbers"), [[], [1]], ["ab", 1]),
        (columns, ["a", ["a", "b"], ()], [1]),
    ],
)
def test_checks(check: Any, right: list[Any], wrong: list[Any]) -> None:
    for value in right:
        accepted(check, value)
    for value in wrong:
        with pytest.raises(Unexpected):
            check(value)


def test_values_are_shown_short_and_safe() -> None:
    values: tuple[Any, ...] = (True, "a\x1b[0m" + "b" * 99, [], [1, 2], {"a": 1}, 10**30, None, 1.5)
    found = [shown(value)[:12] for value in values]
    assert found == ["true", '"a�[0mbbbbbb', "an empty lis", "a list of 2", "a table", "a number wit", "nothing", "1.5"]


def test_no_limit_stands_twice() -> None:
    """The words of a limit stand in one file."""
    for words in ("expected a whole number of at", "a whole number of at least", 'below 1")', 'found {value!r}")'):
        places = [Path(cp.__file__).parent / room for room in ("network", "rules", "tables", "models", "fields.py")]
        files = [file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place])]
        found = {file.name for file in files if words in file.read_text().replace("found -3", "")}
        assert found <= {"fields.py", "problem.py"}, (words, found)
