"""The network file, written: every problem reads back equal, or is refused."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import few_calls

import clearprop as cp
from clearprop.atomic_write import write_atomically
from clearprop.errors import InvalidArgument, InvalidNetwork, Unwritable
from clearprop.network.data import Data
from clearprop.rules.losses import Loss
from clearprop.rules.optimizers import Optimizer, optimizer
from clearprop.rules.roles import t, y
from clearprop.rules.schedules import schedule

positive = st.floats(1e-300, 1e300)
unit = st.floats(0, 1, exclude_max=True)
finite = st.floats(allow_nan=False, allow_infinity=False)
anything = st.text(st.characters(codec="utf-8"), max_size=12)

activations = st.one_of(
    st.sampled_from(["identity", "logistic", "tanh", "relu", "softplus", "gelu", "silu", "softmax"]),
    st.sampled_from(["z", "z * logistic(z)", "where(z > 0, z,\n 2*z)", "max(z, 0) ** 2", "1e-7 * z"]),
    st.builds(lambda slope: cp.activation("leaky_relu", slope=slope), finite),
    st.builds(lambda alpha: cp.activation("elu", alpha=alpha), finite),
    st.builds(lambda a, s: cp.activation("selu", alpha=a, scale=s), finite, finite),
)
named_losses = ["half_squared_error", "squared_error", "absolute_error", "abs(t - y)", "(y - t) ** 4 / 4"]
losses = st.one_of(
    st.sampled_from(named_losses).map(cp.loss),
    st.builds(lambda delta: cp.loss("huber", delta=delta), finite),
)
schedules = st.one_of(
    st.builds(lambda n: schedule("constant", warmup=n), st.integers(0, 9)),
    st.builds(lambda n, g: schedule("step", size=n, gamma=g), st.integers(1, 99), unit),
    st.builds(lambda g, n: schedule("exponential", gamma=g, warmup=n), unit, st.integers(0, 9)),
    st.builds(lambda n, m: schedule("cosine", epochs=n, minimum=m), st.integers(1, 99), unit),
    st.builds(lambda f, n: schedule("plateau", factor=f, patience=n), unit, st.integers(0, 99)),
    st.builds(lambda f, n: schedule("adaptive", factor=f, patience=n), unit, st.integers(0, 99)),
    st.builds(lambda n: schedule("invscaling", power=n), unit),
)
clips = st.none() | positive


@st.composite
def optimizers(draw: st.DrawFn) -> Optimizer:
    """Any optimizer with any hyperparameters."""
    rate, share, number = draw(positive), draw(unit), draw(positive)
    kinds: list[Callable[[], Optimizer]] = [
        lambda: cp.SGD(rate, momentum=number, dampening=share, weight_decay=number),
        lambda: cp.SGD(rate, momentum=number, nesterov=True),
        lambda: cp.RMSprop(rate, alpha=share, eps=number, momentum=number, centered=True, weight_decay=number),
        lambda: cp.Adagrad(rate, lr_decay=number, eps=number, initial_accumulator_value=number),
        lambda: cp.Adam(rate, betas=(share, share / 2), eps=number, weight_decay=number),
        lambda: cp.AdamW(rate, betas=(share, 0.5), weight_decay=number),
        lambda: cp.Adam(rate, eps=number, correction_in_rate=True, decoupled_weight_decay=True),
        lambda: cp.SGD(rate, momentum=number, rate_in_velocity=True),
        lambda: cp.NAdam(rate, momentum_decay=number), lambda: cp.Adamax(rate, eps_in_max=False), cp.Adadelta,
        cp.SGD, cp.RMSprop, cp.Adagrad, cp.Adam, cp.AdamW,
    ]  # fmt: skip
    made = draw(st.sampled_from(kinds))()
    made = replace(made, schedule=draw(schedules), clip_norm=draw(clips), clip_value=draw(clips))
    return replace(made, clip_norm_per="variable") if made.clip_norm and draw(st.booleans()) else made


@st.composite
def layers(draw: st.DrawFn, index: int, inputs: int) -> cp.Dense:
    """Any layer: named or counted units, any bias, names or none."""
    size = draw(st.integers(1, 3))
    units: Any = st.sampled_from([size, tuple(f"u{index}_{j}" for j in range(size))])
    bias = draw(st.sampled_from(["unit", "shared", "none"]))
    names = {"unit": tuple(f"c{index}_{k}" for k in range(size)), "shared": f"c{index}", "none": None}[bias]
    rows = tuple(tuple(f"q{index}_{j}_{i}" for i in range(inputs)) for j in range(size))
    return cp.Dense(
        draw(units),
        draw(activations),
        bias=bias,  # type: ignore[arg-type]
        weight_names=rows if draw(st.booleans()) else None,
        bias_names=names if draw(st.booleans()) else None,
        train_bias=draw(st.booleans()),
        init=draw(st.sampled_from([None, "he_normal", "glorot_uniform", "zeros"])),
        dropout=draw(unit),
    )


@st.composite
def problems(draw: st.DrawFn) -> cp.Problem:
    """Any problem that a file can hold."""
    inputs = draw(st.integers(1, 3))
    found: list[cp.Dense] = []
    for index in range(draw(st.integers(1, 3))):
        found.append(draw(layers(index, found[-1].size if found else inputs)))
    reductions: Any = st.sampled_from(["sum", "mean"])
    over_examples: Any = st.sampled_from(["sum", "mean", "weighted_mean"])
    objective = cp.Objective(draw(losses), draw(reductions), draw(over_examples))
    seen: Any = st.sampled_from([inputs, tuple("pqr"[:inputs])])
    network = cp.Network(draw(seen), found, objective)
    parameters = cp.Parameters.random(network)
    size = parameters.vector.size
    parameters.vector[:] = draw(st.lists(finite, min_size=size, max_size=size))
    rows = draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    examples = cp.Examples(rng.normal(size=(rows, inputs)), rng.normal(size=(rows, network.sizes[-1])))
    optional_names = st.none() | st.lists(anything, max_size=2).map(tuple)
    data = st.builds(
        Data, anything, st.lists(anything, max_size=2).map(tuple), optional_names, st.booleans(), unit,
        st.sampled_from(["refuse", "mean", "drop"]),
        st.none() | st.just("balanced") | st.dictionaries(anything, positive, max_size=2), st.none() | anything,
        standardize_target=st.none() | st.booleans(),
    )  # fmt: skip
    settings = st.builds(
        cp.Settings, st.none() | st.integers(0, 10**9), st.none() | st.integers(1, 10**9), st.just(0.0) | positive,
        st.integers(1, 99), st.integers(0, 2**62), st.booleans(), st.sampled_from(["float32", "float64"]),
        st.none() | finite, st.none() | positive,
    )  # fmt: skip
    return cp.Problem(
        network,
        parameters,
        draw(optimizers()),
        penalty=cp.Penalty(draw(st.just(0.0) | positive), draw(st.just(0.0) | positive), draw(st.booleans())),
        examples=examples if rows else None,
        settings=draw(settings),
        data=draw(st.none() | data),
        notation=draw(st.sampled_from(["lecture", "standard"])),
    )


@given(problems())
def test_every_problem_reads_back_equal(problem: cp.Problem) -> None:
    again = cp.read(cp.write(problem))
    assert again == problem
    assert again.parameters.vector.tobytes() == problem.parameters.vector.tobytes()
    assert cp.write(again) == cp.write(problem)


def test_what_is_usual_is_left_out() -> None:
    network = cp.Network(1, [cp.Dense(1)])
    problem = cp.Problem(network, cp.Parameters.of(network, [[[2]]], [[3]]))
    assert tomllib.loads(cp.write(problem)) == {
        "notation": "standard",
        "inputs": {"count": 1},
        "layers": [{"units": 1, "activation": "identity", "weights": [[2.0]], "bias": [3.0]}],
        "loss": {"name": "half_squared_error", "over_outputs": "sum", "over_examples": "mean"},
        "optimizer": {"name": "sgd", "learning_rate": 0.1},
    }


def test_numbers_of_numpy_are_written_as_numbers() -> None:
    settings = cp.Settings(epochs=np.int64(3), tolerance=np.float64(0.5))  # type: ignore[arg-type]
    problem = replace(cp.load("lecture"), settings=settings, optimizer=cp.SGD(np.float64(0.25)))
    assert cp.read(cp.write(problem)) == problem


def test_a_large_network_is_written_quickly() -> None:
    """One item of the document per number took 15 s here."""
    problem = cp.Problem(cp.Network(300, [cp.Dense(1000, "relu"), cp.Dense(10, "softmax")]))
    with few_calls(50_000):
        text = cp.write(problem)
    assert cp.read(text) == problem


@pytest.mark.parametrize(
    ("kind", "network", "chosen"),
    [
        ("loss", cp.Network(1, [cp.Dense(1)], Loss("mine", (t - y) ** 2, "here")), None),
        ("loss", cp.Network(1, [cp.Dense(1)], Loss("huber", (t - y) ** 2, "here")), None),
        ("activation", cp.Network(1, [cp.Dense(1, replace(cp.activation("tanh"), name="relu"))]), None),
        ("optimizer", None, replace(cp.SGD(), name="mine")),
        ("optimizer", None, replace(cp.SGD(), assignments=cp.Adagrad().assignments)),
    ],
)
def test_rules_made_in_python_are_refused(kind: str, network: cp.Network | None, chosen: Optimizer | None) -> None:
    problem = cp.Problem(network or cp.Network(1, [cp.Dense(1)]), optimizer=chosen or cp.SGD())
    with pytest.raises(InvalidArgument, match=f'^{kind}: ".*" was made or changed in Python and cannot be written'):
        cp.write(problem)


def test_parameters_that_are_not_finite_are_refused() -> None:
    problem = cp.load("lecture")
    vector = problem.parameters.vector.copy()
    vector[2] = np.nan
    with pytest.raises(InvalidArgument, match="the value of w2 is not a finite number"):
        cp.write(replace(problem, parameters=problem.parameters.with_vector(vector)))


def test_saving_replaces_the_file_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text("old")
    path.chmod(0o600)
    problem = replace(cp.load("xor"), optimizer=optimizer("adam", clip_norm=1.0))
    cp.save(problem, path)
    assert cp.load(path) == problem
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["net.toml"]


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_disk_that_fails_at_any_moment_loses_nothing(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.toml"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(Unwritable, match="cannot be written: No space left on device; what was there before"):
        cp.save(cp.load("lecture"), path)
    monkeypatch.undo()
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["net.toml"])


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("clearprop.atomic_write._temporary", refuse)
    with pytest.raises(Unwritable, match=r"net\.toml: cannot be written: Permission denied; .*choose another place"):
        cp.save(cp.load("lecture"), tmp_path / "net.toml")
    assert os.listdir(tmp_path) == []


def test_weights_of_examples_are_in_the_file() -> None:
    problem = cp.load("xor")
    assert problem.examples is not None
    weighted = replace(problem, examples=replace(problem.examples, weights=np.array([1.0, 0.0, 2.5, 1.0])))
    text = cp.write(weighted)
    assert "weight = 2.5" in text
    assert cp.read(text) == weighted
    # One that says nothing counts once; nothing is said where all count alike.
    assert cp.read(text.replace("weight = 1.0\n", "")) == weighted
    assert "weight = " not in cp.write(problem)
    with pytest.raises(InvalidNetwork) as caught:
        cp.read(cp.write(problem).replace("targets = [0.0]", 'targets = [0.0]\nweight = "much"'))
    assert 'examples[1].weight: expected a number, found "much"' in str(caught.value)
    alone = cp.write(replace(problem, examples=cp.Examples.of([[0, 0]], [[0]])))
    with pytest.raises(InvalidNetwork, match="examples: every example has weight 0; at least one must count"):
        cp.read(alone + "weight = 0\n")


@pytest.mark.parametrize("name", ["lecture", "xor", "deep", "ring"])
def test_bundled_examples_are_written_and_read_back_equal(name: str) -> None:
    assert cp.read(cp.write(cp.load(name))) == cp.load(name)


@given(
    problems(),
    st.sampled_from([
        cp.SGD(0.3, momentum=0.9, nesterov=True), cp.RMSprop(centered=True, alpha=0.5), cp.Adagrad(lr_decay=0.1),
        cp.Adam(betas=(0.5, 0.6), eps=1e-3), cp.AdamW(weight_decay=0.2),
        optimizer("adam", clip_norm=1.0, clip_value=0.5, schedule=schedule("cosine", epochs=7, warmup=3)),
    ]),
)  # fmt: skip
def test_what_is_written_reads_back_equal(problem: cp.Problem, chosen: object) -> None:
    from dataclasses import replace

    problem = replace(
        problem,
        optimizer=chosen,  # type: ignore[arg-type]
        settings=cp.Settings(epochs=7, batch_size=2, tolerance=0.0, seed=5, shuffle=False, dtype="float64"),
        notation="lecture",
    )
    again = cp.read(cp.write(problem))
    assert again == problem
    assert again.parameters.vector.tobytes() == problem.parameters.vector.tobytes()


def test_names_constants_and_policies_are_written_too() -> None:
    layers = [
        cp.Dense(("h1", "h2"), cp.activation("leaky_relu", slope=0.3), bias="shared", bias_names="b", train_bias=False),
        cp.Dense(2, "tanh", bias=False, weight_names=(("a", "c"), ("d", "e")), init="zeros", dropout=0.25),
        cp.Dense(1, "z**2", bias_names=("c1",)),
    ]
    loss = cp.Objective(cp.loss("huber", delta=0.5), "mean", "sum")
    problem = cp.Problem(cp.Network(("p", "q"), layers, loss), penalty=cp.Penalty(l1=0.5))
    assert cp.read(cp.write(problem)) == problem


def test_a_written_file_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "net.toml"
    target.write_text("what was there")
    os.chmod(target, 0o640)
    write_atomically(target, "new")
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", 0o640)
    with pytest.raises(Unwritable, match="found a folder; give a file's name"):
        write_atomically(tmp_path, "x")
    with pytest.raises(Unwritable, match=r"there is no folder .*none; make it first"):
        write_atomically(tmp_path / "none" / "x", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["net.toml"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "net.toml"
    target.write_text("what was there")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unwritable, match="No space left on device; what was there before is untouched"):
        write_atomically(target, "new")
    assert target.read_text() == "what was there"
    assert len(list(tmp_path.iterdir())) == 1
