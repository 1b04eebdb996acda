"""A mistake: another expression in place of the right one, for a kind of line.

A mistake is data: it knows no network, and propagates nothing. Its rule is given a line and the formulas around it,
and returns what somebody who makes the mistake computes instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from clearprop.checking.here import Here
from clearprop.derivation.lines import Line, Lines, Rewrite, Stage, of_example, with_new_weights
from clearprop.expressions import Expression
from clearprop.network import names as q

Rule = Callable[[Here, Line, Any], Expression | None]
"""A line as a mistake changes it, in one of its forms; None where it leaves the line alone."""


@dataclass(frozen=True)
class Mistake:
    """A known mistake.

    - ``instead``: what is computed instead, as a formula in words.
    - ``says``: what was done, and what to do instead.
    - ``source``: where it comes from.
    - ``forms``: where the same mistake is made in several ways (the next input, or the one before), one for each.
    - ``whole``: whether it is made in lines of the whole cycle (updates, sums over a batch), not of one example.
    """

    name: str
    stage: Stage
    instead: str
    says: str
    source: str
    rule: Rule
    forms: tuple[Any, ...] = (None,)
    whole: bool = False

    def rewrite(self, lines: Lines, form: Any = None) -> Rewrite:
        """Return the rewrite of the lines of one cycle."""
        heres: dict[int, Here] = {}

        def rewritten(line: Line) -> Expression | None:
            quantity, number = line.quantity, None
            if isinstance(quantity, q.Updated) and not isinstance(quantity.of, q.Parameter | q.State):
                again = rewritten(lines[quantity.of])  # the forward pass once more, with the new weights
                return None if again is None else with_new_weights(again)
            if isinstance(quantity, q.OfExample):
                if self.whole or not lines.batch:
                    return None
                number = quantity.example
                row = lines.cycle.row(number)
                line = lines.of_example(quantity.of, row)
            elif lines.batch and not self.whole:
                return None
            else:
                row = 0
            if row not in heres:
                heres[row] = Here(lines, row)
            found = self.rule(heres[row], line, form)
            if found is None or found == line.expression:
                return None
            return found if number is None else of_example(found, number)

        return rewritten


BANK: dict[str, Mistake] = {}
"""All known mistakes by name, in the order of the cycle."""


def mistake(
    name: str,
    stage: Stage,
    instead: str,
    says: str,
    source: str = "seen in student work",
    *,
    forms: Sequence[Any] = (None,),
    whole: bool = False,
) -> Callable[[Rule], Rule]:
    """Enter a rule into the bank."""

    def enter(rule: Rule) -> Rule:
        assert name not in BANK
        BANK[name] = Mistake(name, stage, instead, says, source, rule, tuple(forms), whole)
        return rule

    return enter
