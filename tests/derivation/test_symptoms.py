"""Signs that training goes wrong: sentences that name their parts, and thresholds that make sense."""

from __future__ import annotations

import re

import numpy as np
import pytest

from clearprop.derivation.symptoms import SYMPTOMS, THRESHOLDS
from clearprop.rules.activations import ACTIVATIONS, Activation

NAMED = {"explodes": {"error", "first", "last", "rate"}, "overshoots": {"error", "before", "after", "rate"},
         "dead": {"unit", "activation"}, "saturated": {"unit", "activation", "slope", "value"},
         "more": {"count"}}  # fmt: skip
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


def test_thresholds_are_on_the_side_of_what_they_warn_of() -> None:
    assert THRESHOLDS["explodes"] > 1
    assert 0 < THRESHOLDS["saturated"] < 1
    assert 0 < THRESHOLDS["smallest"] < 1e-6
    assert THRESHOLDS["shown"] >= 1
