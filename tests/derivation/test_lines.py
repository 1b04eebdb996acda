"""Lines: they give the cycle's numbers, each from those above it, in the order in which they are explained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import LECTURE, LECTURE_COMPONENTS, LECTURE_GRADIENTS, LECTURE_UPDATED, problems

import clearprop as cp
from clearprop.derivation.lines import Line, Lines, Stage, evaluate
from clearprop.errors import InvalidArgument
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, renamed, symbols, text
from clearprop.expressions.tree import add
from clearprop.network import names as q
from clearprop.propagation.cycle import following
from clearprop.rendering.document import shown_number
from clearprop.rules.optimizers import Optimizer

OPTIMIZERS = (
    cp.SGD(0.1),
    cp.SGD(0.1, momentum=0.9, dampening=0.3, weight_decay=0.01),
    cp.SGD(0.1, momentum=0.9, nesterov=True),
    cp.RMSprop(0.01, centered=True, momentum=0.5),
    cp.Adagrad(0.1, lr_decay=0.1),
    cp.Adam(0.01),
    cp.AdamW(0.01),
    cp.Adam(0.01, correction_in_rate=True),
    cp.SGD(0.1, momentum=0.9, rate_in_velocity=True, weight_decay=0.01, decoupled_weight_decay=True),
    cp.NAdam(0.01),
    cp.Adamax(0.01),
    cp.Adadelta(1.0),
)
clipping: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"clip_value": 0.05},
        {"clip_norm": 0.1},
        {"clip_value": 0.05, "clip_norm": 0.1},
        {"clip_norm": 0.1, "clip_norm_per": "variable"},
    ]
)


def written(lines: Lines, line: Line) -> str:
    names: Any = lines.cycle.names
    expression = text(line.expression, lambda key: key if isinstance(key, str) else names.text(key))
    return f"{names.text(line.quantity)} = {expression}"


def dropped(problem: cp.Problem) -> cp.Problem:
    """The problem with dropout in every layer."""
    layers = [replace(layer, dropout=0.3) for layer in problem.network.layers]
    return replace(problem, network=replace_layers(problem.network, layers))


def replace_layers(network: cp.Network, layers: list[cp.Dense]) -> cp.Network:
    return cp.Network(network.sizes[0], layers, network.loss)


# --- the lecture ---------------------------------------------------------------------------------------


def test_the_lines_of_the_lecture_in_order() -> None:
    lines = Lines(cp.cycle(cp.load("lecture")))
    assert [written(lines, line) for line in lines] == [
        "sum_h1 = i1 * w1 + i2 * w3 + b1",
        "output_h1 = logistic(sum_h1)",
        "sum_h2 = i1 * w2 + i2 * w4 + b1",
        "output_h2 = logistic(sum_h2)",
        "sum_o1 = output_h1 * w5 + output_h2 * w6 + b2",
        "output_o1 = logistic(sum_o1)",
        "sum_o2 = output_h1 * w7 + output_h2 * w8 + b2",
        "output_o2 = logistic(sum_o2)",
        "E_1 = 1/2 * (target_1 - output_o1)**2",
        "E_2 = 1/2 * (target_2 - output_o2)**2",
        "E_total = E_1 + E_2",
        "∂E_total/∂output_o1 = output_o1 - target_1",
        "∂output_o1/∂sum_o1 = output_o1 * (1 - output_o1)",
        "∂E_total/∂sum_o1 = ∂E_total/∂output_o1 * ∂output_o1/∂sum_o1",
        "∂E_total/∂w5 = ∂E_total/∂sum_o1 * output_h1",
        "new_w5 = w5 - n * ∂E_total/∂w5",
        "∂E_total/∂w6 = ∂E_total/∂sum_o1 * output_h2",
        "new_w6 = w6 - n * ∂E_total/∂w6",
        "∂E_total/∂output_o2 = output_o2 - target_2",
        "∂output_o2/∂sum_o2 = output_o2 * (1 - output_o2)",
        "∂E_total/∂sum_o2 = ∂E_total/∂output_o2 * ∂output_o2/∂sum_o2",
        "∂E_total/∂w7 = ∂E_total/∂sum_o2 * output_h1",
        "new_w7 = w7 - n * ∂E_total/∂w7",
        "∂E_total/∂w8 = ∂E_total/∂sum_o2 * output_h2",
        "new_w8 = w8 - n * ∂E_total/∂w8",
        "∂E_total/∂b2 = ∂E_total/∂sum_o1 + ∂E_total/∂sum_o2",
        "new_b2 = b2",
        "∂E_total/∂output_h1 = ∂E_total/∂sum_o1 * w5 + ∂E_total/∂sum_o2 * w7",
        "∂output_h1/∂sum_h1 = output_h1 * (1 - output_h1)",
        "∂E_total/∂sum_h1 = ∂E_total/∂output_h1 * ∂output_h1/∂sum_h1",
        "∂E_total/∂w1 = ∂E_total/∂sum_h1 * i1",
        "new_w1 = w1 - n * ∂E_total/∂w1",
        "∂E_total/∂w3 = ∂E_total/∂sum_h1 * i2",
        "new_w3 = w3 - n * ∂E_total/∂w3",
        "∂E_total/∂output_h2 = ∂E_total/∂sum_o1 * w6 + ∂E_total/∂sum_o2 * w8",
        "∂output_h2/∂sum_h2 = output_h2 * (1 - output_h2)",
        "∂E_total/∂sum_h2 = ∂E_total/∂output_h2 * ∂output_h2/∂sum_h2",
        "∂E_total/∂w2 = ∂E_total/∂sum_h2 * i1",
        "new_w2 = w2 - n * ∂E_total/∂w2",
        "∂E_total/∂w4 = ∂E_total/∂sum_h2 * i2",
        "new_w4 = w4 - n * ∂E_total/∂w4",
        "∂E_total/∂b1 = ∂E_total/∂sum_h1 + ∂E_total/∂sum_h2",
        "new_b1 = b1",
    ]


def test_the_digits_of_the_lecture() -> None:
    lines = Lines(cp.cycle(cp.load("lecture")))
    names = lines.cycle.names
    found = {names.text(k): shown_number(value, 5, "truncate") for k, value in lines.values().items()}
    expected = {**LECTURE, **LECTURE_COMPONENTS}
    expected |= {f"∂E_total/∂{name}": digits for name, digits in LECTURE_GRADIENTS.items()}
    expected |= {f"new_{name}": digits for name, digits in LECTURE_UPDATED.items()}
    assert {name: found[name] for name in expected} == expected


# --- any network -----------------------------------------------------------------------------------------


def agree(found: dict[q.Quantity, float], done: cp.Cycle, tolerance: float = 1e-12) -> None:
    """Every number that the cycle has too, relative to the largest of its kind."""
    kinds: dict[Any, list[tuple[float, float, q.Quantity]]] = {}
    for quantity, value in found.items():
        row = done.row(quantity.example) if isinstance(quantity, q.OfExample) else 0
        expected = done.known(quantity, row)
        if expected is not None:
            kind = type(quantity), type(getattr(quantity, "of", None)), type(getattr(quantity, "by", None))
            kinds.setdefault(kind, []).append((value, float(expected), quantity))
    assert kinds
    for pairs in kinds.values():
        scale = max(1e-3, *(abs(expected) for _, expected, _ in pairs))
        for value, expected, quantity in pairs:
            assert abs(value - expected) <= tolerance * scale, done.names.text(quantity)


@given(problems() | problems(weights=True) | problems().map(dropped), st.sampled_from([1, "all"]))
def test_the_lines_give_every_number_of_the_cycle(problem: cp.Problem, example: Any) -> None:
    done = cp.cycle(problem, example)
    found = Lines(done).values()
    agree(found, done)
    parameters = [q.Parameter(index) for index in range(len(done.parameters))]
    gradients = [q.Derivative(q.TotalError(), parameter) for parameter in parameters]
    assert {q.TotalError(), *gradients, *map(q.Updated, parameters)} <= found.keys()


@given(problems(), st.sampled_from(OPTIMIZERS), clipping, st.sampled_from([1, "all"]), st.integers(1, 3))
def test_every_line_of_an_update_gives_its_number(
    problem: cp.Problem, optimizer: Optimizer, clip: dict[str, Any], example: Any, step: int
) -> None:
    """From the cycle's own numbers: an update can be as sensitive as it likes to the last digit of a gradient."""
    done = cp.cycle(replace(problem, optimizer=replace(optimizer, **clip)), example)
    for _ in range(step - 1):
        done = following(done)
    lines = Lines(done)
    norms = {q.Named(each.norm) for each in lines.together}
    for line in lines:
        if line.stage is Stage.UPDATE and line.quantity not in norms:
            given = {key: evaluate(lines[key], Values(done)) if key in norms else done.value(key) for key in line.uses}
            expected = done.value(line.quantity)
            assert evaluate(line, given) == pytest.approx(expected, rel=1e-11, abs=1e-14), written(lines, line)


