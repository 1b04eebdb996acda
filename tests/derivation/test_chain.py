"""The chain rule: split as the lecture splits it, collapsed where there are many paths, and it adds up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.derivation.weighted import weighted_example
from tests.support import LECTURE_COMPONENTS

import clearprop as cp
from clearprop.derivation.chain import Chain
from clearprop.derivation.derive import Derivations, GradientDerivation
from clearprop.derivation.lines import Lines
from clearprop.derivation.shares import WEIGHT
from clearprop.derivation.values import derive_value
from clearprop.expressions import evaluate, text
from clearprop.network import names as q
from clearprop.rendering.document import shown_number


def test_components_of_the_lecture() -> None:
    done = cp.cycle(cp.load("lecture"))
    found = {}
    for name in ("w5", "w7", "w1"):
        derivation = Derivations(done)[done.names.find(name)]
        assert isinstance(derivation, GradientDerivation)
        for term in derivation.terms:
            for factor in term.factors:
                found[done.names.text(factor.quantity)] = shown_number(factor.value, 5, "truncate")
    assert {name: found[name] for name in LECTURE_COMPONENTS} == LECTURE_COMPONENTS


def test_hidden_weight_is_split_by_output_error() -> None:
    done = cp.cycle(cp.load("lecture"))
    derivation = Derivations(done).gradient(0)
    assert [done.names.text(term.of) for term in derivation.terms] == ["E_1", "E_2"]
    assert [done.names.text(factor.quantity) for factor in derivation.terms[0].factors] == [
        "∂E_1/∂output_o1", "∂output_o1/∂sum_o1", "∂sum_o1/∂output_h1", "∂output_h1/∂sum_h1", "∂sum_h1/∂w1",
    ]  # fmt: skip
    shown = [shown_number(term.product, 5, "truncate") for term in derivation.terms]
    assert shown == ["0.00159", "-0.00049"]


@pytest.mark.parametrize("example", [1, "all"])
@pytest.mark.parametrize("bias", ["unit", "shared"])
def test_contributions_that_cancel_within_softmax_are_no_disagreement(bias: Any, example: Any) -> None:
    """Equal weights from all outputs of a softmax: whatever goes in, nothing changes, up to rounding."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        network = cp.Network(2, [cp.Dense(2, "tanh", bias), cp.Dense(3, "softmax", bias), cp.Dense(2)])
        parameters = cp.Parameters.random(network)
        parameters.vector[:] = rng.normal(size=len(parameters))
        parameters.weights(2)[:] = parameters.weights(2)[:, :1]
        examples = cp.Examples(rng.normal(size=(2, 2)), rng.normal(size=(2, 2)))
        done = cp.cycle(cp.Problem(network, parameters, examples=examples), example)
        derivations = Derivations(done)
        for index in range(parameters.layout.weights[2].start):
            assert derivations.gradient(index).gradient == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("name", ["xor", "ring"])
def test_fused_losses_show_what_collapses(name: str) -> None:
    """The separate products, at full precision, add up to the y - t that they collapse to."""
    done = cp.cycle(cp.load(name))
    last = done.parameters.layout.weights[-1].start
    factor = Derivations(done).gradient(last).terms[0].factors[0]
    assert text(factor.expression).count(" - ") == 1
    assert sum(term.product for term in factor.collapse) == pytest.approx(factor.value, rel=1e-12)


def test_the_weight_is_a_factor_of_the_error_and_of_its_slope_alone() -> None:
    done = cp.cycle(weighted_example("lecture", [2.0]))
    error = derive_value(Lines(done), q.Error(0))
    assert text(error.formulas[0]).startswith("Named(name='weight') * (1/2) * (")
    factors = Derivations(done).gradient(done.parameters.layout.find("w5") or 0).terms[0].factors
    plain = Derivations(cp.cycle(cp.load("lecture"))).gradient(done.parameters.layout.find("w5") or 0).terms[0].factors
    assert [factor.value / other.value for factor, other in zip(factors, plain, strict=True)] == [2.0, 1.0, 1.0]
    assert derive_value(Lines(done), WEIGHT).value == 2.0
    assert derive_value(Lines(done), WEIGHT).remark == "given, the weight of the example"


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
    derivation = Derivations(done).gradient(done.parameters.layout.weights[-1].start)
    factor = derivation.terms[0].factors[0]
    share = 1 / problem.network.sizes[-1] if over_outputs == "mean" else 1.0
    expected = share * weights[1] * (done.trace.outputs[-1][0, 0] - done.examples.targets[0, 0])
    assert factor.value == pytest.approx(expected, rel=1e-12)
    assert float(evaluate(factor.plugged, {})) == pytest.approx(expected, rel=1e-12)
    assert sum(term.product for term in factor.collapse) == pytest.approx(expected, rel=1e-12)


