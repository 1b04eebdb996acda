"""Whole derivations: they agree with backward and update, each is made once, and what is wrong is caught."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.derivation.weighted import weighted_example
from tests.support import problems

import clearprop as cp
from clearprop.derivation.chain import Chain
from clearprop.derivation.derive import Derivations, GradientDerivation
from clearprop.derivation.lines import Line, Lines
from clearprop.derivation.shares import WEIGHT
from clearprop.errors import Disagreement
from clearprop.expressions import Expression, Number, substitute
from clearprop.network import names as q


@given(problems() | problems(weights=True), st.sampled_from([1, "all"]))
def test_every_derivation_adds_up(problem: cp.Problem, example: Any) -> None:
    done = cp.cycle(problem, example)
    for index in range(len(done.parameters)):
        derivation = Derivations(done).gradient(index)
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
            derivation = Derivations(done)[q.Derivative(q.TotalError(), q.Sum(layer, unit))]
            assert isinstance(derivation, GradientDerivation)
            assert derivation.gradient == pytest.approx(signals[0, unit], rel=1e-9, abs=1e-13)


def test_clipping_is_a_line_of_the_update() -> None:
    """By value, then by the norm of all that is trained, as the lecture's gradients give it by hand."""
    problem = cp.load("lecture")
    problem = replace(problem, optimizer=replace(problem.optimizer, clip_value=0.01, clip_norm=0.015))
    done = cp.cycle(problem)
    exact = cp.cycle(cp.load("lecture")).gradients
    bounded = {name: float(np.clip(exact[name], -0.01, 0.01)) for name in exact.of if name.startswith("w")}
    norm = sum(value**2 for value in bounded.values()) ** 0.5
    for name, value in bounded.items():
        lines = Derivations(done).gradient(done.parameters.layout.find(name) or 0).update
        assert [done.names.text(line.quantity) for line in lines] == [f"clipped_{name}", f"new_{name}"]
        assert lines[0].value == pytest.approx(value * min(1, 0.015 / norm), rel=1e-3)
        assert done.updated[name] == pytest.approx(done.parameters[name] - 0.6 * lines[0].value, rel=1e-12)


def test_the_terms_of_a_batch_have_the_numbers_of_its_examples() -> None:
    problem = weighted_example("xor", [1.0, 0.5, 2.0, 3.0])
    assert problem.examples is not None
    problem = replace(problem, examples=replace(problem.examples, training=np.array([1, 3])))
    terms = Derivations(cp.cycle(problem, "all")).gradient(0).terms
    assert [term.example for term in terms] == [2, 4]
    for term in terms:
        assert term.example is not None
        alone = cp.cycle(problem, term.example).gradients.of.vector[0]
        assert term.product == pytest.approx(alone / 2, rel=1e-12)


