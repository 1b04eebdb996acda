"""Loss curves: their points and scale, computed once for every picture; and the curve as lines of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from clearprop.messages import brief

BLOCKS = " ▁▂▃▄▅▆▇█"
POINT, ZERO = "•", "0"


@dataclass(frozen=True)
class LossCurve:
    """The points of a loss curve, on a logarithmic scale.

    A point is the place of its epoch, from 0 to 1, and the power of ten of its loss (-∞ for 0). ``lowest`` and
    ``highest`` are the powers of ten of the smallest and the largest positive loss.
    """

    epochs: int
    lowest: float
    highest: float
    losses: tuple[tuple[float, float], ...]
    validation: tuple[tuple[float, float], ...]

    @property
    def decades(self) -> tuple[int, int]:
        """The whole powers of ten below and above all losses."""
        low = math.floor(self.lowest)
        return low, max(math.ceil(self.highest), low + 1)

    @property
    def has_zero(self) -> bool:
        """Whether a loss is exactly 0, which has no place on the scale; it stands a decade below all others."""
        return any(power == -math.inf for _, power in (*self.losses, *self.validation))

    def ticks(self, most: int) -> list[tuple[int | None, float]]:
        """Return at most about ``most`` powers of ten, each with its height from 0 to 1; None is a loss of 0."""
        low, high = self.decades
        powers = range(low, high + 1, max(1, (high - low) // most))
        return [*([(None, 0.0)] if self.has_zero else []), *((power, self.height(power)) for power in powers)]

    def height(self, power: float) -> float:
        """Return the height of a power of ten between the decades, from 0 to 1."""
        low, high = self.decades
        low -= self.has_zero
        return min(1.0, max(0.0, (power - low) / (high - low)))


def loss_curve(losses: Sequence[float], validation: Sequence[float] = (), most: int = 300) -> LossCurve | None:
    """Return the points of a loss curve, at most ``most`` of each series; None if there is nothing to see."""
    positive = [loss for loss in (*losses, *validation) if 0 < loss < math.inf]
    if len(losses) < 2 or not positive:
        return None
    lowest, highest = math.log10(min(positive)), math.log10(max(positive))
    points = (_points(losses, most), _points(validation, most))
    return LossCurve(len(losses) - 1, lowest, highest, *points)


def _points(series: Sequence[float], most: int) -> tuple[tuple[float, float], ...]:
    count = min(most, len(series))
    places = [round(k * (len(series) - 1) / (count - 1)) for k in range(count)] if count > 1 else []
    return tuple((place / (len(series) - 1), _power(series[place])) for place in places if series[place] >= 0)


def _power(loss: float) -> float:
    return loss if loss == math.inf else math.log10(loss) if loss > 0 else -math.inf


def curve(losses: Sequence[float], validation: Sequence[float] = (), width: int = 64, height: int = 8) -> list[str]:
    """Return the curve as a few lines of text; points are the validation loss."""
    drawn = loss_curve(losses, validation, min(width, len(losses)))
    if drawn is None or (drawn.lowest == drawn.highest and not drawn.has_zero):
        return []
    columns = min(width, len(losses))
    cells = [[" "] * columns for _ in range(height)]
    for x, power in drawn.losses:
        level = _level(drawn, power, height)
        for row in range(height):
            cells[row][round(x * (columns - 1))] = BLOCKS[max(0, min(8, math.floor(level - 8 * row)))]
        if power == -math.inf:
            cells[0][round(x * (columns - 1))] = ZERO
    for x, power in drawn.validation:
        row = max(0, math.ceil(_level(drawn, power, height) / 8) - 1)
        cells[row][round(x * (columns - 1))] = ZERO if power == -math.inf else POINT
    labels = {0: brief(10**drawn.lowest, ".3g").rjust(9), height - 1: brief(10**drawn.highest, ".3g").rjust(9)}
    if drawn.lowest == drawn.highest:  # above losses of 0
        del labels[0]
    lines = [f"{labels.get(row, ''):9} ┤{''.join(cells[row])}".rstrip() for row in reversed(range(height))]
    lines.append(" " * 10 + "└" + "─" * columns)
    lines.append(" " * 11 + "0 " + f"epoch {drawn.epochs:,}".rjust(columns - 2))
    if drawn.validation:
        lines.append(" " * 11 + f"█ training  {POINT} validation")
    if drawn.has_zero:
        lines.append(" " * 11 + f"{ZERO} a loss of exactly 0")
    return lines


def _level(drawn: LossCurve, power: float, height: int) -> float:
    """Return the height of a loss in eighths of a line: none for 0, at least the lowest sliver for a positive loss."""
    if power == -math.inf:
        return 0.0
    if drawn.lowest == drawn.highest:
        return height * 8
    share = (min(power, drawn.highest) - drawn.lowest) / (drawn.highest - drawn.lowest)
    return share * (height * 8 - 1) + 1
