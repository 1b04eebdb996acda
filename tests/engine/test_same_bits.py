"""The same bits on every x86-64 processor with FMA: with vectors of 32 bytes and of 64.

Where a processor lacks the wider vectors, LLVM makes two narrower ones of each; what is computed in which order is
the code's own, and the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.engine.support.networks import (
    LOSS_NAMES,
    MOVING,
    SEEDS,
    by_engine,
    drawn,
    dtype_of,
    native,
    outputs,
    problem_of,
    same,
)
from tests.engine.support.planted import compile_anew

import clearprop as cp
from clearprop.engine import block, machine
from clearprop.engine.native import Native
from clearprop.network.problem import Problem

pytestmark = pytest.mark.skipif(
    not machine.host().fma or not machine.host().x86, reason="a processor with FMA is needed"
)

NARROW = machine.host().without("avx512f")


class _Wide(machine.Target):
    """This processor, with code as for one with vectors of 64 bytes."""

    vector_bytes = 64
    registers = 32


WIDE = _Wide(NARROW.triple, NARROW.cpu, NARROW.features, NARROW.lacking)
TARGETS = [NARROW, machine.host() if machine.host().vector_bytes == 64 else WIDE]


def both(problem: Problem, dtype: str, monkeypatch: pytest.MonkeyPatch) -> list[Native]:
    """The engine for either width."""
    made = []
    for target in TARGETS:
        monkeypatch.setattr(machine, "host", lambda target=target: target)
        made.append(native(problem, dtype))
    assert [each.panels.width for each in made] == ([16, 32] if dtype == "float32" else [8, 16])
    return made


@pytest.mark.parametrize("seed", SEEDS[: len(MOVING)])
def test_random_networks_train_to_the_same_weights(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every loss and optimizer, in either precision; the errors on the way, at the end, and outputs too."""
    problem = drawn(seed, weights=15_000)
    engines = both(problem, dtype_of(seed), monkeypatch)
    one, other = (by_engine(engine, epochs=2) for engine in engines)
    assert same(one, other)
    rows = np.arange(min(11, len(engines[0].inputs) // problem.network.sizes[0]))
    for found in ([outputs(engine, rows) for engine in engines], [engine.losses for engine in engines]):
        assert np.array_equal(found[0], found[1])


def test_the_networks_have_every_loss() -> None:
    names = {drawn(seed, weights=15_000).network.loss.rule.name for seed in SEEDS[: len(MOVING)]}
    assert names == set(LOSS_NAMES)


@pytest.mark.parametrize("batch", [*range(1, 10), 33])
def test_few_examples_and_many_classes(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that hardly fill a tile, and up to 40 classes in softmax layers, fused and not, and dropout."""
    rng = np.random.default_rng(batch)
    classes = int(rng.integers(20, 41))
    layers = [cp.Dense(70, "relu"), cp.Dense(int(rng.integers(2, 20)), "softmax"), cp.Dense(classes, "softmax")]
    plain = problem_of((5, 70, 3, classes), 2 * batch + 1, batch)
    assert plain.examples is not None
    targets = np.eye(classes)[rng.integers(0, classes, len(plain.examples))]
    problem = Problem(
        cp.Network(5, layers, "categorical_cross_entropy" if batch % 3 else "squared_error"),
        examples=replace(plain.examples, targets=targets),
        optimizer=replace(cp.Adam(0.01), clip_norm=0.1 if batch % 2 else None),
        settings=plain.settings,
    )
    engines = both(problem, "float32", monkeypatch)
    one, other = (by_engine(engine, epochs=2) for engine in engines)
    assert same(one, other)


def test_a_sum_as_wide_as_a_vector_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault is planted: then there is something to see."""
    softmax = cp.Network(5, [cp.Dense(40, "softmax"), cp.Dense(30, "tanh")])
    problem = replace(problem_of((5, 40, 30), 9, 3), network=softmax)
    with monkeypatch.context() as patched:
        engines = both(problem, "float32", patched)
        assert same(*(by_engine(engine) for engine in engines))
    monkeypatch.setattr(block, "SUM", 64)
    engines = both(problem, "float32", monkeypatch)
    for engine, target in zip(engines, TARGETS, strict=True):
        monkeypatch.setattr(machine, "host", lambda target=target: target)
        compile_anew(engine, "train", "errors")
    assert not same(*(by_engine(engine) for engine in engines))
