"""Sweeps as a picture: the cost of a step as one size changes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.row_tables import SWEPT, Curves, curve
from benchmarks.rows import SWEEPS


def plot(sweeps: Mapping[str, Curves], path: Path, subtitle: str) -> None:
    """Draw a panel for each sweep, both axes in powers of ten; bars from quartile to quartile."""
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("Agg")
    pyplot: Any = import_module("matplotlib.pyplot")
    across, down = min(2, len(sweeps)), -(-len(sweeps) // 2)
    size = (5 * across, 1 + 3.6 * down)
    figure, panels = pyplot.subplots(down, across, figsize=size, squeeze=False, layout="constrained")
    for panel in panels.flat[len(sweeps) :]:
        panel.set_visible(False)
    for panel, (sweep, curves) in zip(panels.flat, sweeps.items(), strict=False):
        for number, (name, style) in enumerate(SWEPT.items()):
            if sides := curve(curves, name):
                medians = [1e6 * side.median for side in sides.values()]
                low, high = zip(*(side.quartiles for side in sides.values()), strict=True)
                below = [median - 1e6 * each for median, each in zip(medians, low, strict=True)]
                above = [1e6 * each - median for median, each in zip(medians, high, strict=True)]
                panel.errorbar(
                    list(sides), medians, [below, above], fmt=style, color=f"C{number}", markersize=4, label=name
                )
        panel.set(xscale="log", yscale="log", xlabel=SWEEPS[sweep].axis, ylabel="µs per step")
        panel.set_xticks(list(curves), [short(size) for size in curves], fontsize="small")
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    figure.suptitle(f"A step of training, from the lower to the upper quartile\n{subtitle}", fontsize="medium")
    panels[0, 0].legend(fontsize="small")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def short(size: int) -> str:
    """Return 1000 as 1k.

    >>> short(64), short(1024), short(100_000)
    ('64', '1024', '100k')
    """
    return f"{size // 1_000}k" if size % 1_000 == 0 else str(size)
