"""Results: what was measured in a row, and what follows from it."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from benchmarks.entries import ENGINE, OURS, Entry
from benchmarks.measure import quartiles

FEW, SLOW = 3, 3.0
"""A peer that takes this many times as long as the fastest after a few rounds is spared the others."""


@dataclass
class Side:
    """What one entry took: ``seconds`` per unit, round by round.

    ``first`` is the first epoch or call, compiling included. ``off`` is how far what came of it is from the
    reference, and ``off`` at most ``allowed`` is agreement; ``apart`` is how far its weights are. ``busy`` is how
    many processors were at work.
    """

    label: str
    name: str
    threads: int | None
    seconds: list[float] = field(default_factory=list)
    first: float | None = None
    off: float | None = None
    allowed: float = 0.0
    apart: float | None = None
    busy: float = 0.0
    failed: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> Side:
        """Nothing measured yet."""
        return cls(entry.label, entry.name, entry.threads)

    @property
    def counts(self) -> bool:
        """Whether it did the same work, and may be compared."""
        return bool(self.seconds) and not self.remark

    @property
    def peer(self) -> bool:
        """Whether it is another library."""
        return self.name not in (OURS, ENGINE)

    @property
    def median(self) -> float:
        """Seconds per unit."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between these lies the middle half of the rounds."""
        return quartiles(self.seconds)

    @property
    def remark(self) -> str:
        """Why it does not count, if it does not."""
        if self.failed is not None:
            return f"failed: {self.failed}"
        if self.off is not None and not self.off <= self.allowed:
            return f"disagrees: off by {self.off:.1e}, allowed {self.allowed:.0e}"
        return ""


@dataclass
class Result:
    """A row: its sides, and what they did. ``flops`` is of one unit."""

    name: str
    unit: str
    sides: list[Side]
    flops: int | None = None
    aim: float | None = None

    @classmethod
    def read(cls, found: dict[str, Any]) -> Self:
        """Return what ``as_json`` wrote."""
        rest = {name: value for name, value in found.items() if name in cls.__dataclass_fields__}
        return cls(**rest | {"sides": [Side(**side) for side in found["sides"]]})

    def as_json(self) -> dict[str, Any]:
        """All numbers, and the ratio that follows from them."""
        peer = None if self.peer is None else self.peer.label
        return asdict(self) | {"ratio": self.ratio, "best_peer": peer}

    @property
    def peer(self) -> Side | None:
        """The fastest of the others, at its best number of threads."""
        peers = (side for side in self.sides if side.counts and side.peer)
        return min(peers, key=lambda side: side.median, default=None)

    @property
    def slow(self) -> list[Side]:
        """The peers that cannot become the best one."""
        fastest = self.peer
        if fastest is None:
            return []
        peers = (side for side in self.sides if side.seconds and side.peer)
        return [side for side in peers if side.median > SLOW * fastest.median]

    def best(self, name: str) -> Side | None:
        """The contender of that name at its best number of threads; but clearprop as it is used, if that is there."""
        found = (side for side in self.sides if side.counts and side.name == name)
        return min(found, key=lambda side: (name == OURS and side.threads is not None, side.median), default=None)

    @property
    def ratio(self) -> float | None:
        """The best peer's median over clearprop's: how many times as fast clearprop is."""
        own, peer = self.best(OURS), self.peer
        return None if own is None or peer is None else peer.median / own.median

    @property
    def over_engine(self) -> float | None:
        """How many times as long a step of a training takes as one of the engine alone."""
        own, engine = self.best(OURS), self.best(ENGINE)
        return None if own is None or engine is None else own.median / engine.median

    @property
    def rate(self) -> float | None:
        """Floating-point operations per second: of the engine alone, or of clearprop where nothing else is there."""
        fastest = self.best(ENGINE) or self.best(OURS)
        return None if self.flops is None or fastest is None else self.flops / fastest.median
