"""The split by output error: its parts add up to what backward found, each found by backward of one error alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from tests.support import problems

import clearprop as cp
from clearprop.derivation.lines import Lines
from clearprop.derivation.local_derivatives import Links
from clearprop.derivation.split import split
from clearprop.errors import Disagreement
from clearprop.network import names as q


@given(problems() | problems(weights=True))
def test_each_part_is_the_gradient_of_one_error_alone(problem: cp.Problem) -> None:
    """∂E_k/∂sum is what central differences of E_k alone would give: the other errors' targets are their outputs."""
    done = cp.cycle(problem)
    parts = split(Links(Lines(done)))
    for layer, signals in enumerate(done.gradients.signals):
        size = parts.sizes[layer]
        assert np.all(np.abs(parts.by_sum[layer].sum(axis=0) - signals[0]) <= 1e-12 * size + 1e-300)
        assert parts.by_output[layer].shape == parts.by_sum[layer].shape
        assert np.all(size >= np.abs(signals[0]) * (1 - 1e-12))


def test_a_part_by_hand() -> None:
    """∂E_2/∂sum_h1 of the lecture, factor by factor."""
    done = cp.cycle(cp.load("lecture"))
    o, h = done.trace.outputs[1][0], done.trace.outputs[0][0]
    expected = (o[1] - 0.95) * o[1] * (1 - o[1]) * 0.7 * h[0] * (1 - h[0])
    assert split(Links(Lines(done))).by_sum[0][1, 0] == pytest.approx(expected, rel=1e-13)


def test_a_wrong_part_is_caught() -> None:
    done = cp.cycle(cp.load("lecture"))
    slope = q.Derivative(q.Error(0), q.Output(1, 0))
    wrong = Lines(done).rewritten(lambda line: 1.000001 * line.expression if line.quantity == slope else None)
    with pytest.raises(Disagreement, match="do not add up to what backward found"):
        split(Links(wrong))
