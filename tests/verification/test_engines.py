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


def test_a_gradient_that_is_no_number_does_not_agree() -> None:
    assert not EngineCheck("float64", (float("nan"),)).agrees
    assert EngineCheck("float32", (1e-5, 2e-5)).worst == 2e-5
