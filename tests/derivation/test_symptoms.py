"""Signs that training goes wrong: sentences that name their parts, and thresholds that make sense."""

from __future__ import annotations

import re

import numpy as np
import pytest

import clearprop as cp
from clearprop.derivation.symptoms import SYMPTOMS, THRESHOLDS, Blocked, about_units, blocked, steepest
from clearprop.propagation.forward import forward
from clearprop.rules.activations import ACTIVATIONS, Activation

NAMED = {"explodes": {"error", "first", "last", "rate"}, "overshoots": {"error", "before", "after", "rate"},
         "inactive": {"unit", "activation", "sum", "value"}, "more": {"count"},
         "saturated_here": {"unit", "activation", "slope", "value"},
         "dead": {"units", "activation", "rows"}, "saturated": {"units", "activation", "rows"}, "cut_off": set(),
         "same": {"outputs", "rows"}, "constant": {"error", "after", "constant"}, "flat": {"error", "after"},
         "alike": {"layer"}, "constant_inputs": {"rows"}, "constant_targets": {"of", "rows"},
         "one_class": {"label", "rows"}, "out_of_reach": {"activation", "limits", "least", "most"},
         "far": {"mean", "deviation", "output_mean", "output_deviation", "remedy"},
         "narrow_inputs": {"spread", "remedy"}, "penalized": {"penalty"}}  # fmt: skip
"""What a person needs to know to act on each sentence."""


@pytest.mark.parametrize("key", NAMED)
def test_every_sentence_names_what_it_is_about(key: str) -> None:
    assert set(re.findall(r"\{(\w+)\}", SYMPTOMS[key])) >= NAMED[key]
    assert SYMPTOMS[key].endswith(".")


def test_there_is_no_sentence_that_nobody_looked_at() -> None:
    assert set(SYMPTOMS) == set(NAMED)


@pytest.mark.parametrize(("at", "saturated"), [(0.0, False), (2.0, False), (4.0, False), (7.0, True), (-7.0, True)])
def test_the_logistic_function_is_saturated_far_out_and_not_where_it_is_used(at: float, saturated: bool) -> None:
    """Its steepest slope is ¼; at 2 it is still two fifths of that, at 7 a 270th."""
    rule = ACTIVATIONS["logistic"]
    assert isinstance(rule, Activation)
    assert bool(rule.slopes(np.array([at]))[0] < THRESHOLDS["saturated"] * 0.25) is saturated


def test_units_are_dead_or_saturated_for_all_rows_or_not_at_all() -> None:
    """Of relu a unit is dead, of tanh saturated; one row with a slope is enough for neither."""
    network = cp.Network(1, [cp.Dense(2, "relu"), cp.Dense(2, "tanh"), cp.Dense(1)])
    parameters = cp.Parameters.of(
        network, [[[-1.0], [1.0]], [[0.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [9.0, 0.0], [0.0]]
    )
    rows = np.array([[0.5], [2.0], [3.0]])
    trace = forward(network, parameters, rows)
    assert list(blocked(trace)) == [(0, "dead", (0,)), (1, "saturated", (0,))]
    assert list(blocked(forward(network, parameters, np.vstack([rows, [[-1.0]]])))) == [(1, "saturated", (0,))]
    assert about_units(trace, Blocked(0, "dead", (0, 1)), "all 3 rows") == (
        "h1_1 and h1_2 are dead: the slope of relu is 0 for all 3 rows, so no error flows back through them "
        "and the weights into them do not change."
    )


def test_where_the_loss_and_the_activation_are_one_function_the_slope_does_not_matter() -> None:
    network = cp.Network(1, [cp.Dense(1, "logistic")], "binary_cross_entropy")
    trace = forward(network, cp.Parameters.of(network, [[[100.0]]]), np.array([[1.0], [2.0]]))
    assert list(blocked(trace)) == []


@pytest.mark.parametrize(("name", "slope"), [("logistic", 0.25), ("tanh", 1.0), ("relu", 1.0), ("leaky_relu", 1.0)])
def test_the_steepest_slope_of_an_activation(name: str, slope: float) -> None:
    rule = ACTIVATIONS[name]
    assert isinstance(rule, Activation)
    assert steepest(rule) == pytest.approx(slope)


def test_thresholds_are_on_the_side_of_what_they_warn_of() -> None:
    assert THRESHOLDS["explodes"] > 1
    assert 0 < THRESHOLDS["saturated"] < 1
    assert 0 < THRESHOLDS["smallest"] < 1e-6
    assert THRESHOLDS["shown"] >= 1