class Values(dict[Any, float]):
    """The numbers of a cycle, looked up."""

    def __init__(self, done: cp.Cycle) -> None:
        self.done = done

    def __missing__(self, key: Any) -> float:
        return self.done.value(key)


@given(problems() | problems(weights=True) | problems().map(dropped), st.sampled_from(OPTIMIZERS), clipping, st.data())
def test_a_line_uses_only_what_stands_above_it_or_is_given(
    problem: cp.Problem, optimizer: Optimizer, clip: dict[str, Any], data: st.DataObject
) -> None:
    done = cp.cycle(replace(problem, optimizer=replace(optimizer, **clip)), data.draw(st.sampled_from([1, "all"])))
    lines = Lines(done)
    above: set[Any] = set()
    for line in lines:
        for used in line.uses | symbols(line.exact or line.expression):
            assert used in above or used not in lines
            if used not in above:
                done.value(used)
        assert line.quantity not in above
        assert lines[line.quantity] == line
        above.add(line.quantity)


def test_a_batch_has_lines_for_each_example_and_for_their_mean() -> None:
    done = cp.cycle(cp.load("xor"), "all")
    lines = Lines(done)
    w9 = q.Derivative(q.TotalError(), done.names.find("w9"))
    assert written(lines, lines[w9]) == (
        "∂L/∂w9 = (∂L/∂w9, example 1 + ∂L/∂w9, example 2 + ∂L/∂w9, example 3 + ∂L/∂w9, example 4) / 4"
    )
    assert written(lines, lines[q.OfExample(w9, 2)]) == "∂L/∂w9, example 2 = δ_either, example 2 * a_h3, example 2"
    order = list(lines.quantities())
    assert order.index(q.OfExample(w9, 4)) < order.index(w9) < order.index(q.Updated(w9.by))


