"""The public names, and the examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import inspect
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.rules.schedules import schedule

PUBLIC = [
    "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Callback", "ClearpropError", "Cycle", "Data", "Dense",
    "Examples", "Explanation", "Fit", "NAdam", "Network", "Objective", "Parameters", "Penalty", "Problem", "RMSprop",
    "Settings", "activation", "check", "compare", "cycle", "explain", "explore", "from_keras", "from_onnx",
    "from_sklearn", "from_torch", "load", "loss", "mistakes", "predict", "read", "save", "to_keras",
    "to_onnx", "to_torch", "train", "train_many",
    "verify", "write",
]  # fmt: skip


def test_public_names_are_pinned_and_all_there() -> None:
    assert cp.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(cp, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = cp.nothing


# --- wrong calls --------------------------------------------------------------------------------------


class Strange:
    """Nothing that any call expects."""


LECTURE = cp.load("lecture")
NETWORK = cp.Network(2, [cp.Dense(1)])
ROWS = np.array([[0.1, 0.5]])
VALID: Mapping[str, Mapping[str, Any]] = {
    "SGD": {}, "Adadelta": {}, "Adagrad": {}, "Adam": {}, "AdamW": {}, "Adamax": {}, "NAdam": {}, "RMSprop": {},
    "Penalty": {}, "Settings": {},
    "Data": {"file": "a.csv", "target": "b"},
    "Dense": {"units": 2},
    "Examples": {"inputs": ROWS, "targets": ROWS},
    "Network": {"inputs": 2, "layers": [cp.Dense(2)]},
    "Objective": {"rule": cp.loss("huber")},
    "Parameters": {"layout": NETWORK.layout, "vector": np.zeros(3)},
    "Problem": {"network": NETWORK},
    "activation": {"name": "relu"},
    "loss": {"name": "huber"},
    "check": {"problem": LECTURE, "answers": {"sum_h1": "0.41"}},
    "compare": {"problem": LECTURE, "other": LECTURE},
    "cycle": {"problem": LECTURE},
    "explain": {"cycle": cp.cycle(LECTURE)},
    "explore": {"problem": LECTURE},
    "from_keras": {"model": None},
    "from_onnx": {"model": None},
    "from_sklearn": {"estimator": None},
    "from_torch": {"module": None},
    "load": {"net": "lecture"},
    "mistakes": {"problem": LECTURE},
    "predict": {"problem": LECTURE, "data": ROWS},
    "read": {"text": cp.write(LECTURE)},
    "save": {"problem": LECTURE, "path": "net.toml"},
    "to_keras": {"problem": LECTURE},
    "to_onnx": {"problem": LECTURE},
    "to_torch": {"problem": LECTURE},
    "train": {"problem": LECTURE, "epochs": 0},
    "train_many": {"problems": [LECTURE], "time_limit": 1e-9},
    "verify": {"problem": LECTURE},
    "write": {"problem": LECTURE},
}  # fmt: skip
"""Every public name that is called, with arguments that it takes."""
untyped: Any = cp  # without types: the calls below are wrong
NOT_CALLED = {"Callback", "ClearpropError", "Cycle", "Explanation", "Fit"}
WRONG: tuple[Any, ...] = (
    -1, 2.5, math.nan, True, None, "no such thing", b"x", [], [[None]], {3: 4}, Strange(), Strange, np.zeros(3),
    np.array("x"), np.array([1j]), 10**30, 1j, LECTURE, NETWORK,
)  # fmt: skip


def test_every_public_name_is_called_wrongly_below() -> None:
    assert VALID.keys() | NOT_CALLED == set(PUBLIC)


@pytest.mark.parametrize("name", VALID)
@pytest.mark.filterwarnings("ignore")
def test_wrong_values_are_refused_in_words(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each argument in turn is something that it may not be: it is taken, or refused with one message."""
    monkeypatch.chdir(tmp_path)
    called, said = getattr(cp, name), []
    for each in inspect.signature(called).parameters.values():
        for wrong in WRONG:
            if each.kind is each.VAR_KEYWORD or (each.name in ("path", "output") and isinstance(wrong, (str, bytes))):
                continue
            by_place = each.kind in (each.POSITIONAL_ONLY, each.VAR_POSITIONAL)
            before = VALID[name].values() if each.kind is each.VAR_POSITIONAL else ()
            named = {} if by_place else {**VALID[name], each.name: wrong}
            try:
                called(*before, wrong) if by_place else called(**named)
            except cp.ClearpropError as error:
                said.append(str(error))
            except Exception as error:
                raise AssertionError(f"{name}({each.name}={wrong!r}) raised {error!r}") from error
    assert said
    assert max(map(len, said)) < 700


