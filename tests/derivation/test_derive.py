"""Whole derivations: they agree with backward and update, each is made once, and what is wrong is caught."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.derivation.weighted import weighted_example
from tests.support import problems

import clearprop as cp
from clearprop.derivation.chain import Chain
from clearprop.derivation.derive import Derivations, GradientDerivation
from clearprop.derivation.lines import Line, Lines
from clearprop.derivation.shares import WEIGHT
from clearprop.errors import Disagreement
from clearprop.expressions import Expression, Number, evaluate, substitute
from clearprop.network import names as q
from clearprop.network.parameters import Parameters
from clearprop.propagation.forward import Trace, weighted_sums
from clearprop.rules.roles import Role


@given(problems() | problems(weights=True), st.sampled_from([1, "all"]))
def test_every_derivation_adds_up(problem: cp.Problem, example: Any) -> None:
    done = cp.cycle(problem, example)
    derivations = Derivations(done)
    for index in range(len(done.parameters)):
        derivation = derivations.gradient(index)
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
    derivations = Derivations(done)
    for layer, signals in enumerate(done.gradients.signals):
        for unit in range(signals.shape[1]):
            derivation = derivations[q.Derivative(q.TotalError(), q.Sum(layer, unit))]
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


# --- every number that is shown ----------------------------------------------------------------------

smooth = st.sampled_from(["tanh", "logistic", "softplus", "gelu", "identity"])


@st.composite
def smooth_cycles(draw: st.DrawFn) -> cp.Cycle:
    """A cycle of a network without kinks, so that differences mean something everywhere."""
    hidden = [cp.Dense(draw(st.integers(1, 3)), draw(smooth)) for _ in range(draw(st.integers(0, 2)))]
    joined = draw(st.booleans())
    last = cp.Dense(draw(st.integers(2, 3)), "softmax") if joined else cp.Dense(draw(st.integers(1, 2)), draw(smooth))
    network = cp.Network(2, [*hidden, last], None if joined else "squared_error")
    random = np.random.default_rng(draw(st.integers(0, 999)))
    targets = np.eye(last.size)[[0]] if joined else random.normal(size=(1, last.size))
    examples = cp.Examples(random.normal(size=(1, 2)), targets)
    optimizer = draw(st.sampled_from([cp.SGD(0.1), cp.SGD(0.1, momentum=0.9), cp.Adam(0.01)]))
    penalty = cp.Penalty(l2=draw(st.sampled_from([0.0, 0.3])))
    parameters = Parameters.random(network, 1).with_vector(random.normal(size=network.parameter_count))
    return cp.cycle(cp.Problem(network, parameters, optimizer, penalty, examples))


def shown(structure: Any) -> Iterator[tuple[str, float]]:
    """Every symbol with a number, however deep."""
    if isinstance(structure, dict):
        if "symbol" in structure:
            yield structure["symbol"], structure["value"]
        for inside in structure.values():
            yield from shown(inside)
    if isinstance(structure, list):
        for inside in structure:
            yield from shown(inside)


def errors_at(done: cp.Cycle, by: Any, step: Any) -> Any:
    """E_1, E_2, … in extended precision where a number of the cycle is moved."""
    vector, inputs = done.parameters.vector.astype(np.longdouble), done.examples.inputs.astype(np.longdouble)
    if isinstance(by, q.Parameter):
        vector[by.index] += step
    if isinstance(by, q.Input):
        inputs[0, by.index] += step
    trace = Trace(done.problem.network, done.parameters.with_vector(vector), inputs, (), (), done.trace.masks)
    seen, sums = inputs, np.empty((1, 0))
    for layer, dense in enumerate(done.problem.network.layers):
        sums = weighted_sums(trace.parameters, layer, seen)
        if isinstance(by, q.Sum) and by.layer == layer:
            sums[0, by.unit] += step
        seen = np.array(dense.rule.outputs(sums))
        if isinstance(by, q.Output) and by.layer == layer:
            seen[0, by.unit] += step
    loss = done.problem.network.loss.rule.formula
    targets = done.examples.targets.astype(np.longdouble)
    return evaluate(loss, {Role.OUTPUT: seen, Role.TARGET: targets})[0]


@settings(max_examples=8)
@given(smooth_cycles())
def test_every_number_that_is_shown_is_found_by_its_name(done: cp.Cycle) -> None:
    """And a derivative is what a difference in extended precision gives."""
    found: dict[str, float | None] = dict(shown(cp.explain(done).structure()))
    inputs = [f"d{error}/d{name}" for error in ("L", "L_1") for name in done.problem.network.input_names]
    found |= {name.replace("d", "∂"): None for name in inputs}
    for symbol, value in found.items():
        structure = cp.explain(done, symbol).structure()["derivations"]
        assert len(structure) == 1
        derivation = next(iter(structure.values()))
        quantity = done.find(symbol)
        number = (
            derivation["updated"]
            if isinstance(quantity, q.Updated) and "updated" in derivation
            else derivation.get("gradient", derivation.get("value"))
        )
        if value is not None:
            assert number == pytest.approx(value, rel=1e-9, abs=1e-12)
        match quantity:
            case q.Derivative(q.TotalError() | q.Error() as of, by):
                h = np.longdouble(1e-4)
                at = {k: errors_at(done, by, k * h) for k in (-2, -1, 1, 2)}
                slopes = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h)
                slope = float(slopes.sum() if isinstance(of, q.TotalError) else slopes[of.index])
                if isinstance(of, q.TotalError) and isinstance(by, q.Parameter):
                    penalized = done.parameters.layout.is_weight[by.index]
                    slope += done.problem.penalty.l2 * done.parameters.vector[by.index] * float(penalized)
                assert number == pytest.approx(slope, rel=1e-6, abs=1e-8)