def test_a_line_is_found_by_its_name() -> None:
    examples: list[tuple[str, Any]] = [("lecture", 1), ("xor", "all")]
    for name, example in examples:
        lines = Lines(cp.cycle(replace(cp.load(name), optimizer=cp.SGD()), example))
        names = lines.cycle.names
        assert all(names.find(names.text(quantity)) == quantity for quantity in lines.quantities())


def test_softmax_in_one_formula_with_its_loss_has_the_error_signal_alone() -> None:
    lines = Lines(cp.cycle(cp.load("ring")))
    last = lines.network.depth - 1
    of_last = [line for line in lines if line.stage is Stage.OUTPUT_SIGNAL]
    assert [line.quantity for line in of_last] == [
        q.Derivative(q.TotalError(), q.Sum(last, unit)) for unit in range(lines.network.sizes[-1])
    ]


def test_any_error_alone_has_lines_too() -> None:
    """∂E_1 and ∂E_2 add up to ∂E_total: E_total is their sum."""
    done = cp.cycle(cp.load("lecture"))
    lines = Lines(done)

    def value(quantity: Any) -> float:
        if quantity not in lines:
            return done.value(quantity)
        return evaluate(lines[quantity], {key: value(key) for key in lines[quantity].uses})

    for by in (q.Parameter(0), q.Sum(0, 1), q.Output(0, 0), q.Input(1), q.Sum(1, 1)):
        parts = [value(q.Derivative(q.Error(k), by)) for k in range(2)]
        assert sum(parts) == pytest.approx(value(q.Derivative(q.TotalError(), by)), rel=1e-14)


def test_one_line_of_a_large_network_is_built_alone() -> None:
    network = cp.Network(784, [cp.Dense(512, "relu"), cp.Dense(512, "relu"), cp.Dense(10, "softmax")])
    rng = np.random.default_rng(0)
    problem = cp.Problem(network, examples=cp.Examples(rng.uniform(size=(1, 784)), np.eye(10)[:1]))
    lines = Lines(cp.cycle(problem))
    signal = q.Derivative(q.TotalError(), q.Sum(0, 7))
    assert len(symbols(lines[q.Sum(0, 0)].expression)) == 2 * 784 + 1
    assert lines[q.Derivative(q.TotalError(), q.Parameter(7 * 784 + 5))].expression == Symbol(signal) * Symbol(
        q.Input(5)
    )
    assert next(iter(lines)).quantity == q.Sum(0, 0)


