"""An exercise, shared by all its sheets: the cycle, the lines that are asked, and the mistakes that are possible."""

from __future__ import annotations

from dataclasses import dataclass, field

from clearprop.cached import cached_property
from clearprop.checking.candidates import Candidate, candidates
from clearprop.checking.order import Order
from clearprop.checking.written import Asked
from clearprop.derivation.lines import Lines
from clearprop.errors import ClearpropError
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle, cycle

MOST_EXAMPLES = 50
"""The most other examples that a sheet is compared with."""


@dataclass
class Exercise:
    """A cycle, the quantities that are asked, and how their numbers are written."""

    cycle: Cycle
    quantities: tuple[Quantity, ...]
    asked: Asked
    decimal_comma: bool = False
    _names: dict[int, str] = field(init=False, default_factory=dict)

    def name(self, at: int) -> str:
        """Return the name of a line; the same text for every sheet."""
        if at not in self._names:
            self._names[at] = self.cycle.names.text(self.order.quantities[at])
        return self._names[at]

    @cached_property
    def order(self) -> Order:
        """The lines of the cycle in computing order."""
        return Order(Lines(self.cycle), self.quantities)

    @cached_property
    def at(self) -> list[int]:
        """The position of each quantity that is asked."""
        return [self.order.position[quantity] for quantity in self.quantities]

    @cached_property
    def candidates(self) -> list[Candidate]:
        """The mistakes and conventions in this cycle."""
        return candidates(self.order)

    @cached_property
    def others(self) -> list[tuple[int, dict[int, float]]]:
        """The true numbers of these lines for other examples, where the cycle has them; with each example's number."""
        done = self.cycle
        examples = done.problem.examples
        if examples is None or done.example == "all":
            return []
        found = []
        for number in [int(each) + 1 for each in examples.learnt[:MOST_EXAMPLES]]:
            if number == done.example:
                continue
            try:
                other = cycle(done.problem, number, step=done.step, rate=done.rate, state=done.state, epoch=done.epoch)
                known = ((at, other.known(each, 0)) for at, each in zip(self.at, self.quantities, strict=True))
                found.append((number, {at: float(value) for at, value in known if value is not None}))
            except ClearpropError:  # a cycle without finite numbers is nobody's answer
                continue
        return found
