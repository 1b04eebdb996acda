"""What happened, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """``loss[0]`` is that of the initial weights, ``loss[n]`` that after n epochs; ``rate[n]`` is the
    learning rate at the end of epoch n + 1."""

    loss: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
