"""One table of the network file: values are taken from it, faults are collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from clearprop.errors import ClearpropError, Fault
from clearprop.fields import Unexpected, accepted, checks, list_of
from clearprop.messages import abridged, unknown
from clearprop.network.data import Data
from clearprop.network.problem import Settings
from clearprop.rules.optimizers import OPTIMIZERS, optimizer_keys
from clearprop.rules.other_names import SETTINGS
from clearprop.rules.penalties import Penalty

T = TypeVar("T")


class Section:
    """A table of the file: values are taken from it once, faults collected, leftovers reported."""

    def __init__(self, content: Mapping[str, Any], place: str, faults: list[Fault]) -> None:
        self.content, self.place, self.faults = content, place, faults
        self.known: list[str] = []

    def where(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def fault(self, key: str, message: str) -> None:
        self.faults.append(Fault(self.where(key), message))

    def require(self, *keys: str) -> None:
        """Report the keys that are missing."""
        for key in keys:
            if key not in self.content:
                self.fault(key, "missing")

    def take(self, key: str, check: Callable[[Any], T], default: T) -> T:
        """Return the value of a key as its check returns it; the default if absent or at fault."""
        self.known.append(key)
        if key not in self.content:
            return default
        try:
            return accepted(check, self.content[key])
        except ClearpropError as error:
            self.fault(key, str(error))
        return default

    def make(self, description: type[T], **defaults: Any) -> T:
        """Return a dataclass whose checked fields are this table's keys; ``defaults`` are for fields without one."""
        usual = {each.name: each.default for each in fields(description)} | defaults  # type: ignore[arg-type]
        known = checks(description)  # type: ignore[arg-type]  # types have a hash
        made = description(**{key: self.take(key, check, usual[key]) for key, check in known.items()})
        self.finish()
        return made

    def table(self, key: str) -> Section:
        """Return a table inside this one; an empty one if absent."""
        return Section(self.take(key, mapping, {}), self.where(key), self.faults)

    def tables(self, key: str) -> list[Section]:
        """Return a list of tables, written as ``[[key]]``."""
        rows: list[dict[str, Any]] = self.take(key, list_of(mapping, f"tables, each under [[{key}]]"), [])
        return [Section(row, f"{self.where(key)}[{number}]", self.faults) for number, row in enumerate(rows, 1)]

    def finish(self) -> None:
        """Report the keys that were not taken."""
        for key in self.content:
            if key not in self.known:
                self.unknown(key, self.known)

    def unknown(self, key: str, known: Iterable[str]) -> None:
        """Report a key that does not exist: what was meant, or the table that it belongs to."""
        own, known = SETTINGS.get(key, key), list(known)
        if own != key and own in known:
            self.fault(abridged(key), f'unknown key "{abridged(key)}"; did you mean "{own}"?')
        elif not self.belongs_elsewhere(key):
            self.fault(abridged(key), unknown("key", key, known))

    def belongs_elsewhere(self, key: str) -> bool:
        """Report a key that is one of another table; return whether it is."""
        own = SETTINGS.get(key, key)
        home = next((table for table, keys in _tables().items() if own in keys and table != self.place), None)
        if home is None or self.place not in ("", *_tables()):
            return False
        called = "" if own == key else f', called "{own}"'
        self.fault(abridged(key), f'unknown key "{abridged(key)}"; it belongs under [{home}]{called}')
        return True


@cache
def _tables() -> dict[str, set[str]]:
    """Return the keys of the tables that a file has once."""
    return {
        "training": {each.name for each in fields(Settings)},
        "optimizer": {key for name in OPTIMIZERS for key in optimizer_keys(name)},
        "data": {each.name for each in fields(Data)},
        "penalty": {each.name for each in fields(Penalty)},
        "loss": {"over_outputs", "over_examples"},
    }


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unexpected("a table")
    return value
