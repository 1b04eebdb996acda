"""The largest paths are exact: against every path by brute force, and against the gradient."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.derivation.weighted import weighted_example
from tests.support import problems

import clearprop as cp
from clearprop.derivation.chain import Chain
from clearprop.derivation.paths import largest_paths
from clearprop.network import names as q


def enumerated(done: cp.Cycle, index: int) -> list[float]:
    """Every path contribution, by brute force over all sequences of units."""
    network = done.problem.network
    layer, unit, source = done.parameters.layout.place(index)
    link = Chain(done).link
    shared = source is None and network.layers[layer].bias == "shared"
    found = []
    later = [range(size) for size in network.sizes[layer + 2 :]]
    for start in range(network.sizes[layer + 1]) if shared else [unit]:
        for onward in itertools.product(*later):
            units = (start, *onward)
            value = link(q.Sum(layer, start), q.Parameter(index)).value
            for step, (here, there) in enumerate(itertools.pairwise(units)):
                output = q.Output(layer + step, here)
                value *= link(output, q.Sum(layer + step, here)).value
                value *= link(q.Sum(layer + step + 1, there), output).value
            found.append(value * Chain(done).split.by_sum[-1][units[-1], units[-1]])
    return found


@given(problems(max_depth=4), st.integers(1, 12), st.data())
def test_largest_paths_are_exact(problem: cp.Problem, count: int, data: st.DataObject) -> None:
    if any(layer.rule.name == "softmax" for layer in problem.network.layers):
        return
    done = cp.cycle(problem)
    index = data.draw(st.integers(0, len(done.parameters) - 1))
    expected = sorted(map(abs, enumerated(done, index)), reverse=True)[:count]
    found = largest_paths(Chain(done), index, count)
    np.testing.assert_allclose([abs(path.contribution) for path in found], expected, rtol=1e-9, atol=1e-300)


def test_all_paths_add_up_to_the_gradient() -> None:
    done = cp.cycle(cp.load("deep"))
    paths = largest_paths(Chain(done), 0, 100)
    assert len(paths) == 8
    without_penalty = done.gradients.of.vector[0] - 0.0001 * done.parameters.vector[0]
    assert sum(path.contribution for path in paths) == pytest.approx(without_penalty, rel=1e-12)


def test_softmax_paths_add_up_too() -> None:
    done = cp.cycle(cp.load("ring"))
    paths = largest_paths(Chain(done), 0, 10_000)
    assert sum(path.contribution for path in paths) == pytest.approx(done.gradients.of.vector[0], rel=1e-10)


def test_paths_are_multiplied_by_the_weight() -> None:
    plain = largest_paths(Chain(cp.cycle(cp.load("deep"))), 0, 5)
    heavy = largest_paths(Chain(cp.cycle(weighted_example("deep", [2.5, 1.0]))), 0, 5)
    assert [path.units for path in heavy] == [path.units for path in plain]
    expected = [2.5 * path.contribution for path in plain]
    assert [path.contribution for path in heavy] == pytest.approx(expected, rel=1e-12)
