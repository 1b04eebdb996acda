"""Derivations of examples that count differently: every expression has the weight, and gives its number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import problems

import clearprop as cp
from clearprop.derivation.chain import derive_parameter
from clearprop.derivation.local_derivatives import WEIGHT, Links, weighted
from clearprop.derivation.paths import largest_paths
from clearprop.derivation.values import derive_value
from clearprop.errors import Disagreement
from clearprop.expressions import Expression, evaluate, parse
from clearprop.network import names as q
from clearprop.rendering.compose import Derivation, with_numbers


def weighted_example(name: str, weights: Any, **changes: Any) -> cp.Problem:
    """A bundled example whose examples count differently."""
    problem = cp.load(name)
    assert problem.examples is not None
    return replace(problem, examples=replace(problem.examples, weights=np.array(weights)), **changes)


def number(tree: Expression, derivation: Derivation) -> float:
    """What the expression gives with every symbol's number put in."""
    return float(evaluate(with_numbers(tree, derivation), {}))


@given(problems(weights=True), st.sampled_from([1, "all"]))
def test_the_formula_of_an_error_gives_its_value(problem: cp.Problem, example: Any) -> None:
    done = cp.cycle(problem, example)
    for k in range(problem.network.sizes[-1]):
        derivation = derive_value(done, q.Error(k))
        assert number(derivation.formulas[-1], derivation) == pytest.approx(done.batch[k], rel=1e-7, abs=1e-12)


@given(problems(weights=True))
def test_every_printed_slope_gives_its_value(problem: cp.Problem) -> None:
    done = cp.cycle(problem)
    for index in range(len(done.parameters)):
        derivation = derive_parameter(done, index)
        for term in derivation.terms:
            for factor in term.factors:
                shown = number(factor.expression, derivation)
                assert shown == pytest.approx(factor.value, rel=1e-6, abs=1e-9)
                if factor.working is not None and isinstance(factor.quantity, q.Derivative):
                    assert isinstance(factor.quantity.by, q.Output | q.Sum | q.Parameter)


def test_the_weight_is_a_factor_of_the_error_and_of_its_slope_alone() -> None:
    done = cp.cycle(weighted_example("lecture", [2.0]))
    error = derive_value(done, q.Error(0))
    assert str(error.formulas[0]).startswith("Named(name='weight') * (1/2) * (")
    factors = derive_parameter(done, done.parameters.layout.find("w5") or 0).terms[0].factors
    plain = derive_parameter(cp.cycle(cp.load("lecture")), done.parameters.layout.find("w5") or 0).terms[0].factors
    assert [factor.value / other.value for factor, other in zip(factors, plain, strict=True)] == [2.0, 1.0, 1.0]
    assert derive_value(done, WEIGHT).value_ == 2.0
    assert derive_value(done, WEIGHT).remark == "given, the weight of the example"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("(t - y)**2", "weight * (t - y)**2"),
        ("1/2 * (t - y)**2", "weight * (1/2) * (t - y)**2"),
        ("-(t * log(y))", "-weight * t * log(y)"),
        ("t / y", "weight * (t / y)"),
    ],
)
def test_a_weight_makes_one_product_with_the_sign_in_front(given: str, expected: str) -> None:
    tree = parse(given, {"t": "t", "y": "y"})
    assert str(weighted(tree)).replace(repr(WEIGHT), "weight") == expected


@pytest.mark.parametrize("name", ["xor", "ring"])
@pytest.mark.parametrize("over_outputs", ["sum", "mean"])
def test_what_collapses_has_the_weight_too(name: str, over_outputs: Any) -> None:
    problem = cp.load(name)
    assert problem.examples is not None
    loss = replace(problem.network.loss, over_outputs=over_outputs)
    weights = np.linspace(0.5, 2.5, len(problem.examples))
    examples = replace(problem.examples, weights=weights)
    problem = replace(problem, network=replace(problem.network, loss=loss), examples=examples)
    done = cp.cycle(problem, 2)
    derivation = derive_parameter(done, done.parameters.layout.weights[-1].start)
    factor = derivation.terms[0].factors[0]
    share = 1 / problem.network.sizes[-1] if over_outputs == "mean" else 1.0
    expected = share * weights[1] * (done.trace.outputs[-1][0, 0] - done.examples.targets[0, 0])
    assert factor.value == pytest.approx(expected, rel=1e-12)
    assert number(factor.expression, derivation) == pytest.approx(expected, rel=1e-12)
    assert sum(term.product for term in factor.collapse) == pytest.approx(expected, rel=1e-12)


def test_paths_are_multiplied_by_the_weight() -> None:
    plain = largest_paths(cp.cycle(cp.load("deep")), 0, 5)
    heavy = largest_paths(cp.cycle(weighted_example("deep", [2.5])), 0, 5)
    assert [path.units for path in heavy] == [path.units for path in plain]
    expected = [2.5 * path.contribution for path in plain]
    assert [path.contribution for path in heavy] == pytest.approx(expected, rel=1e-12)


def test_the_terms_of_a_batch_have_the_numbers_of_its_examples() -> None:
    problem = weighted_example("xor", [1.0, 0.5, 2.0, 3.0])
    assert problem.examples is not None
    problem = replace(problem, examples=replace(problem.examples, training=np.array([1, 3])))
    terms = derive_parameter(cp.cycle(problem, "all"), 0).terms
    assert [term.example for term in terms] == [2, 4]
    for term in terms:
        assert term.example is not None
        alone = cp.cycle(problem, term.example).gradients.of.vector[0]
        assert term.product == pytest.approx(alone / 2, rel=1e-12)


# --- a weight that is forgotten is caught -------------------------------------------------------------


@pytest.mark.parametrize(("name", "part"), [("lecture", "weight"), ("xor", "share")])
@pytest.mark.parametrize("example", [1, "all"])
def test_a_derivation_without_the_weight_is_caught(
    name: str, part: str, example: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = cp.load(name)
    assert problem.examples is not None
    done = cp.cycle(weighted_example(name, np.full(len(problem.examples), 1.5)), example)
    derive_parameter(done, 0)
    monkeypatch.setattr(Links, part, {"weight": None, "share": 1.0}[part])
    with pytest.raises(Disagreement, match="what backward found"):
        derive_parameter(done, 0)


def test_a_gradient_without_the_weight_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearprop.propagation.backward.error_share", lambda trace: 1.0)
    derive_parameter(cp.cycle(cp.load("lecture")), 0)
    with pytest.raises(Disagreement, match="what backward found"):
        derive_parameter(cp.cycle(weighted_example("lecture", [1.5])), 0)
