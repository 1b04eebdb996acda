"""The page computes and prints what Python does, on random networks: its bundle, run in Node.

How close: every number within 1e-12 of the size of what was added up to it. Where that size is not
known (a gradient is a sum over paths that may cancel) it is found from the network with every
weight, input and signal replaced by its size. Points on a kink are set apart: where a weighted sum,
or a difference of output and target, is within 1e-9 of a switch of its rule, the side is rounding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.explorer.in_page import CLOSE, in_page, traced
from tests.explorer.node import Node
from tests.support import problems

import clearprop as cp
from clearprop.derivation.chain import Chain
from clearprop.derivation.derive import Derivations
from clearprop.explorer.export import exported
from clearprop.expressions import evaluate
from clearprop.expressions.kinks import switches
from clearprop.network import names as q
from clearprop.network.notation import NOTATIONS
from clearprop.propagation.cycle import following
from clearprop.rendering.compose import derivation_blocks
from clearprop.rendering.document import View, shown_number
from clearprop.rendering.explanation import in_notation
from clearprop.rendering.text import text
from clearprop.rules.activations import ACTIVATIONS, Activation
from clearprop.rules.losses import LOSSES
from clearprop.rules.optimizers import OPTIMIZERS as OPTIMIZERS_BY_NAME
from clearprop.rules.roles import Role
from clearprop.rules.schedules import SCHEDULES, schedule
from clearprop.types import Array

OPTIMIZERS = (
    cp.SGD(0.1),
    cp.SGD(0.1, momentum=0.9, dampening=0.1),
    cp.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    cp.RMSprop(0.01),
    cp.RMSprop(0.01, centered=True, momentum=0.5),
    cp.Adagrad(0.1, lr_decay=0.1),
    cp.Adam(0.01),
    cp.AdamW(0.01),
    cp.Adam(0.01, correction_in_rate=True),
    cp.SGD(0.1, momentum=0.9, rate_in_velocity=True, nesterov=True),
    cp.NAdam(0.01),
    cp.Adamax(0.01),
    cp.Adadelta(1.0),
)


def on_a_kink(done: cp.Cycle) -> bool:
    """Whether any rule is so close to a switch that rounding decides the side."""

    def close(tree: Any, values: dict[Any, Array]) -> bool:
        return any(bool(np.any(np.abs(evaluate(switch, values)) < 1e-9)) for switch in switches(tree))

    layers = zip(done.problem.network.layers, done.trace.sums, strict=True)
    if any(close(layer.rule.formula, {Role.SUM: z}) for layer, z in layers if isinstance(layer.rule, Activation)):
        return True
    given = {Role.OUTPUT: done.trace.outputs[-1], Role.TARGET: done.examples.targets}
    return close(done.problem.network.loss.rule.formula, given)


def sizes_of_gradients(done: cp.Cycle) -> Array:
    """For each parameter the sizes of all contributions to its gradient, added up."""
    chains = [Chain(done, row) for row in range(len(done.examples))]
    share = 1 / len(chains) if done.problem.network.loss.over_examples == "mean" else 1.0
    sizes = [share * sum(chain.parameter_size(i) for chain in chains) for i in range(len(done.parameters))]
    # The penalty is one more contribution.
    return np.array(sizes) + np.abs(done.gradients.of.vector) + np.abs(done.parameters.vector) * 0.2


@given(st.data(), st.sampled_from(OPTIMIZERS), st.booleans())
def test_values_gradients_and_new_weights_after_one_cycle(
    node: Node, data: st.DataObject, optimizer: Any, whole: bool
) -> None:
    problem = data.draw(problems(max_depth=5, optimizer=optimizer, weights=True))
    example: Any = "all" if whole else 1
    done = cp.cycle(problem, example)
    assume(not on_a_kink(done))
    found = in_page(node, problem, example=example, ids=[])
    for name, value in found["values"].items():
        expected = done[name]
        # A weighted sum or an error may cancel: relative to 1, the size of what goes in.
        assert abs(value - expected) <= CLOSE * max(1.0, abs(expected)), name
    sizes = sizes_of_gradients(done)
    for (name, expected), size in zip(done.gradients.of.items(), sizes, strict=True):
        assert abs(found["gradients"][name] - expected) <= CLOSE * size, name
    for (name, expected), bound in zip(done.updated.items(), update_bounds(done, sizes), strict=True):
        assert abs(found["updated"][name] - expected) <= bound, name
    assert found["after"]["L"] == pytest.approx(done.error_after, rel=1e-10, abs=1e-12)


def update_bounds(done: cp.Cycle, sizes: Array) -> Array:
    """How far new weights may be off when gradients are off by 1e-12 of their sizes.

    The optimizers that divide by the gradient's own size take a gradient that is mere rounding for a
    step of the full rate: what they make of g ± its rounding is computed, and that is the bound.
    """
    from clearprop.propagation.update import update

    def moved(by: float) -> Array:
        gradients = done.gradients.of
        shifted = gradients.with_vector(gradients.vector + by * CLOSE * sizes)
        step = update(done.problem.optimizer, done.parameters, shifted, done.state, done.step, done.rate)
        return np.asarray(step.parameters.vector)

    spread = np.abs(moved(1.0) - moved(-1.0)) + np.abs(moved(1.0) - moved(0.0))
    return np.asarray(spread + CLOSE * np.maximum(1.0, np.abs(done.updated.vector)))


@settings(max_examples=12, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.data(), st.sampled_from([cp.SGD(0.05), cp.SGD(0.05, momentum=0.9), cp.Adam(0.01)]))
def test_ten_cycles_on(node: Node, data: st.DataObject, optimizer: Any) -> None:
    """Within ten cycles a difference grows at most as fast as that between the same training and one that
    begins 1e-9 off, in each of three directions: the bound is that growth, times the 1e-12 of each cycle."""
    problem = data.draw(problems(max_depth=4, optimizer=optimizer))
    try:
        done = cp.cycle(problem, "all")
        kinked = on_a_kink(done)
        for _ in range(9):
            done = following(done)
            kinked = kinked or on_a_kink(done)
    except cp.ClearpropError:  # it diverges
        assume(False)
    assume(not kinked)
    found = in_page(node, problem, cycles=10, example="all", ids=[])
    mine = np.array([found["updated"][name] for name, _ in done.updated.items()])
    growth = max(1.0, *(tenth_off(problem, done, direction) for direction in range(3)))
    worst = float(np.max(np.abs(mine - done.updated.vector)))
    assert worst <= 10 * growth * CLOSE * max(1.0, float(np.max(np.abs(done.updated.vector))))


def tenth_off(problem: cp.Problem, done: cp.Cycle, direction: int) -> float:
    """By how much a training that begins a little off is further off after ten cycles."""
    off = 1e-9
    shift = np.random.default_rng(direction).choice([-off, off], problem.parameters.vector.size)
    moved = cp.cycle(
        replace(problem, parameters=problem.parameters.with_vector(problem.parameters.vector + shift)), "all"
    )
    for _ in range(9):
        moved = following(moved)
    return float(np.max(np.abs(moved.updated.vector - done.updated.vector))) / off


ENORMOUS = [
    ("exp(z)", "squared_error", 1.0, 1000.0, 0.0, cp.SGD(0.1)),
    ("1/(1+exp(-z))", "-t * log(y)", 1.0, -1000.0, 1.0, cp.SGD(0.1)),
    ("identity", "squared_error", 1e300, 1e300, 0.0, cp.SGD(0.1)),
    ("identity", "squared_error", 1e200, 1.0, 0.0, cp.SGD(0.1)),
    ("identity", "squared_error", 1e100, 1e250, 0.0, cp.SGD(0.1)),
    ("identity", "squared_error", 1e50, 1e100, 0.0, cp.SGD(1e200)),
]


@pytest.mark.parametrize(("activation", "loss", "weight", "value", "target", "optimizer"), ENORMOUS)
@pytest.mark.parametrize("example_weight", [None, 2.0])
def test_what_is_not_finite_is_said_in_the_same_words(
    node: Node, activation: str, loss: str, weight: float, value: float, target: float, optimizer: Any,
    example_weight: float | None,
) -> None:  # fmt: skip
    network = cp.Network(1, [cp.Dense(1, activation, bias=False)], loss)
    examples = cp.Examples.of([[value]], [[target]])
    if example_weight is not None:
        examples = replace(examples, weights=np.array([example_weight]))
    parameters = cp.Parameters.of(network, [[[weight]]])
    problem = cp.Problem(network, parameters, optimizer, examples=examples)
    with pytest.raises(cp.ClearpropError) as caught:
        cp.cycle(problem)
    said = node.evaluate("([data]) => clearprop.run(data).fault", [exported(problem)])
    assert said.replace("Infinity", "inf").replace("NaN", "nan").replace("²", "**2") == str(caught.value)


@pytest.mark.parametrize("rounding", ["nearest", "truncate"])
@pytest.mark.parametrize("digits", [0, 1, 5, 17])
def test_numbers_are_shown_the_same(node: Node, digits: int, rounding: Any) -> None:
    """Floats of every size, decimals of few digits, ties, and what rounds up to another power of ten."""
    rng = np.random.default_rng(7)
    values = [0.0, -0.0, 0.5, -1.5, 0.125, 0.99999999999, 9.9999995, 1e-12, 5e-324, 1e9, 999999999.99999, 1.7e308]
    values += rng.uniform(-100, 100, 300).round(3).tolist()
    values += (rng.normal(size=300) * 10.0 ** rng.integers(-12, 12, 300)).tolist()
    values += [each for each in rng.integers(0, 2**63, 300).view(np.float64).tolist() if np.isfinite(each)]
    shown = node.evaluate(
        "([values, digits, rounding]) => values.map((value) => clearprop.shownNumber(value, digits, rounding))",
        [values, digits, rounding],
    )
    assert shown == [shown_number(value, digits, rounding) for value in values]


def test_the_comparison_would_see_a_difference(node: Node) -> None:
    """A fault planted into what the page is given: another slope, another coefficient."""
    problem = cp.load("lecture")
    planted = exported(problem)
    rule = next(rule for rule in planted["activations"] if rule["name"] == "logistic")
    rule["slope"]["simplified"] = ["*", 1.0000001, rule["slope"]["simplified"]]
    script = "([data]) => clearprop.numbersOf(clearprop.run(data), 'lecture').gradients.w5"
    wrong = node.evaluate(script, [planted])
    expected = cp.cycle(problem).gradients["w5"]
    assert abs(wrong - expected) > 1e3 * CLOSE * abs(expected)


# fmt: off
ARGUMENTS = [0.0, -0.0, 1e-300, 1e-9, 0.1, -0.3, 0.46875, 0.5, 1.0, -2.7, 4.0, 4.5, -6.0, 20.0, -38.0, 300.0, -745.0,
             1e5]
# fmt: on


@pytest.mark.parametrize(
    "rule",
    ["logistic", "tanh", "softplus", "gelu", "silu", "elu", "selu", "leaky_relu", "expm1(z)", "log1p(abs(z))",
     "erf(z)", "max(z, min(1, z**2))", "where(z <= 0.1, z, sqrt(abs(z)))", "exp(-z**2)", "abs(z)**1.5", "2**-abs(z)"],
)  # fmt: skip
def test_every_primitive_over_its_whole_range(node: Node, rule: str) -> None:
    """Output and slope of rules, far from zero as well as near."""
    activation = cp.activation(rule)
    assert isinstance(activation, Activation)
    network = cp.Network(1, [cp.Dense(1, activation, bias=False)])
    parameters = cp.Parameters.of(network, [[[1.0]]])
    examples = cp.Examples.of([[z] for z in ARGUMENTS], [[0.0] for _ in ARGUMENTS])
    data = exported(cp.Problem(network, parameters, examples=examples))
    script = """([data]) => {
        const done = clearprop.run(data, 1, "all");
        const slope = data.activations[data.network.layers[0].activation].slope.simplified;
        return [[...done.trace.outputs[0]], [...done.trace.sums[0]].map((z) => clearprop.evaluate(slope, { z }))];
    }"""
    outputs, slopes = node.evaluate(script, [data])
    sums = np.array(ARGUMENTS)[:, None]
    np.testing.assert_allclose(outputs, activation.outputs(sums)[:, 0], rtol=4e-15, atol=1e-320)
    np.testing.assert_allclose(slopes, activation.slopes(sums)[:, 0], rtol=2e-14, atol=1e-300)


# --- every rule ---------------------------------------------------------------------------------


def one_rule(kind: str, name: str) -> cp.Problem:
    """A small network in which a rule of that name works."""
    activation = name if kind == "activation" else "tanh"
    last = name if kind == "activation" else "logistic"
    rule = cp.loss(name if kind == "loss" else "half_squared_error")
    if rule.sums_to_one:
        last = "softmax"
    optimizer = OPTIMIZERS_BY_NAME[name](0.1) if kind == "optimizer" else cp.SGD(0.1)
    if kind == "schedule":
        optimizer = replace(optimizer, schedule=schedule(name, warmup=2), clip_norm=0.05, clip_value=0.03)
    network = cp.Network(2, [cp.Dense(3, activation), cp.Dense(2, last)], cp.Objective(rule, over_outputs="mean"))
    parameters = cp.Parameters.random(network, 5)
    examples = cp.Examples.of([[0.3, -0.4], [0.9, 0.2]], [[0.25, 0.75], [1.0, 0.0]])
    return cp.Problem(network, parameters, optimizer, penalty=cp.Penalty(0.01, 0.02), examples=examples)


RULES = [
    *(("activation", name) for name in ACTIVATIONS),
    *(("loss", name) for name in LOSSES),
    *(("optimizer", name) for name in OPTIMIZERS_BY_NAME),
    *(("schedule", name) for name in SCHEDULES),
]


@pytest.mark.parametrize(("kind", "name"), RULES, ids=["-".join(rule) for rule in RULES])
def test_every_rule_over_several_cycles_and_in_both_notations(node: Node, kind: str, name: str) -> None:
    """The tables say what is tried: a rule that is added is compared at once, for one example in one notation and for
    all in the other."""
    problem = one_rule(kind, name)
    asked: dict[str, q.Quantity] = {
        "p0": q.Parameter(0),
        "p9": q.Parameter(9),
        "a1.1": q.Output(1, 1),
        "e0": q.Error(0),
        "total": q.TotalError(),
    }
    data = exported(problem)
    places: tuple[Any, ...] = (1, "all")
    turn = RULES.index((kind, name))
    for number, place in enumerate(places, start=turn):
        notation = list(NOTATIONS)[number % len(NOTATIONS)]
        given: dict[str, Any] = {"example": place, "ids": list(asked), "notation": notation}
        trace = traced(node, problem, cycles=[1, 4], data=data, **given)
        done = in_notation(cp.cycle(problem, place), notation)
        for cycles, found in zip((1, 4), trace, strict=True):
            while done.step < cycles:
                done = following(done)
            for each, value in found["values"].items():
                assert value == pytest.approx(done[each], rel=CLOSE, abs=CLOSE), (cycles, each)
            for each, value in done.gradients.of.items():
                assert found["gradients"][each] == pytest.approx(value, rel=CLOSE, abs=CLOSE), (cycles, each)
            for each, value in done.updated.items():
                assert found["updated"][each] == pytest.approx(value, rel=1e-11, abs=CLOSE), (cycles, each)
        view = View(done.names)
        derivations = Derivations(done)
        for (each, quantity), printed in zip(asked.items(), trace[-1]["texts"], strict=True):
            assert printed == text(derivation_blocks([derivations[quantity]], view), view), each
