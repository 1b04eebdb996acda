"""Checks of single values: one per field of a description, read by network files, Python and the command line.

A check takes a value and returns it in the field's type, or raises ``Unexpected`` with what was
expected. A dataclass states the checks of its fields in their types::

    epochs: Annotated[int | None, optional(integer(0))] = None

and calls ``check_fields`` once it is made. So a file, a call and an option are refused alike.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from functools import cache, wraps
from numbers import Integral, Number, Real
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from clearprop.errors import ClearpropError, InvalidArgument, UnknownName
from clearprop.messages import abridged, unknown

T = TypeVar("T")
Check = Callable[[Any], Any]
BOOLEANS = (bool, np.bool_)
MOST = 2**63 - 1
"""The largest whole number that a network file may hold."""


class Unexpected(Exception):
    """States what was expected; ``accepted`` adds what was found."""


def accepted(check: Callable[[Any], T], value: Any, place: str = "") -> T:
    """Return the value as the check returns it.

    Raises:
        InvalidArgument: the check refuses the value; says what was expected and found at ``place``.
    """
    try:
        return check(value)
    except Unexpected as error:
        message = f"expected {error}, found {shown(value)}"
    except ClearpropError as error:
        if not place:
            raise
        message = str(error)
    raise InvalidArgument(f"{place}: {message}" if place else message)


@cache
def checks(description: Any) -> Mapping[str, Check]:
    """Return the checks that a dataclass states in the types of its fields."""
    types = get_type_hints(description, include_extras=True)
    return {name: get_args(kind)[1] for name, kind in types.items() if get_origin(kind) is Annotated}


def check_fields(description: Any) -> None:
    """Check the fields of a frozen dataclass that was just made, and keep their values as the checks return them.

    Raises:
        InvalidArgument: naming the field.
    """
    for name, check in checks(type(description)).items():  # type: ignore[arg-type]  # types have a hash
        object.__setattr__(description, name, accepted(check, getattr(description, name), name))


def shown(value: Any) -> str:
    """Return a value as a message shows it."""
    match value:
        case bool() | np.bool_():
            return "true" if value else "false"
        case str():
            return f'"{abridged(value)}"'
        case list() | tuple():
            return "an empty list" if not value else f"a list of {len(value)}"
        case Mapping():
            return "a table"
        case int() if abs(value) >= 10**20:
            return "a number with more than 20 digits"
        case None:
            return "nothing"
        case Number() | date() | time():
            return abridged(str(value))
        case type():
            return f"the class {abridged(value.__name__)}"
        case np.ndarray():
            return f"an array of shape {value.shape}"
    # What its own text says may be anything, and of any length.
    return f"an object of the type {abridged(type(value).__name__)}"


def suggests_options(**elsewhere: str) -> Callable[[T], T]:
    """Refuse an unknown option of a function, or of a class when it is made, with the name that was probably meant.

    ``elsewhere`` says of some options where else they are given. Types and signature stay those of what is called.
    """

    def decorated(called: T) -> T:
        if isinstance(called, type):
            made: Any = called
            made.__init__ = _refusing(made.__init__, called.__name__, 1, elsewhere)
            return called
        function: Any = called
        refusing: T = _refusing(function, function.__name__, 0, elsewhere)
        return refusing

    return decorated


def _refusing(function: Any, name: str, bound: int, elsewhere: Mapping[str, str]) -> Any:
    """Return the function, refusing unknown options; its first ``bound`` arguments are given by Python."""
    code = function.__code__
    named = code.co_varnames[bound : code.co_argcount + code.co_kwonlyargcount]
    suggested = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount] or named
    known = frozenset(named)

    @wraps(function)
    def call(*given: Any, **options: Any) -> Any:
        if not known.issuperset(options):
            strange = next(option for option in options if option not in known)
            said = elsewhere.get(strange) or unknown("option", strange, suggested)
            raise InvalidArgument(f"{name}: {said}")
        return function(*given, **options)

    return call


def of_kind(kind: type[T] | tuple[type[T], ...], what: str) -> Callable[[Any], T]:
    """Accept objects of a class."""

    def check(value: Any) -> T:
        if not isinstance(value, kind):
            raise Unexpected(what)
        return value

    return check


def function(value: Any) -> Callable[..., Any]:
    if not callable(value):
        raise Unexpected("a function")
    return value  # type: ignore[no-any-return]


def path(value: Any) -> str | os.PathLike[str]:
    """Accept the path of a file."""
    if not isinstance(value, (str, os.PathLike)):
        raise Unexpected("the path of a file")
    return value


def optional(check: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """Accept None too, which a file cannot hold."""
    return lambda value: None if value is None else check(value)


def string(value: Any) -> str:
    if not isinstance(value, str):
        raise Unexpected("text in quotes")
    return value


def boolean(value: Any) -> bool:
    if not isinstance(value, BOOLEANS):
        raise Unexpected("true or false")
    return bool(value)


def number(value: Any) -> float:
    if isinstance(value, BOOLEANS) or not isinstance(value, Real):
        raise Unexpected("a number")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise Unexpected("a finite number")
    return found


def integer(least: int, most: int = MOST) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, BOOLEANS) or not whole:
            raise Unexpected("a whole number")
        if value < least:
            raise Unexpected(f"a whole number of at least {least}")
        if value > most:
            raise Unexpected(f"a whole number of at most {most:,}")
        return int(value)

    return check


def _within(allows: Callable[[float], bool], expected: str) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        if not allows(number(value)):
            raise Unexpected(expected)
        return number(value)

    return check


at_least_zero = _within(lambda value: value >= 0, "a number of at least 0")
above_zero = _within(lambda value: value > 0, "a number above 0")
share = _within(lambda value: 0 <= value < 1, "a number of at least 0 and below 1")


def either(*known: str) -> Callable[[Any], str]:
    """Accept one of a few words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            quoted = [f'"{word}"' for word in known]
            raise Unexpected(f"{', '.join(quoted[:-1])} or {quoted[-1]}")
        return str(value)

    return check


def one_of(kind: str, known: Iterable[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if string(value) not in known:
            raise UnknownName(kind, value, known)
        return str(value)

    return check


def list_of(check: Callable[[Any], T], what: str) -> Callable[[Any], list[T]]:
    def checked(value: Any) -> list[T]:
        if not isinstance(value, (list, tuple)):
            raise Unexpected(f"a list of {what}")
        return [accepted(check, item, f"entry {position}") for position, item in enumerate(value, start=1)]

    return checked


def pair(check: Callable[[Any], T]) -> Callable[[Any], tuple[T, T]]:
    def checked(value: Any) -> tuple[T, T]:
        found = list_of(check, "two numbers")(value)
        if len(found) != 2:
            raise Unexpected("two numbers")
        return found[0], found[1]

    return checked


numbers = list_of(number, "numbers")
names = list_of(string, "names")


def columns(value: Any) -> tuple[str, ...]:
    """Names of columns; a single name is a list of one."""
    return (value,) if isinstance(value, str) else tuple(list_of(string, "column names")(value))
