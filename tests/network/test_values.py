"""Values that only a network file has: accepted in each of their forms, refused with what was expected."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import clearprop as cp
from clearprop.errors import ClearpropError
from clearprop.fields import accepted
from clearprop.network import values
from clearprop.rules.schedules import schedule, schedule_rule


@pytest.mark.parametrize(
    ("check", "given", "expected"),
    [
        (values.units, 3, 3),
        (values.units, ["h1", "h2"], ("h1", "h2")),
        (values.bias, False, False),
        (values.bias, 1, 1.0),
        (values.bias, [1, 2], [1.0, 2.0]),
        (values.bias_names, "b", "b"),
        (values.bias_names, ["b1", "b2"], ["b1", "b2"]),
        (values.any_numbers, [1, math.inf, 10**400], [1.0, math.inf, math.inf]),
        (values.activation_rule, "tanh", cp.activation("tanh")),
        (values.activation_rule, {"name": "leaky_relu", "slope": 0.2}, cp.activation("leaky_relu", slope=0.2)),
        (schedule_rule, "cosine", schedule("cosine")),
        (schedule_rule, {"name": "step", "size": 3}, schedule("step", size=3)),
    ],
)
def test_every_form_is_accepted(check: Callable[[Any], Any], given: Any, expected: Any) -> None:
    assert accepted(check, given) == expected


@pytest.mark.parametrize(
    ("check", "given", "message"),
    [
        (values.units, [], "expected the units' names, or their number, found an empty list"),
        (values.units, True, "expected the units' names, or their number, found true"),
        (
            values.bias,
            True,
            "expected a number (shared by the layer), a list (one per unit) or false (none)",
        ),
        (values.bias, "0", "expected a number (shared by the layer), a list (one per unit) or false (none)"),
        (values.bias_names, 3, "expected a name for a shared bias, or a list of names, found 3"),
        (values.any_numbers, [1, "2"], 'entry 2: expected a number, found "2"'),
        (values.any_numbers, 3, "expected a list of numbers, found 3"),
        (values.activation_rule, {"slope": 1}, 'expected {name = "…", …}'),
        (values.activation_rule, 3, 'expected a name, an expression in z, or {name = "…", …}, found 3'),
        (schedule_rule, 3, 'expected a name or {name = "…", …}, found 3'),
    ],
)
def test_anything_else_is_refused(check: Callable[[Any], Any], given: Any, message: str) -> None:
    with pytest.raises(ClearpropError) as caught:
        accepted(check, given)
    assert str(caught.value).startswith(message)
