"""Steps on single examples, with all weights in registers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engine import machine, plan
from clearprop.engine.native import Native
from clearprop.propagation.update import initial_state
from clearprop.training.batching import Memory, planned
from clearprop.training.reference import Reference

NETWORKS: dict[str, tuple[Any, Any]] = {
    "lecture": (cp.Network(2, [cp.Dense(2, "logistic"), cp.Dense(2, "logistic")]), cp.SGD(0.6)),
    "one layer": (cp.Network(5, [cp.Dense(3, "tanh")]), cp.SGD(0.02, momentum=0.8, nesterov=True)),
    "wide": (cp.Network(3, [cp.Dense(7, "silu"), cp.Dense(2)], "huber"), cp.Adam(0.01)),
    "deep": (cp.Network(1, [cp.Dense(2, "elu"), cp.Dense(3, "softplus"), cp.Dense(1, "tanh")]), cp.SGD(0.05)),
    "fused": (cp.Network(2, [cp.Dense(3, "gelu"), cp.Dense(2, "logistic")], "binary_cross_entropy"), cp.SGD(0.2)),
    "frozen": (
        cp.Network(2, [cp.Dense(3, "tanh", bias="shared", train_bias=False), cp.Dense(1, bias=False)]),
        cp.RMSprop(0.001),
    ),
    "own": (cp.Network(2, [cp.Dense(2, "log(1 + z**2)"), cp.Dense(1, "z / (1 + abs(z))")], "(t - y)**4"), cp.SGD(0.1)),
}


def problem_of(name: str) -> cp.Problem:
    network, optimizer = NETWORKS[name]
    rng = np.random.default_rng(len(name))
    targets = rng.uniform(0.1, 0.9, size=(60, network.sizes[-1]))
    examples = cp.Examples.of(rng.normal(size=(60, network.sizes[0])), targets)
    weighted = replace(examples, weights=rng.uniform(0.5, 2, size=60)) if name in ("wide", "deep") else examples
    penalty = cp.Penalty(l2=0.01, l1=0.001) if name == "deep" else cp.Penalty()
    settings = cp.Settings(batch_size=1, epochs=2)
    return cp.Problem(network, optimizer=optimizer, penalty=penalty, examples=weighted, settings=settings)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-4)])
def test_they_are_the_reference_s_steps(name: str, dtype: str, tolerance: float) -> None:
    problem = problem_of(name)
    reference = Reference(problem, "float64")
    start = problem.parameters.with_vector(problem.parameters.vector.astype(dtype))
    engine = Native(problem, dtype, 1, start.vector, initial_state(problem.optimizer, start), 1)
    # A layer must fit into one vector, whose width is the processor's.
    fits = max(problem.network.sizes[1:]) <= machine.host().vector_bytes // np.dtype(dtype).itemsize
    assert (engine.program.single is not None) is fits
    for epoch in range(2):
        steps = planned(problem, epoch, Memory(problem))
        reference.run(steps)
        engine.run(*steps[:7].arrays)
        engine.run(*steps[7:].arrays)
    expected = reference.snapshot()
    scale = np.abs(expected.parameters.vector).max()
    np.testing.assert_allclose(engine.vector, expected.parameters.vector, rtol=0, atol=tolerance * scale)
    for key, values in expected.state.items():
        bound = tolerance * max(1e-30, np.abs(values).max())
        np.testing.assert_allclose(engine.state[key], values, rtol=0, atol=bound)
    learnt = np.arange(60)
    without = replace(problem, penalty=cp.Penalty(), parameters=expected.parameters)
    assert engine.error(learnt) == pytest.approx(Reference(without, "float64").loss(), rel=tolerance * 10)


def test_only_small_and_plain_networks_are_made_like_this() -> None:
    target = machine.host()

    def single(layers: list[cp.Dense], batch: int = 1, **more: Any) -> bool:
        problem = cp.Problem(cp.Network(3, layers), **more)
        return plan.program(problem, "float32", target, batch).single is not None

    assert single([cp.Dense(2, "tanh")])
    assert not single([cp.Dense(2, "tanh")], batch=2)
    assert not single([cp.Dense(300, "tanh")])
    assert not single([cp.Dense(2, "softmax")])
    assert not single([cp.Dense(2, "tanh", dropout=0.5)])
    assert not single([cp.Dense(2, "tanh", bias="shared")])
    assert not single([cp.Dense(2, "tanh")], optimizer=replace(cp.SGD(0.1), clip_norm=1.0))