# --- other numbers, other lines ------------------------------------------------------------------------------


def test_given_numbers_are_carried_on() -> None:
    """A student's own number for one line goes into those below it, and nowhere else."""
    lines = Lines(cp.cycle(cp.load("lecture")))
    find = lines.cycle.names.find
    right, found = lines.values(), lines.values({find("output_h1"): 0.7})
    assert found[find("sum_h1")] == right[find("sum_h1")]
    assert found[find("sum_o1")] == pytest.approx(right[find("sum_o1")] + (0.7 - right[find("output_h1")]) * 0.5)
    # The slope is taken from the output that was given: 0.7 (1 - 0.7).
    assert found[find("∂output_h1/∂sum_h1")] == pytest.approx(0.21)
    assert lines.values({find("i1"): 0.2})[find("sum_h1")] == pytest.approx(0.2 * 0.1 + 0.5 * 0.3 + 0.25)


def slope_left_out(line: Line) -> Expression | None:
    """In ∂E/∂sum the factor ∂output/∂sum is taken to be 1."""
    match line.quantity:
        case q.Derivative(q.TotalError() as total, q.Sum(layer, unit)):
            return Symbol(q.Derivative(total, q.Output(layer, unit)))
    return None


def updated_weights(line: Line) -> Expression | None:
    """The new weights in the error signals of hidden units: a famous example's final numbers have this mistake."""
    if line.stage is Stage.HIDDEN_SIGNAL and isinstance(line.quantity, q.Derivative):
        keys: dict[Any, Any] = {key: q.Updated(key) for key in line.uses if isinstance(key, q.Parameter)}
        return renamed(line.expression, keys)
    return None


def dropped_path(line: Line) -> Expression | None:
    """Only the first way from a hidden output to the error."""
    match line.quantity, line.expression:
        case q.Derivative(_, q.Output(0, _)), Apply(Operator.ADD, terms):
            return terms[0]
    return None


@pytest.mark.parametrize("mistake", [slope_left_out, updated_weights, dropped_path])
def test_a_planted_mistake_shows_in_the_numbers(mistake: Any) -> None:
    done = cp.cycle(cp.load("lecture"))
    with pytest.raises(AssertionError):
        agree(Lines(done).rewritten(mistake).values(), done, tolerance=1e-3)


def test_a_mistake_gives_what_the_same_mistake_by_hand_gives() -> None:
    done = cp.cycle(cp.load("lecture"))
    found = Lines(done).rewritten(updated_weights).values()
    signals = done.gradients.signals[1][0] @ done.updated.weights(1)
    slopes = done.trace.outputs[0][0] * (1 - done.trace.outputs[0][0])
    expected = np.outer(signals * slopes, done.examples.inputs[0]).ravel()
    gradients = [found[q.Derivative(q.TotalError(), q.Parameter(index))] for index in range(4)]
    np.testing.assert_allclose(gradients, expected, rtol=1e-13)


def test_rewrites_follow_one_another() -> None:
    lines = Lines(cp.cycle(cp.load("lecture"))).rewritten(slope_left_out)
    quantity = q.Derivative(q.TotalError(), q.Sum(1, 0))
    twice = lines.rewritten(lambda line: -line.expression if line.quantity == quantity else None)
    assert twice[quantity].expression == -lines[quantity].expression
    assert Lines(lines.cycle)[quantity].expression != lines[quantity].expression


def test_what_is_no_line_and_what_stands_below_is_refused() -> None:
    lines = Lines(cp.cycle(cp.load("lecture")))
    with pytest.raises(InvalidArgument, match="i1 is given, or no line of this cycle computes it"):
        lines[q.Input(0)]
    below = lines.rewritten(
        lambda line: add(Symbol(q.TotalError()), Number(1.0)) if line.quantity == q.Sum(0, 0) else None
    )
    with pytest.raises(InvalidArgument, match="E_total is used above the line that computes it"):
        below.values()
