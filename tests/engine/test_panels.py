"""Panels: what fills them up is zero, and stays zero, whatever is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.engine.support.guarded import poison
from tests.engine.support.networks import MOVING, by_engine, drawn, native, problem_of, single

import clearprop as cp
from clearprop.engine import calling
from clearprop.engine.native import Native
from clearprop.engine.panels import Panels
from clearprop.network.problem import Problem, Settings
from clearprop.rules.optimizers import optimizer
from clearprop.types import Array

WITHOUT_EPS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("rmsprop", {"eps": 0.0}),
    ("adagrad", {"eps": 0.0}),
    ("adam", {"eps": 0.0}),
    ("adamw", {"eps": 0.0}),
)


def filled(panels: Panels) -> dict[str, Array]:
    """Where there is no parameter: among the weights, and among the transposed ones."""
    ones = np.ones(panels.pack(np.zeros(len(panels.places))).size, bool)
    used = panels.pack(np.ones(len(panels.places))) != 0
    turned = panels.transpose(used.astype(panels.numbers.dtype)) != 0
    return {"weights": ones & ~used, "transposed": ~turned}


def left(engine: Native) -> dict[str, float]:
    """The largest number where nothing should be, part by part; NaN counts."""
    panels, places = engine.panels, filled(engine.panels)
    found = {f"parts[{k}]": part[places["weights"]] for k, part in enumerate(engine.parts)}
    found["transposed"] = engine.transposed[places["transposed"]]
    starts, width = panels.activation_starts(), panels.width
    training = engine.training.arrays["activations"].reshape(
        2 * starts[-1] - starts[1] + calling.aside(panels), -1, width
    )
    inference = engine.inference.arrays["activations"].reshape(engine.threads, starts[-1], -1, width)
    for layer in range(panels.network.depth + 1):
        last = starts[layer] + panels.count(layer) - 1
        found[f"activations of {layer}"] = training[last, :, panels.tail(layer) :]
        found[f"activations of {layer} in inference"] = inference[:, last, :, panels.tail(layer) :]
        if layer:
            signals = starts[-1] + last - starts[1]
            found[f"signals of {layer}"] = training[signals, :, panels.tail(layer) :]
    largest = {name: np.abs(values).max(initial=0.0) for name, values in found.items()}
    return {name: float(value) for name, value in largest.items() if value != 0 or np.isnan(value)}


def network() -> cp.Network:
    """Functions that are not zero at zero, in layers that fill up no panel."""
    return cp.Network(
        5,
        [
            cp.Dense(7, "logistic", dropout=0.2),
            cp.Dense(19, "softplus", bias="shared"),
            cp.Dense(3, "softmax", bias=False),
            cp.Dense(33, "exp(-z**2)", train_bias=False),
            cp.Dense(2, "logistic"),
        ],
        "binary_cross_entropy",
    )


def problem(name: str, options: Mapping[str, Any], **more: Any) -> Problem:
    rng = np.random.default_rng(4)
    examples = cp.Examples.of(single(rng.normal(size=(40, 5))), single(rng.uniform(0.1, 0.9, (40, 2))))
    made = Problem(network(), examples=examples, settings=Settings(batch_size=13, seed=3), **more)
    return replace(made, optimizer=optimizer(name, learning_rate=0.01, **options))


@pytest.mark.parametrize(("name", "options"), [*MOVING, *WITHOUT_EPS])
def test_what_fills_up_stays_zero(name: str, options: Mapping[str, Any]) -> None:
    """Of the weights, of what is remembered, of activations and signals; and the transposed weights are the same."""
    given = problem(name, options, penalty=cp.Penalty(0.01, 0.01))
    engine = native(given, "float32", threads=2)
    poison(engine)
    by_engine(engine, epochs=2)
    assert left(engine) == {}
    assert engine.finite
    assert np.isfinite(engine.parameters).all()
    assert np.array_equal(engine.transposed, engine.panels.transpose(engine.parts[0]))


@pytest.mark.parametrize("clip", [{"clip_norm": 0.01}, {"clip_value": 0.01}], ids=lambda each: next(iter(each)))
@pytest.mark.parametrize(("name", "options"), [MOVING[2], *WITHOUT_EPS[:2]])
def test_also_where_the_gradient_is_clipped(name: str, options: Mapping[str, Any], clip: Mapping[str, float]) -> None:
    engine = native(problem(name, {**options, **clip}), "float64")
    by_engine(engine, epochs=2)
    assert left(engine) == {}
    assert np.array_equal(engine.transposed, engine.panels.transpose(engine.parts[0]))


@pytest.mark.parametrize("seed", range(400, 410))
def test_in_any_network(seed: int) -> None:
    given = drawn(seed, weights=8000)
    engine = native(given, ("float32", "float64")[seed % 2], threads=2)
    by_engine(engine)
    assert left(engine) == {}
    if engine.program.single is None:
        assert np.array_equal(engine.transposed, engine.panels.transpose(engine.parts[0]))


def test_what_is_left_would_be_found() -> None:
    for spoil in ("parts", "transposed", "activations", "inference"):
        engine = native(problem_of((5, 7, 3), 20, 8), "float64")
        by_engine(engine)
        assert left(engine) == {}
        arrays = {
            "parts": engine.parts[0],
            "transposed": engine.transposed,
            "activations": engine.training.arrays["activations"],
            "inference": engine.inference.arrays["activations"],
        }
        arrays[spoil][:] = np.nan
        assert left(engine)


# --- in and out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_parameters_come_out_as_they_went_in(seed: int) -> None:
    given = drawn(seed, weights=5000)
    panels = native(given, "float64").panels
    vector = np.random.default_rng(seed).normal(size=len(given.parameters.vector))
    packed = panels.pack(vector)
    assert np.array_equal(panels.unpack(packed), vector)
    assert len(set(panels.places.tolist())) == len(panels.places)
    # Nothing else is there, but for biases that are shared: these stand once for each unit.
    assert not packed[filled(panels)["weights"]].any()
    shared = sum(layer.size - 1 for layer in given.network.layers if layer.bias == "shared")
    assert np.count_nonzero(packed) == len(vector) + shared