@pytest.mark.parametrize("name", VALID)
def test_an_unknown_option_is_refused_with_what_was_meant(name: str) -> None:
    called = getattr(cp, name)
    options = [each.name for each in inspect.signature(called).parameters.values() if each.kind is each.KEYWORD_ONLY]
    given = VALID[name]
    if name in ("activation", "loss"):
        with pytest.raises(cp.ClearpropError, match="delt"):
            called("huber" if name == "loss" else "leaky_relu", delt=1)
        return
    meant = (options or list(inspect.signature(called).parameters))[-1]
    with pytest.raises(cp.ClearpropError, match=f'"{meant}x"; did you mean "{meant}"\\?'):
        called(**given, **{f"{meant}x": 3})
    with pytest.raises(ValueError, match="no_such_option"):
        called(**given, no_such_option=3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: untyped.Penalty(l2=-1), "l2: expected a number of at least 0, found -1"),
        (lambda: untyped.cycle("xor"), 'problem: expected a Problem, such as load(path) gives, found "xor"'),
        (lambda: untyped.train(LECTURE, callbacks=3), "callbacks: expected a list of callbacks, found 3"),
        (
            lambda: untyped.explain(LECTURE),
            "cycle: expected a Cycle, such as cycle(problem) gives, found an object of the type Problem",
        ),
        (lambda: untyped.load(3), "net: expected the path of a file, or the name of an example, found 3"),
        (lambda: untyped.read(3), "text: expected text in quotes, found 3"),
        (lambda: untyped.Network(2, layers=cp.Dense), "layers: expected a list of layers, found the class Dense"),
        (
            lambda: untyped.Network(2, layers=[cp.Dense]),
            "layers: entry 1: expected a layer, such as Dense(3), found the class Dense",
        ),
        (lambda: untyped.Dense(0), "units: expected 1 to 1,000,000 units, found 0"),
        (
            lambda: untyped.train(LECTURE, output="m.safetensors", checkpoint=-1),
            "checkpoint: expected a number of at least 0, found -1",
        ),
        (lambda: untyped.train(LECTURE, metrics="yes"), 'metrics: expected true or false, found "yes"'),
        (lambda: untyped.Adam(clip_nrm=1), 'adam has no setting "clip_nrm"; did you mean "clip_norm"?'),
        (lambda: untyped.SGD(schedule="cosin"), 'schedule: unknown schedule "cosin"; did you mean "cosine"?'),
        (
            lambda: untyped.train(LECTURE, lr=0.1),
            "train: the learning rate is the optimizer's: optimizer=SGD(learning_rate=0.1), say",
        ),
        (
            lambda: untyped.Problem(NETWORK, parameters=LECTURE.parameters),
            "parameters: expected those of Network(2-1: identity), found those of a network 2-2-2",
        ),
        (lambda: untyped.cycle(LECTURE, state={"v": ROWS}), "state: expected none of the optimizer sgd"),
    ],
)
def test_what_is_said_of_wrong_calls(
    call: Callable[[], object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$") as caught:
        call()
    assert isinstance(caught.value, cp.ClearpropError)


def test_options_of_every_optimizer_are_given_where_it_is_made() -> None:
    made = cp.Adam(0.01, schedule={"name": "cosine", "epochs": 7}, clip_norm=1.0)
    assert (made.schedule, made.clip_norm) == (schedule("cosine", epochs=7), 1.0)
    assert cp.SGD(schedule="exponential").schedule == schedule("exponential")


# --- examples in docstrings -----------------------------------------------------------------------------

SOURCES = Path(cp.__file__).parent
MODULES = sorted(
    ".".join(("clearprop", *path.relative_to(SOURCES).with_suffix("").parts)).removesuffix(".__init__")
    for path in SOURCES.rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
    assert result.attempted > 0
