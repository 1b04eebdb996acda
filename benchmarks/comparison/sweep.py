"""Sweeps: the cost of a step as one size changes, as a table and as a plot."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.comparison.result import Result, Side
from benchmarks.comparison.rounds import Length, measured
from benchmarks.comparison.tables import NONE, markdown, micro, times
from benchmarks.comparison.worker import Worker
from benchmarks.contenders.entry import OURS, Entry
from benchmarks.contenders.rows import Sweep

SHOWN = (OURS, "PyTorch eager", "JAX")
"""In the order of the legend. What compiles for half a minute at every size is left out."""


@dataclass(frozen=True)
class Curves:
    """What a sweep gave, point by point."""

    sweep: Sweep
    results: list[Result]

    def best(self, name: str) -> list[tuple[int, Side]]:
        """The sizes, and what the contender of that name took at each: its best number of threads."""
        found = []
        for (size, _), result in zip(self.sweep.points, self.results, strict=False):
            own = result.own if name == OURS else next((side for side in result.best if side.name == name), None)
            if own is not None and own.counts:
                found.append((size, own))
        return found

    def as_json(self) -> dict[str, Any]:
        """All numbers."""
        sizes = [size for size, _ in self.sweep.points]
        rows = [result.as_json(None) for result in self.results]
        return {
            "axis": self.sweep.axis,
            "points": [{"size": size} | row for size, row in zip(sizes, rows, strict=False)],
        }


def takes_part(entry: Entry) -> bool:
    """clearprop as it is used, and the others with every number of threads."""
    return entry.name in SHOWN and (entry.threads is None or not entry.ours)


def swept(sweep: Sweep, workers: Sequence[Worker], length: Length) -> Curves:
    """All points of a sweep."""
    curves = Curves(sweep, [])
    for size, task in sweep.points:
        print(f"{sweep.name} {size:,}: {task.name}", file=sys.stderr, flush=True)
        curves.results.append(measured(task, workers, length))
    return curves


def table(curves: Curves) -> list[str]:
    """A line per point: µs per step of each, and the ratio."""
    heads = (curves.sweep.name, *(f"{name}, µs per step" for name in SHOWN), "ratio")
    found = {name: dict(curves.best(name)) for name in SHOWN}
    rows = []
    for (size, _), result in zip(curves.sweep.points, curves.results, strict=False):
        sides = (found[name].get(size) for name in SHOWN)
        cells = (NONE if side is None else micro(side.median) for side in sides)
        rows.append([f"{size:,}", *cells, times(result.ratio)])
    return [f"## {curves.sweep.name.capitalize()}: {curves.sweep.axis}", "", *markdown(heads, rows)]


def plot(all_curves: Sequence[Curves], path: Path, subtitle: str) -> None:
    """A panel for each sweep, both axes in powers of ten; bars from quartile to quartile."""
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("Agg")
    pyplot: Any = import_module("matplotlib.pyplot")
    figure, panels = pyplot.subplots(1, len(all_curves), figsize=(4.2 * len(all_curves), 4), squeeze=False)
    for panel, curves in zip(panels[0], all_curves, strict=True):
        for name, marker in zip(SHOWN, "os^", strict=True):
            _draw(panel, curves.best(name), name, marker)
        panel.set(xscale="log", yscale="log", xlabel=curves.sweep.axis, ylabel="µs per step", title=curves.sweep.name)
        panel.grid(alpha=0.3, which="both")
    panels[0][0].legend()
    figure.suptitle(subtitle, fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def _draw(panel: Any, points: list[tuple[int, Side]], name: str, marker: str) -> None:
    if not points:
        return
    sizes = [size for size, _ in points]
    medians = [1e6 * side.median for _, side in points]
    quartiles = [[1e6 * quartile for quartile in side.quartiles] for _, side in points]
    below = [middle - low for middle, (low, _) in zip(medians, quartiles, strict=True)]
    above = [high - middle for middle, (_, high) in zip(medians, quartiles, strict=True)]
    panel.errorbar(sizes, medians, yerr=[below, above], marker=marker, markersize=4, capsize=2, label=name)
