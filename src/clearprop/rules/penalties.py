"""Penalties: terms added to the batch's error, once, for large weights (not biases)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from clearprop.cached import cached_property
from clearprop.expressions import Expression, Number, Slope, Symbol, bind, differentiate, simplify
from clearprop.expressions.tree import absolute, add
from clearprop.fields import at_least_zero, boolean, check_fields, suggests_options
from clearprop.rules.roles import Role, w

TERMS = {
    "l2": (Number(1.0) / Number(2.0)) * Symbol("l2") * w**2,
    "l1": Symbol("l1") * absolute(w),
}
"""Ridge: Hoerl and Kennard 1970; lasso: Tibshirani 1996. One term per weight w."""


@suggests_options()
@dataclass(frozen=True)
class Penalty:
    """½·l2·Σw² + l1·Σ|w| over all weights.

    ``divide_by_examples`` divides it as the mean over a batch's examples divides their errors: by their number, or
    under ``weighted_mean`` by the sum of their weights.

    Raises:
        InvalidArgument: a factor below 0, or not finite.

    >>> from clearprop.expressions import text
    >>> text(Penalty(l2=0.1).slope.simplified)
    '0.1 * w'
    """

    l2: Annotated[float, at_least_zero] = 0.0
    l1: Annotated[float, at_least_zero] = 0.0
    divide_by_examples: Annotated[bool, boolean] = False
    divisor: ClassVar[float | Expression] = 1.0
    """The divisor in a batch that is known: 1 unless ``over`` says so."""

    def __post_init__(self) -> None:
        check_fields(self)

    def __bool__(self) -> bool:
        return self.l2 != 0 or self.l1 != 0

    def over(self, examples: float | Expression) -> Penalty:
        """Return the penalty in a batch of that many examples, as the mean over them counts them.

        >>> from clearprop.expressions import text
        >>> text(Penalty(l2=0.1, divide_by_examples=True).over(4).slope.written)
        '0.025 * w'
        """
        if not self.divide_by_examples:
            return self
        divided = replace(self)
        vars(divided).update(divisor=examples or math.inf)  # a frozen object is filled once, here
        return divided

    @cached_property
    def symbolic(self) -> Expression:
        """One weight's penalty, with l2 and l1 as symbols, as far as they are not zero, and what it is divided by."""
        return self._whole if self.divisor == 1 else self._whole / Symbol("examples")

    @property
    def _whole(self) -> Expression:
        terms = [term for name, term in TERMS.items() if getattr(self, name)]
        return add(*terms) if terms else Number(0.0)

    @cached_property
    def formula(self) -> Expression:
        """One weight's penalty, as an expression in w."""
        whole = simplify(bind(self._whole, {"l2": self.l2, "l1": self.l1}))
        return whole if self.divisor == 1 else whole / self.divisor

    @cached_property
    def slope(self) -> Slope:
        """The derivative of one weight's penalty."""
        return differentiate(self.formula, Role.WEIGHT)

    @cached_property
    def symbolic_slope(self) -> Slope:
        """The same with symbols."""
        return differentiate(self.symbolic, Role.WEIGHT)
