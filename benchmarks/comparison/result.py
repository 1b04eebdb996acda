"""Results: what was measured in a row, and what follows from it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from benchmarks.contenders.entry import OURS, Entry

MANY = 10_000
"""Units over which the time of compiling is spread, where it is included."""

FEW, SLOW = 3, 3.0
"""A peer that takes so many times as long as the fastest after a few rounds is spared the others."""


@dataclass
class Side:
    """What one entry took: ``seconds`` per unit, round by round.

    ``first`` is the first epoch or call, compiling included, which has ``units`` units. ``off`` is how
    far what came of it is from the reference, and ``off`` at most ``allowed`` is agreement. ``busy`` is how many
    processors were at work; ``after`` the seconds that its threads spun when a round was over.
    """

    label: str
    name: str
    threads: int | None
    seconds: list[float] = field(default_factory=list)
    first: float | None = None
    units: int = 1
    off: float | None = None
    allowed: float = 0.0
    apart: float | None = None
    busy: float = 0.0
    after: float = 0.0
    otherwise: str | None = None
    failed: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> Side:
        """Nothing measured yet."""
        return cls(entry.label, entry.name, entry.threads)

    @classmethod
    def read(cls, found: dict[str, Any]) -> Self:
        """What ``Result.as_json`` wrote of it."""
        return cls(**{each.name: found[each.name] for each in fields(cls)})

    @property
    def ours(self) -> bool:
        """Whether this is clearprop."""
        return self.name == OURS

    @property
    def counts(self) -> bool:
        """Whether it did the same work, and may be compared."""
        agrees = self.off is None or self.off <= self.allowed
        return bool(self.seconds) and self.failed is None and self.otherwise is None and agrees

    @property
    def median(self) -> float:
        """Seconds per unit."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between these lies the middle half of the rounds."""
        if len(self.seconds) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high

    @property
    def compiling(self) -> float | None:
        """Seconds of the first epoch or call beyond what a later one takes."""
        return None if self.first is None else max(0.0, self.first - self.units * self.median)

    @property
    def included(self) -> float | None:
        """Seconds per unit over the first ``MANY``, compiling included."""
        return None if self.compiling is None else self.median + self.compiling / MANY

    @property
    def remark(self) -> str:
        """Why it does not count, if it does not."""
        if self.failed is not None:
            return f"failed: {self.failed}"
        if self.otherwise is not None:
            return f"other mathematics: {self.otherwise}"
        if self.off is not None and not self.off <= self.allowed:
            return f"disagrees: off by {self.off:.1e}, allowed {self.allowed:.0e}"
        return ""


@dataclass
class Result:
    """A row: its sides, and what they did. ``flops`` is of one unit; ``load`` what else ran before it began.

    ``reference`` has the loss before and after, as the reference found it.
    """

    name: str
    unit: str
    sides: list[Side]
    flops: int | None = None
    aim: float | None = None
    reference: tuple[float, float] | None = None
    load: float | None = None

    @classmethod
    def read(cls, found: dict[str, Any]) -> Self:
        """What ``as_json`` wrote."""
        own = {each.name: found[each.name] for each in fields(cls)}
        reference = None if found["reference"] is None else tuple(found["reference"])
        return cls(**own | {"sides": [Side.read(side) for side in found["sides"]], "reference": reference})

    def valid(self, *, ours: bool) -> Iterator[Side]:
        """Clearprop's sides, or the peers', that may be compared."""
        return (side for side in self.sides if side.counts and side.ours is ours)

    @property
    def own(self) -> Side | None:
        """Clearprop as it is used: the number of threads left to it, unless only others were measured."""
        own = list(self.valid(ours=True))
        automatic = [side for side in own if side.threads is None]
        return min(automatic or own, key=lambda side: side.median, default=None)

    @property
    def peer(self) -> Side | None:
        """The fastest of the others, at its best number of threads."""
        return min(self.valid(ours=False), key=lambda side: side.median, default=None)

    @property
    def slow(self) -> list[Side]:
        """The peers that cannot become the best one."""
        fastest = self.peer
        if fastest is None:
            return []
        peers = (side for side in self.sides if side.seconds and not side.ours)
        return [side for side in peers if side.median > SLOW * fastest.median]

    @property
    def best(self) -> list[Side]:
        """Of each name the fastest that counts, or else the fastest, the fastest name first."""
        found: dict[str, Side] = {}
        timed = (side for side in self.sides if side.seconds)
        for side in sorted(timed, key=lambda side: (not side.counts, side.median)):
            found.setdefault(side.name, side)
        return sorted(found.values(), key=lambda side: side.median)

    @property
    def ratio(self) -> float | None:
        """The best peer's median over clearprop's: how many times as fast clearprop is."""
        own, peer = self.own, self.peer
        return None if own is None or peer is None else peer.median / own.median

    @property
    def ratio_included(self) -> float | None:
        """The same with compiling included, each peer then at its best anew."""
        own = self.own
        peers = [side.included for side in self.valid(ours=False) if side.included is not None]
        if own is None or own.included is None or not peers:
            return None
        return min(peers) / own.included

    def rate(self, side: Side) -> float | None:
        """Floating-point operations per second."""
        return None if self.flops is None else self.flops / side.median

    def as_json(self, peak: float | None) -> dict[str, Any]:
        """All numbers."""
        return {
            **{key: value for key, value in asdict(self).items() if key != "sides"},
            "ratio": self.ratio,
            "ratio_compiling_included": self.ratio_included,
            "best_peer": self.peer.label if self.peer else None,
            "sides": [self._side(side, peak) for side in self.sides],
        }

    def _side(self, side: Side, peak: float | None) -> dict[str, Any]:
        found = asdict(side) | {"counts": side.counts, "remark": side.remark}
        if side.seconds:
            rate = self.rate(side)
            found |= {
                "median": side.median,
                "quartiles": side.quartiles,
                "compiling": side.compiling,
                f"per_{self.unit}_over_{MANY}_compiling_included": side.included,
                "flops_per_second": rate,
                "share_of_peak": rate / peak if rate is not None and peak is not None else None,
            }
        return found


def geometric_mean(ratios: list[float]) -> float | None:
    """The mean that treats twice as fast and half as fast alike."""
    return statistics.geometric_mean(ratios) if ratios else None
