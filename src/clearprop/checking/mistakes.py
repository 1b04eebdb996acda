"""The bank as a list, and what of it can be seen on one network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from clearprop.checking.bank import BANK
from clearprop.checking.candidates import EVERYWHERE, candidates
from clearprop.checking.order import Order
from clearprop.checking.reproduced import computed
from clearprop.checking.slips import SLIPS
from clearprop.derivation.lines import Lines
from clearprop.display import Displayable
from clearprop.errors import UnknownName
from clearprop.fields import accepted, optional, suggests_options
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.network.problem import Problem, a_problem
from clearprop.propagation.cycle import Cycle, cycle
from clearprop.types import Array

ANY_LINE = "any line"
SAME = 1e-9
"""Numbers that differ by less than this, relative to their size, are the same on any sheet."""


class Known(NamedTuple):
    """A known mistake: its name, what is computed instead, where it shows, what was done and what to do, its source."""

    name: str
    instead: str
    stage: str
    says: str
    source: str


@dataclass(frozen=True, repr=False)
class Mistakes(Displayable, Sequence[Known]):
    """All known mistakes; of a network also which of them can be told apart there.

    ``tied`` has for each kind of sheet the groups that give the same numbers on it; ``no_trace`` the mistakes that
    change no number of the cycle; ``elsewhere`` those that this network has no place for.
    """

    known: tuple[Known, ...]
    cycle: Cycle | None = None
    elsewhere: tuple[str, ...] = ()
    no_trace: tuple[str, ...] = ()
    tied: Mapping[str, tuple[tuple[str, ...], ...]] | None = None

    def __len__(self) -> int:
        return len(self.known)

    def __getitem__(self, at: Any) -> Any:
        return self.known[at]

    def __repr__(self) -> str:
        return f"Mistakes({len(self.known)} known)"

    def structure(self) -> Any:
        """Return the bank as dictionaries and lists."""
        listed = [each._asdict() for each in self.known]
        if self.cycle is None or self.tied is None:
            return listed
        return {
            "mistakes": listed,
            "elsewhere": list(self.elsewhere),
            "no_trace": list(self.no_trace),
            "tied": {on: [list(group) for group in groups] for on, groups in self.tied.items()},
        }


def bank() -> tuple[Known, ...]:
    """Return all known mistakes, and the slips that are tried where none of them fits."""
    known = [Known(each.name, each.instead, each.stage.value, each.says, each.source) for each in BANK.values()]
    return (*known, *(Known(each.name, each.instead, ANY_LINE, each.says, each.source) for each in SLIPS.values()))


def known() -> int:
    """Return how many mistakes are known."""
    return len(BANK) + len(SLIPS)


def require_mistake(name: str) -> str:
    """Return the name of a mistake, or refuse an unknown one."""
    if name not in BANK:
        raise UnknownName("mistake", name, BANK)
    return name


@suggests_options()
def mistakes(problem: Problem | None = None) -> Mistakes:
    """Return the known mistakes; with a problem, also which of them cannot be told apart on it, or leave no trace.

    >>> len(mistakes()) > 60, mistakes()[0].name
    (True, 'bias_left_out')
    """
    accepted(optional(a_problem), problem, "problem")
    return Mistakes(bank()) if problem is None else of_cycle(cycle(problem))


KINDS: Mapping[str, Callable[[Quantity], bool]] = {
    "every line": lambda quantity: True,
    "the gradients of the weights and biases": lambda quantity: (
        isinstance(quantity, q.Derivative) and isinstance(quantity.by, q.Parameter) and quantity.of == q.TotalError()
    ),
    "the new weights and biases": lambda quantity: (
        isinstance(quantity, q.Updated) and isinstance(quantity.of, q.Parameter)
    ),
}
"""Kinds of sheets: what each asks for."""


def of_cycle(done: Cycle) -> Mistakes:
    """Return what of the bank can be seen in one cycle."""
    assert done.learnt
    lines = Lines(done)
    quantities = tuple(lines.quantities())
    order = Order(lines, quantities)
    found = [each for each in candidates(order) if each.width == EVERYWHERE and not each.is_convention]
    numbers = computed(order, [(each,) for each in found], range(len(order.quantities)))
    right = np.array([order.true(at) for at in range(len(order.quantities))])
    columns = np.stack([numbers[at] for at in range(len(order.quantities))], axis=1)
    seen = {each.of.name for each in found}
    traces = {each.of.name for each, column in zip(found, columns, strict=True) if not _same(column, right)}
    tied = {}
    for on, asks in KINDS.items():
        asked = [at for at, quantity in enumerate(order.quantities) if asks(_plain(quantity))]
        rows = [(each.of.name, column[asked]) for each, column in zip(found, columns, strict=True)]
        tied[on] = _groups([row for row in rows if not _same(row[1], right[asked])])
    return Mistakes(
        bank(),
        done,
        tuple(name for name in BANK if name not in seen),
        tuple(name for name in BANK if name in seen - traces),
        tied,
    )


def _plain(quantity: Quantity) -> Quantity:
    return quantity.of if isinstance(quantity, q.OfExample) else quantity


def _same(one: Array, other: Array) -> bool:
    return bool(np.allclose(one, other, rtol=SAME, atol=1e-12, equal_nan=True))


def _groups(rows: Sequence[tuple[str, Array]]) -> tuple[tuple[str, ...], ...]:
    """Return the mistakes that give the same numbers, together."""
    groups: list[tuple[Array, dict[str, None]]] = []
    for name, numbers in rows:
        for first, names in groups:
            if _same(first, numbers):
                names[name] = None
                break
        else:
            groups.append((numbers, {name: None}))
    return tuple(dict.fromkeys(tuple(names) for _, names in groups if len(names) > 1))
