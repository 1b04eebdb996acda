"""A cycle as someone with a mistake writes it, beside the right one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clearprop.checking.bank import BANK
from clearprop.checking.candidates import EVERYWHERE, Candidate, candidates
from clearprop.checking.mistake import Mistake
from clearprop.checking.mistakes import require_mistake
from clearprop.checking.order import Order
from clearprop.checking.reproduced import computed
from clearprop.derivation.lines import Lines
from clearprop.errors import InvalidArgument
from clearprop.expressions import Expression
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle


@dataclass(frozen=True)
class WrongLine:
    """A line of both cycles; ``wrong`` is what stands in place of the right expression, None where nothing does."""

    at: int
    quantity: Quantity
    right: Expression
    wrong: Expression | None
    right_value: float
    wrong_value: float

    @property
    def differs(self) -> bool:
        """Whether the mistake changes the number."""
        return abs(self.wrong_value - self.right_value) > 1e-12 * max(1.0, abs(self.right_value))


@dataclass(frozen=True)
class WrongCycle:
    """A cycle with a mistake, beside the right one; the numbers of both, by quantity, given ones included."""

    cycle: Cycle
    order: Order
    mistake: Mistake
    lines: tuple[WrongLine, ...]
    right_numbers: Mapping[Any, float]
    wrong_numbers: Mapping[Any, float]


def wrong_cycle(done: Cycle, name: str, asked: tuple[Quantity, ...] = ()) -> WrongCycle:
    """Return a cycle as someone with a mistake writes it; ``asked`` are further quantities.

    Raises:
        UnknownName: there is no such mistake.
        InvalidArgument: it cannot be made in this cycle.
    """
    mistake = BANK[require_mistake(name)]
    assert done.learnt
    lines = Lines(done)
    order = Order(lines, (*lines.quantities(), *asked))
    found = [each for each in candidates(order, [mistake]) if each.width == EVERYWHERE]
    if not found:
        raise InvalidArgument(
            f"{name} cannot be made in this cycle: it needs what this network does not have; `clearprop mistakes` says "
            "what is computed instead"
        )
    return _beside(done, order, mistake, found[0])


def _beside(done: Cycle, order: Order, mistake: Mistake, candidate: Candidate) -> WrongCycle:
    every = range(len(order.quantities))
    wrong = computed(order, [(candidate,)], every)
    lines = tuple(
        WrongLine(
            at,
            order.quantities[at],
            order.right(at).tree,
            None if (formula := candidate.formulas.get(at)) is None else formula.tree,
            order.true(at),
            float(wrong[at][0]),
        )
        for at in every
    )
    given = _Given(done)
    return WrongCycle(
        done,
        order,
        mistake,
        lines,
        given.having({line.quantity: line.right_value for line in lines}),
        given.having({line.quantity: line.wrong_value for line in lines}),
    )


class _Given(dict[Any, float]):
    """Numbers by quantity; those that are given come from the cycle."""

    def __init__(self, done: Cycle, numbers: Mapping[Any, float] | None = None) -> None:
        super().__init__(numbers or {})
        self.cycle = done

    def having(self, numbers: Mapping[Any, float]) -> _Given:
        return _Given(self.cycle, numbers)

    def __missing__(self, key: Any) -> float:
        return self.cycle.value(key, 0)
