"""The compiled engine against the reference: right gradients agree in both precisions, wrong ones do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engine.availability import unusable
from clearprop.verification.engines import TOLERANCES, EngineCheck, check_engine

needs_engine = pytest.mark.skipif(unusable() is not None, reason="the compiled engine cannot be used here")


@needs_engine
@pytest.mark.parametrize("example", [1, "all"])
def test_the_engine_agrees_and_a_wrong_gradient_does_not(example: Any) -> None:
    done = cp.cycle(cp.load("lecture"), example)
    assert [check.dtype for check in check_engine(done)] == list(TOLERANCES)
    assert all(check.agrees for check in check_engine(done))
    wrong = done.gradients.of.with_vector(done.gradients.of.vector * np.float64(1.001))
    checks = check_engine(replace(done, learning=done.learnt._replace(gradients=replace(done.gradients, of=wrong))))
    assert [check.agrees for check in checks] == [False, False]
    assert checks[0].worst == pytest.approx(0.001, rel=1e-2)


CANCELLED = """\
[inputs]
names = ["u"]
[[layers]]
units = {units}
activation = "{activation}"
weights = {weights}
bias = {bias}
{examples}
"""
EXAMPLE = "[[examples]]\ninputs = [{}]\ntargets = {}\n"
MINIMUM = CANCELLED.format(
    units=1, activation="identity", weights=[[3.80005]], bias=3.49993,
    examples=EXAMPLE.format(1, [7.3]) + EXAMPLE.format(2, [11.1]),
)  # fmt: skip
SHARES = CANCELLED.format(
    units=3, activation="softmax", weights=[[0]] * 3, bias=[0, 0, 0],
    examples="".join(EXAMPLE.format(0, [int(k == each) for k in range(3)]) for each in range(3)),
)  # fmt: skip


@needs_engine
@pytest.mark.parametrize("content", [MINIMUM, SHARES])
def test_gradients_that_are_sums_which_cancel_agree_to_rounding(content: str) -> None:
    """After a training they are small differences of large numbers, of which few digits are left in float32."""
    done = cp.cycle(cp.read(content), "all")
    assert [check.agrees for check in check_engine(done)] == [True, True]
    wrong = done.gradients.of.with_vector(done.gradients.of.vector + 1e-3)
    checks = check_engine(replace(done, learning=done.learnt._replace(gradients=replace(done.gradients, of=wrong))))
    assert [check.agrees for check in checks] == [False, False]


def test_a_gradient_that_is_no_number_does_not_agree() -> None:
    assert not EngineCheck("float64", (float("nan"),)).agrees
    assert EngineCheck("float32", (1e-5, 2e-5)).worst == 2e-5
