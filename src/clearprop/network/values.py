"""Checks of values that only a network file has: units, activations, biases, schedules."""

from __future__ import annotations

import math
from typing import Any, Literal

from clearprop.errors import InvalidArgument
from clearprop.fields import Unexpected, integer, names, number, numbers, shown, string
from clearprop.network.description import AUTO
from clearprop.network.layer import MAX_UNITS
from clearprop.rules.activations import activation
from clearprop.rules.initializers import initializer


def units(value: Any) -> int | tuple[str, ...]:
    if isinstance(value, list) and value:
        return tuple(names(value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unexpected("the units' names, or their number")
    return integer(1, MAX_UNITS)(value)


def count_of_inputs(value: Any) -> int | Literal["auto"]:
    if isinstance(value, str):
        if value != AUTO:
            raise Unexpected('a whole number, or "auto" for what the table\'s columns make')
        return AUTO
    return integer(1)(value)


def activation_rule(value: Any) -> Any:
    if isinstance(value, dict):
        if "name" not in value:
            raise Unexpected('{name = "…", …}')
        constants = {key: number(item) for key, item in value.items() if key != "name"}
        return activation(string(value["name"]), **constants)
    if not isinstance(value, str):
        raise Unexpected('a name, an expression in z, or {name = "…", …}')
    return activation(value)


def initializer_name(value: Any) -> str:
    return initializer(string(value)).name


def bias(value: Any) -> float | list[float] | bool:
    if value is False:
        return False
    if isinstance(value, list):
        return numbers(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unexpected("a number (shared by the layer), a list (one per unit) or false (none)")
    return number(value)


def bias_names(value: Any) -> str | list[str]:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise Unexpected("a name for a shared bias, or a list of names")
    return names(value)


def any_numbers(value: Any) -> list[float]:
    """Accept a list of numbers; whether they are finite is checked later, and reported with its place."""
    if not isinstance(value, list):
        raise Unexpected("a list of numbers")
    for position, item in enumerate(value, start=1):
        if isinstance(item, bool) or not isinstance(item, (int, float)):
            raise InvalidArgument(f"entry {position}: expected a number, found {shown(item)}")
    return [_as_float(item) for item in value]


def _as_float(item: float) -> float:
    """Return the float; infinity for a whole number that is too large for one."""
    try:
        return float(item)
    except OverflowError:
        return math.inf if item > 0 else -math.inf
