"""Values of the forward pass: every formula with its numbers put in gives the value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import problems

import clearprop as cp
from clearprop.derivation.lines import Lines
from clearprop.derivation.values import derive_value
from clearprop.expressions import evaluate, text
from clearprop.network import names as q


@given(problems(weights=True), st.sampled_from([1, "all"]))
def test_the_formula_of_an_error_gives_its_value(problem: cp.Problem, example: Any) -> None:
    done = cp.cycle(problem, example)
    for k in range(problem.network.sizes[-1]):
        derivation = derive_value(Lines(done), q.Error(k))
        assert float(evaluate(derivation.plugged, {})) == pytest.approx(done.batch[k], rel=1e-7, abs=1e-12)


@given(problems())
def test_every_formula_gives_its_value(problem: cp.Problem) -> None:
    done = cp.cycle(problem)
    lines = Lines(done)
    for layer, size in enumerate(problem.network.sizes[1:]):
        for unit in range(size):
            for quantity in (q.Sum(layer, unit), q.Output(layer, unit)):
                derivation = derive_value(lines, quantity)
                assert float(evaluate(derivation.plugged, {})) == pytest.approx(derivation.value, rel=1e-9, abs=1e-12)


def test_a_long_sum_shows_its_first_terms_and_its_bias() -> None:
    network = cp.Network(20, [cp.Dense(1)])
    done = cp.cycle(cp.Problem(network, examples=cp.Examples(np.ones((1, 20)), np.ones((1, 1)))))
    derivation = derive_value(Lines(done), q.Sum(0, 0))
    (formula,) = derivation.formulas
    assert "… (14 more)" in text(formula)
    assert text(formula).endswith(f" + {q.Parameter(20)!r}")