def test_nothing_is_derived_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text and the JSON of a whole cycle on all examples: one derivation a parameter, one chain an example."""
    made: list[str] = []

    def counted(kind: Any) -> None:
        right = kind.__init__

        def init(self: Any, *arguments: Any, **named: Any) -> None:
            made.append(kind.__name__)
            right(self, *arguments, **named)

        monkeypatch.setattr(kind, "__init__", init)

    counted(GradientDerivation)
    counted(Chain)
    done = cp.cycle(cp.load("ring"), "all")
    whole = cp.explain(done)
    assert whole.text()
    assert whole.json()
    assert (len(done.parameters), len(done.examples)) == (61, 16)
    assert made.count("GradientDerivation") == 61
    assert made.count("Chain") == 16


# --- what is wrong is caught --------------------------------------------------------------------------


def rewritten(done: cp.Cycle, quantity: Any, change: Any) -> Derivations:
    """The derivations of a cycle with one line changed."""
    lines = Lines(done).rewritten(lambda line: change(line.expression) if line.quantity == quantity else None)
    return Derivations(done, lines)


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("w5", q.Derivative(q.TotalError(), q.Output(1, 0))),
        ("w5", q.Derivative(q.Output(1, 0), q.Sum(1, 0))),
        ("w5", q.Derivative(q.Sum(1, 0), q.Parameter(5))),
        ("w1", q.Derivative(q.Sum(1, 0), q.Output(0, 0))),
        ("w1", q.Derivative(q.Output(0, 0), q.Sum(0, 0))),
        ("b1", q.Derivative(q.Output(0, 1), q.Sum(0, 1))),
    ],
)
def test_a_wrong_factor_is_caught(name: str, quantity: Any) -> None:
    done = cp.cycle(cp.load("lecture"))
    wrong = rewritten(done, quantity, lambda expression: 1.000001 * expression)
    with pytest.raises(Disagreement, match=rf"the derivation of {name} gives .*, backward found"):
        wrong.gradient(done.parameters.layout.find(name) or 0)


def test_a_dropped_path_is_caught() -> None:
    done = cp.cycle(cp.load("lecture"))
    wrong = rewritten(done, q.Derivative(q.Sum(1, 1), q.Output(0, 0)), lambda _: Number(0.0))
    with pytest.raises(Disagreement, match="the derivation of w1 gives"):
        wrong.gradient(0)


def test_a_wrong_slope_of_softmax_with_its_loss_is_caught() -> None:
    done = cp.cycle(cp.load("ring"))
    last = done.problem.network.depth - 1
    wrong = rewritten(done, q.Derivative(q.TotalError(), q.Sum(last, 0)), lambda expression: -expression)
    with pytest.raises(Disagreement, match="backward found"):
        wrong.gradient(done.parameters.layout.weights[last].start)


@pytest.mark.parametrize("optimizer", [cp.SGD(0.6), cp.Adam(0.1), cp.SGD(0.1, momentum=0.9, nesterov=True)])
def test_an_update_that_was_not_made_is_caught(optimizer: Any) -> None:
    done = cp.cycle(replace(cp.load("lecture"), optimizer=optimizer))
    new = q.Updated(q.Parameter(3))
    assert Derivations(done).gradient(3).updated == done.value(new)
    wrong = rewritten(done, new, lambda expression: 1.000001 * expression)
    with pytest.raises(Disagreement, match=r"the line of new_w4 gives .*, update made"):
        wrong.gradient(3)


@pytest.mark.parametrize("name", ["lecture", "xor"])
@pytest.mark.parametrize("example", [1, "all"])
def test_a_derivation_without_the_weight_of_the_example_is_caught(name: str, example: Any) -> None:
    problem = cp.load(name)
    assert problem.examples is not None
    done = cp.cycle(weighted_example(name, np.full(len(problem.examples), 1.5)), example)
    last_bias = len(done.parameters) - 1
    Derivations(done).gradient(last_bias)

    def without(line: Line) -> Expression | None:
        """The slope of the loss, and where it is fused the error signal, with a weight of 1."""
        of_example = line.quantity.of if isinstance(line.quantity, q.OfExample) else line.quantity
        last = done.problem.network.depth - 1
        match of_example:
            case q.Derivative(q.Error() | q.TotalError(), q.Output(at, _) | q.Sum(at, _)) if at == last:
                names = {WEIGHT, *(q.OfExample(WEIGHT, int(number)) for number in done.numbers)}
                return substitute(line.expression, lambda key: Number(1.0) if key in names else None)
        return None

    with pytest.raises(Disagreement, match="backward found"):
        Derivations(done, Lines(done).rewritten(without)).gradient(last_bias)


def test_a_gradient_without_the_weight_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearprop.propagation.backward.error_share", lambda trace: 1.0)
    Derivations(cp.cycle(cp.load("lecture"))).gradient(0)
    with pytest.raises(Disagreement, match="what backward found"):
        Derivations(cp.cycle(weighted_example("lecture", [1.5]))).gradient(0)
