"""What the values of a network file may be: each function is a kind, for ``Table.take``."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from clearprop.errors import InvalidArgument, UnknownName
from clearprop.network.description import MAX_UNITS
from clearprop.network.section import Unexpected, list_of, shown
from clearprop.rules.activations import activation
from clearprop.rules.schedules import Schedule, schedule

T = TypeVar("T")
LARGEST = sys.float_info.max


def string(value: Any) -> str:
    if not isinstance(value, str):
        raise Unexpected("text in quotes")
    return value


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unexpected("true or false")
    return value


def number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unexpected("a number")
    if not abs(value) <= LARGEST:
        raise Unexpected("a finite number")
    return float(value)


def integer(least: int, most: int = 2**63 - 1) -> Callable[[Any], int]:
    def kind(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unexpected("a whole number")
        if value < least:
            raise Unexpected(f"a whole number of at least {least}")
        if value > most:
            raise Unexpected(f"a whole number of at most {most:,}")
        return value

    return kind


def at_least_zero(value: Any) -> float:
    if number(value) < 0:
        raise Unexpected("a number of at least 0")
    return number(value)


def above_zero(value: Any) -> float:
    if number(value) <= 0:
        raise Unexpected("a number above 0")
    return number(value)


def share(value: Any) -> float:
    if not 0 <= number(value) < 1:
        raise Unexpected("a number of at least 0 and below 1")
    return number(value)


def one_of(kind: str, known: Iterable[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if string(value) not in known:
            raise UnknownName(kind, value, known)
        return str(value)

    return check


numbers = list_of(number, "numbers")
names = list_of(string, "names")


def optional(kind: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return kind


def units(value: Any) -> int | tuple[str, ...]:
    if isinstance(value, list):
        if not value:
            raise Unexpected("the units' names, or their number")
        return tuple(names(value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unexpected("the units' names, or their number")
    return integer(1, MAX_UNITS)(value)


def activation_rule(value: Any) -> Any:
    if isinstance(value, dict):
        if "name" not in value:
            raise Unexpected('{name = "…", …}')
        constants = {key: number(item) for key, item in value.items() if key != "name"}
        return activation(string(value["name"]), **constants)
    if not isinstance(value, str):
        raise Unexpected('a name, an expression in z, or {name = "…", …}')
    return activation(value)


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
    """A list of numbers, not yet asked whether they are finite: that is reported with its place."""
    if not isinstance(value, list):
        raise Unexpected("a list of numbers")
    for position, item in enumerate(value, start=1):
        if isinstance(item, bool) or not isinstance(item, (int, float)):
            raise InvalidArgument(f"entry {position}: expected a number, found {shown(item)}")
    return [_as_float(item) for item in value]


def _as_float(item: float) -> float:
    """The float; a whole number that is too large for one is infinite."""
    try:
        return float(item)
    except OverflowError:
        return math.inf if item > 0 else -math.inf


def as_it_is(value: Any) -> Any:
    return value


def columns(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list_of(string, "column names")(value)


def class_weights(value: Any) -> str | dict[str, float]:
    if isinstance(value, dict):
        return {key: at_least_zero(item) for key, item in value.items()}
    if value != "balanced":
        raise Unexpected('"balanced", or a table of weights by class')
    return "balanced"


def schedule_rule(value: Any) -> Schedule:
    if isinstance(value, str):
        return schedule(value)
    if not isinstance(value, dict) or "name" not in value:
        raise Unexpected('a name or {name = "…", …}')
    return schedule(string(value["name"]), **{key: item for key, item in value.items() if key != "name"})
