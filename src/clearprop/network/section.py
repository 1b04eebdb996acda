"""One table of the network file: values are taken from it, faults are collected.

A *kind* is a function that makes a value of what the file says, or raises: ``Unexpected`` with
what it expected (what was found is added here), or a ``ClearpropError`` with a whole sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from clearprop.errors import ClearpropError, Fault, InvalidArgument
from clearprop.messages import abridged, unknown

T = TypeVar("T")


class Section:
    """A table of the file: values are taken from it once, faults collected, leftovers reported."""

    def __init__(self, content: Mapping[str, Any], place: str, faults: list[Fault]) -> None:
        self.content, self.place, self.faults = content, place, faults
        self.known: list[str] = []

    def where(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def take(self, key: str, kind: Callable[[Any], T], default: T) -> T:
        """The value of a key as ``kind`` makes it; the default if absent or at fault."""
        self.known.append(key)
        if key not in self.content:
            return default
        try:
            return kind(self.content[key])
        except ClearpropError as error:
            self.faults.append(Fault(self.where(key), str(error)))
        except Unexpected as error:
            self.faults.append(Fault(self.where(key), f"expected {error}, found {shown(self.content[key])}"))
        return default

    def table(self, key: str) -> Section:
        """A table inside this one; empty if absent."""
        return Section(self.take(key, mapping, {}), self.where(key), self.faults)

    def tables(self, key: str) -> list[Section]:
        """A list of tables, as ``[[key]]`` makes it."""
        rows: list[dict[str, Any]] = self.take(key, list_of(mapping, f"tables, each under [[{key}]]"), [])
        return [Section(row, f"{self.where(key)}[{number}]", self.faults) for number, row in enumerate(rows, 1)]

    def finish(self) -> None:
        """Report the keys that nobody asked for."""
        for key in self.content:
            if key not in self.known:
                self.faults.append(Fault(self.where(abridged(key)), unknown("key", key, self.known)))


class Unexpected(Exception):
    """Says what was expected; what was found is added by who asked."""


def shown(value: Any) -> str:
    """A value of the file, as a message shows it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{abridged(value)}"'
        case list():
            return "an empty list" if not value else f"a list of {len(value)}"
        case dict():
            return "a table"
        case int() if abs(value) >= 10**20:
            return "a number with more than 20 digits"
    return abridged(str(value))


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unexpected("a table")
    return value


def list_of(kind: Callable[[Any], T], what: str) -> Callable[[Any], list[T]]:
    def check(value: Any) -> list[T]:
        if not isinstance(value, list):
            raise Unexpected(f"a list of {what}")
        items = []
        for position, item in enumerate(value, start=1):
            try:
                items.append(kind(item))
            except Unexpected as error:
                raise InvalidArgument(f"entry {position}: expected {error}, found {shown(item)}") from None
            except InvalidArgument as error:
                raise InvalidArgument(f"entry {position}: {error}") from None
        return items

    return check
