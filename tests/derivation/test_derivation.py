"""Derivations: they agree with backward and update, split as the lecture splits, and paths are exact."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import LECTURE_COMPONENTS, problems

import clearprop as cp
from clearprop.derivation import chain as chain_module
from clearprop.derivation.chain import Chain, derive_parameter, derive_signal
from clearprop.derivation.local_derivatives import Links
from clearprop.derivation.paths import largest_paths
from clearprop.errors import Disagreement
from clearprop.network import names as q
from clearprop.rendering.document import shown_number
from clearprop.rendering.explanation import derive


def test_components_of_the_lecture() -> None:
    done = cp.cycle(cp.load("lecture"))
    found = {}
    for name in ("w5", "w7", "w1"):
        derivation = derive(done, done.names.find(name))
        assert isinstance(derivation, chain_module.GradientDerivation)
        for term in derivation.terms:
            for factor in term.factors:
                found[done.names.text(factor.quantity)] = shown_number(factor.value, 5, "truncate")
    assert {name: found[name] for name in LECTURE_COMPONENTS} == LECTURE_COMPONENTS


def test_hidden_weight_is_split_by_output_error() -> None:
    done = cp.cycle(cp.load("lecture"))
    derivation = derive_parameter(done, 0)
    assert [done.names.text(term.of) for term in derivation.terms] == ["E_1", "E_2"]
    assert [done.names.text(factor.quantity) for factor in derivation.terms[0].factors] == [
        "∂E_1/∂output_o1", "∂output_o1/∂sum_o1", "∂sum_o1/∂output_h1", "∂output_h1/∂sum_h1", "∂sum_h1/∂w1",
    ]  # fmt: skip
    shown = [shown_number(term.product, 5, "truncate") for term in derivation.terms]
    assert shown == ["0.00159", "-0.00049"]


@given(problems() | problems(weights=True), st.sampled_from([1, "all"]))
def test_every_derivation_adds_up(problem: cp.Problem, example: Any) -> None:
    done = cp.cycle(problem, example)
    for index in range(len(done.parameters)):
        derivation = derive_parameter(done, index)
        assert sum(term.product for term in derivation.terms) == pytest.approx(
            done.gradients.of.vector[index], rel=1e-9, abs=1e-13
        )
        for term in derivation.terms:
            assert term.product == pytest.approx(np.prod([factor.value for factor in term.factors]))
            for factor in term.factors:
                if factor.expansion and not factor.elided:
                    total = sum(inner.product for inner in factor.expansion)
                    assert total == pytest.approx(factor.value, rel=1e-9, abs=1e-13)
        if derivation.update:
            assert derivation.update[-1].value == done.updated.vector[index]
        else:
            assert done.updated.vector[index] == done.parameters.vector[index]


@given(problems() | problems(weights=True))
def test_error_signals_are_those_of_backward(problem: cp.Problem) -> None:
    done = cp.cycle(problem)
    for layer, signals in enumerate(done.gradients.signals):
        for unit in range(signals.shape[1]):
            derivation = derive_signal(done, q.Sum(layer, unit))
            assert derivation.gradient == pytest.approx(signals[0, unit], rel=1e-9, abs=1e-13)


def test_a_wrong_factor_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    done = cp.cycle(cp.load("lecture"))
    right = Links.output_by_sum

    def wrong(self: Any, *arguments: Any) -> Any:
        factor = right(self, *arguments)
        return replace(factor, value=factor.value * 1.000001)

    monkeypatch.setattr(Links, "output_by_sum", wrong)
    with pytest.raises(Disagreement, match=r"the derivation of w5 gives .*, backward found"):
        derive_parameter(done, done.parameters.layout.find("w5") or 0)


def test_a_dropped_path_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    done = cp.cycle(cp.load("lecture"))
    right = Chain.parameter_terms
    monkeypatch.setattr(Chain, "parameter_terms", lambda self, index: right(self, index)[:1])
    with pytest.raises(Disagreement, match="the derivation of w1 gives"):
        derive_parameter(done, 0)


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
        for index in range(parameters.layout.weights[2].start):
            assert derive_parameter(done, index).gradient == pytest.approx(0, abs=1e-14)


# --- largest paths ---------------------------------------------------------------------------------


def enumerated(done: cp.Cycle, index: int) -> list[float]:
    """Every path contribution, by brute force over all sequences of units."""
    network = done.problem.network
    layer, unit, source = done.parameters.layout.place(index)
    links = Chain(done).links
    shared = source is None and network.layers[layer].bias == "shared"
    found = []
    later = [range(size) for size in network.sizes[layer + 2 :]]
    for start in range(network.sizes[layer + 1]) if shared else [unit]:
        for onward in itertools.product(*later):
            units = (start, *onward)
            value = links.sum_by_parameter(layer, start, index).value
            for step, (here, there) in enumerate(itertools.pairwise(units)):
                value *= links.output_by_sum(layer + step, here).value
                value *= links.sum_by_output(layer + step + 1, there, here).value
            found.append(value * Chain(done).by_sum[-1][units[-1], units[-1]])
    return found


@given(problems(max_depth=4), st.integers(1, 12), st.data())
def test_largest_paths_are_exact(problem: cp.Problem, count: int, data: st.DataObject) -> None:
    if any(layer.rule.name == "softmax" for layer in problem.network.layers):
        return
    done = cp.cycle(problem)
    index = data.draw(st.integers(0, len(done.parameters) - 1))
    expected = sorted(map(abs, enumerated(done, index)), reverse=True)[:count]
    found = largest_paths(done, index, count)
    np.testing.assert_allclose([abs(path.contribution) for path in found], expected, rtol=1e-9, atol=1e-300)


def test_all_paths_add_up_to_the_gradient() -> None:
    done = cp.cycle(cp.load("deep"))
    paths = largest_paths(done, 0, 100)
    assert len(paths) == 8
    without_penalty = done.gradients.of.vector[0] - 0.0001 * done.parameters.vector[0]
    assert sum(path.contribution for path in paths) == pytest.approx(without_penalty, rel=1e-12)


def test_softmax_paths_add_up_too() -> None:
    done = cp.cycle(cp.load("ring"))
    paths = largest_paths(done, 0, 10_000)
    assert sum(path.contribution for path in paths) == pytest.approx(done.gradients.of.vector[0], rel=1e-10)


@pytest.mark.parametrize("name", ["xor", "ring"])
def test_fused_losses_show_what_collapses(name: str) -> None:
    """The separate products, at full precision, add up to the y - t that they collapse to."""
    done = cp.cycle(cp.load(name))
    last = done.parameters.layout.weights[-1].start
    factor = derive_parameter(done, last).terms[0].factors[0]
    assert str(factor.expression).count(" - ") == 1
    assert sum(term.product for term in factor.collapse) == pytest.approx(factor.value, rel=1e-12)


def test_clipping_is_a_line_of_the_update() -> None:
    """By value, then by the norm of all that is trained, as the lecture's gradients give it by hand."""
    problem = cp.load("lecture")
    problem = replace(problem, optimizer=replace(problem.optimizer, clip_value=0.01, clip_norm=0.015))
    done = cp.cycle(problem)
    exact = cp.cycle(cp.load("lecture")).gradients
    bounded = {name: float(np.clip(exact[name], -0.01, 0.01)) for name in exact.of if name.startswith("w")}
    norm = sum(value**2 for value in bounded.values()) ** 0.5
    for name, value in bounded.items():
        lines = derive_parameter(done, done.parameters.layout.find(name) or 0).update
        assert [done.names.text(line.quantity) for line in lines] == [f"clipped_{name}", f"new_{name}"]
        assert lines[0].value == pytest.approx(value * min(1, 0.015 / norm), rel=1e-3)
        assert done.updated[name] == pytest.approx(done.parameters[name] - 0.6 * lines[0].value, rel=1e-12)