def test_a_shared_bias_is_differentiated_through_each_of_its_units() -> None:
    done = cp.cycle(cp.load("lecture"))
    index = done.parameters.layout.find("b1")
    assert index is not None
    by = q.Parameter(index)
    ends = [term.factors[-1].quantity for term in Chain(done).parameter_terms(index)]
    assert ends == [q.Derivative(q.Sum(0, unit), by) for unit in (0, 1) for _ in range(2)]


def random_chain(*layers: cp.Dense) -> Chain:
    """The chain rule of a network with one input and random weights."""
    targets = np.full((1, layers[-1].size), 0.3)
    return Chain(cp.cycle(cp.Problem(cp.Network(1, layers), examples=cp.Examples(np.ones((1, 1)), targets))))


def test_a_wide_expansion_shows_the_largest_terms_and_counts_the_others() -> None:
    chain = random_chain(cp.Dense(2, "tanh"), cp.Dense(40, "tanh"), cp.Dense(1))
    whole = chain.collapsed_output(0, 0, 0)
    products = chain.split.by_sum[1][0] * chain.cycle.parameters.weights(1)[:, 0]
    shown = sorted(abs(term.product) for term in whole.expansion)
    assert (len(shown), whole.elided) == (16, 24)
    assert shown == pytest.approx(np.sort(np.abs(products))[-16:].tolist())
    assert whole.value == pytest.approx(products.sum())


def test_few_paths_are_written_out_from_end_to_end() -> None:
    assert len(random_chain(cp.Dense(2), cp.Dense(16), cp.Dense(1)).collapsed_output(0, 0, 0).expansion[0].factors) > 2
    # Two errors, each with a path through every unit of the layer between.
    chain = random_chain(cp.Dense(20), cp.Dense(3), cp.Dense(4), cp.Dense(2))
    (first, *_) = whole = chain.collapsed_output(1, 0, 7).expansion
    assert len(whole) == 12
    names = [factor.quantity for factor in first.factors]
    assert names[0] == q.Derivative(q.Error(1), q.Output(3, 1))
    assert names[-1] == q.Derivative(q.Sum(1, 0), q.Output(0, 7))


def test_softmax_within_counts_the_outputs_that_are_left_out() -> None:
    signal = random_chain(cp.Dense(20, "softmax"), cp.Dense(2)).collapsed_sum(0, 0, 3)
    assert (len(signal.expansion), signal.elided) == (16, 4)


def test_softmax_within_names_each_output_with_its_own_number_where_signals_are_many() -> None:
    """The loss is ½(a - t)² of a linear output, so ∂E_k/∂output_v = (a_k - t_k) · W[k, v]."""
    chain = random_chain(cp.Dense(16, "softmax"), cp.Dense(5))
    cycle, k, unit = chain.cycle, 2, 3
    assert not chain.short
    signal = chain.collapsed_sum(k, 0, unit)
    slopes = (cycle.trace.outputs[-1][0, k] - 0.3) * cycle.parameters.weights(1)[k]
    named = [term.factors[0] for term in signal.expansion]
    assert [factor.quantity for factor in named] == [q.Derivative(q.Error(k), q.Output(0, v)) for v in range(16)]
    assert [factor.value for factor in named] == pytest.approx(slopes.tolist(), rel=1e-12)
    shares = cycle.trace.outputs[0][0]
    expected = shares[unit] * (slopes[unit] - slopes @ shares)
    assert signal.value == pytest.approx(expected, rel=1e-9)
    assert sum(term.product for term in signal.expansion) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("units", "short"), [(16, True), (17, False)])
def test_error_signals_are_written_out_where_they_are_few_for_all_errors(units: int, short: bool) -> None:
    assert random_chain(cp.Dense(units), cp.Dense(4)).short is short


def test_the_size_of_contributions_that_cancel() -> None:
    network = cp.Network(1, [cp.Dense(1), cp.Dense(2), cp.Dense(1)])
    parameters = cp.Parameters.of(network, [[[1.0]], [[1.0], [-1.0]], [[1.0, 1.0]]])
    chain = Chain(cp.cycle(cp.Problem(network, parameters, examples=cp.Examples.of([[1.0]], [[3.0]]))))
    assert chain.split.output(0, 0, 0) == 0
    assert chain.size(q.Output(0, 0)) == chain.size(q.Sum(0, 0)) == 6
