"""Sweeps: the cost of a step as one size changes, as a table and as a plot."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from benchmarks.comparison.result import Result, Side
from benchmarks.comparison.rounds import Length, measured
from benchmarks.comparison.tables import NONE, markdown, micro, times
from benchmarks.comparison.worker import Worker
from benchmarks.contenders.entry import OURS, Entry, cores
from benchmarks.contenders.rows import Sweep

SHOWN = {OURS: "o-", "PyTorch eager": "s-", "PyTorch compiled": "D--", "JAX": "^-", "scikit-learn": "v:"}
"""In the order of the legend, with how each is drawn."""

SPARSE = "PyTorch compiled"
"""Compiles for many seconds at every size: measured at every fourth point and the last, with all processors."""


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
            # Other mathematics of the same size is drawn, and said to be other.
            if own is not None and (own.counts or own.otherwise is not None):
                found.append((size, own))
        return found

    def otherwise(self, name: str) -> str:
        """The name, and what it computes instead, if it does."""
        found = {side.otherwise for _, side in self.best(name) if side.otherwise is not None}
        return f"{name} ({'; '.join(sorted(found))})" if found else name

    @classmethod
    def read(cls, sweep: Sweep, found: dict[str, Any]) -> Self:
        """What ``as_json`` wrote."""
        return cls(sweep, [Result.read(point) for point in found["points"]])

    def as_json(self) -> dict[str, Any]:
        """All numbers."""
        sizes = [size for size, _ in self.sweep.points]
        rows = [result.as_json(None) for result in self.results]
        return {
            "axis": self.sweep.axis,
            "points": [{"size": size} | row for size, row in zip(sizes, rows, strict=False)],
        }


def takes_part(entry: Entry) -> bool:
    """clearprop as it is used, and the others with every number of threads; but see ``SPARSE``."""
    if entry.name == SPARSE:
        return entry.threads == cores()
    return entry.name in SHOWN and (entry.threads is None or not entry.ours)


def swept(curves: Curves, workers: Sequence[Worker], length: Length) -> Iterator[Result]:
    """The points of a sweep that are not there yet, one by one; each is added to the curves."""
    sweep = curves.sweep
    points = list(enumerate(sweep.points))
    for number, (size, task) in points[len(curves.results) :]:
        some = [each for each in workers if each.entry.name != SPARSE or sparse(number, len(points))]
        print(f"{sweep.name} {size:,}: {task.name}", file=sys.stderr, flush=True)
        curves.results.append(measured(task, some, length))
        yield curves.results[-1]


def sparse(number: int, count: int) -> bool:
    """Every fourth point and the last one."""
    return number % 4 == 0 or number == count - 1


NOTE = f"""\
Each at its best number of threads, as above, in fewer and shorter rounds; {SPARSE} with all processors, and at
every fourth size and the last one, for it compiles for many seconds at each."""


def table(curves: Curves) -> list[str]:
    """A line per point: µs per step of each, and the ratio."""
    heads = (curves.sweep.name, *(f"{curves.otherwise(name)}, µs" for name in SHOWN), "ratio to the best peer")
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
    across = min(2, len(all_curves))
    down = -(-len(all_curves) // across)
    figure, panels = pyplot.subplots(down, across, figsize=(5 * across, 0.6 + 3.6 * down), squeeze=False)
    for panel, curves in zip(panels.flat, all_curves, strict=False):
        for name, style in SHOWN.items():
            _draw(panel, curves.best(name), curves.otherwise(name), style)
        panel.set(xscale="log", yscale="log", ylabel="µs per step")
        panel.set_xlabel(curves.sweep.axis)
        sizes = [size for size, _ in curves.sweep.points]
        panel.set_xticks(sizes, [_short(size) for size in sizes], fontsize="small")
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    for panel in panels.flat[len(all_curves) :]:
        panel.set_visible(False)
    figure.suptitle(f"A step of training, from the lower to the upper quartile\n{subtitle}", fontsize="medium")
    figure.legend(*_legend(panels.flat), loc="lower center", ncols=3, fontsize="small", frameon=False)
    figure.tight_layout(rect=(0, 0.07 if down > 1 else 0.13, 1, 1))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    if path.suffix.lower() == ".png":
        _shrink(path)


def _shrink(path: Path) -> None:
    """Few colours, for it lies in the repository."""
    image: Any = import_module("PIL.Image")  # matplotlib brings it along
    with image.open(path) as drawn:
        few = drawn.convert("RGB").quantize(48)
    few.save(path, optimize=True)


def _legend(panels: Iterable[Any]) -> tuple[list[Any], list[str]]:
    """Each name once, whichever panel it is in."""
    found = {
        label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    return list(found.values()), list(found)


def _short(size: int) -> str:
    """1000 as 1k.

    >>> _short(64), _short(1024), _short(100_000), _short(1_000_000)
    ('64', '1024', '100k', '1M')
    """
    if size % 1_000_000 == 0:
        return f"{size // 1_000_000}M"
    return f"{size // 1_000}k" if size % 1_000 == 0 else str(size)


def _draw(panel: Any, points: list[tuple[int, Side]], name: str, style: str) -> None:
    if not points:
        return
    sizes = [size for size, _ in points]
    medians = [1e6 * side.median for _, side in points]
    quartiles = [[1e6 * quartile for quartile in side.quartiles] for _, side in points]
    below = [middle - low for middle, (low, _) in zip(medians, quartiles, strict=True)]
    above = [high - middle for middle, (_, high) in zip(medians, quartiles, strict=True)]
    color = f"C{list(SHOWN.values()).index(style)}"
    panel.errorbar(
        sizes, medians, yerr=[below, above], fmt=style, color=color, markersize=4, linewidth=1.3, capsize=2, label=name
    )
