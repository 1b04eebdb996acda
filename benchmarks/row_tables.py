"""The tables of rows: a line per row, per entry, and per size of a sweep."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.entries import ENGINE, OTHER_JAX, OURS
from benchmarks.peak import Peak
from benchmarks.report import NONE, markdown, scaled, three, times
from benchmarks.results import Result, Side
from benchmarks.rows import SWEEPS

ALONE = 0.97
"""The share of a processor above which one thread had it to itself."""

UNITS = {"step": "Training", "call": "Prediction", "run": "From the prompt to a fitted model"}

SWEPT = {OURS: "o-", ENGINE: "o:", "PyTorch eager": "s-", "JAX": "^-", f"JAX {OTHER_JAX}": "^:"}
"""Whoever stands in the tables and plots of sweeps, with how each is drawn. `torch.compile` takes many seconds at every
size, and scikit-learn has no such training."""


def scale(unit: str) -> tuple[str, float]:
    """Say what times are given in: whole commands in seconds."""
    return ("s", 1.0) if unit == "run" else ("µs", 1e6)


def spread(side: Side | None, unit: str) -> str:
    """Return the median and the quartiles of a side."""
    return NONE if side is None else scaled(side.seconds, scale(unit)[1])


def summary(results: Sequence[Result], peak: Peak | None) -> list[str]:
    """Return a line for every row of one unit."""
    unit = results[0].unit
    per = f"{scale(unit)[0]} per {unit} (quartiles)"
    heads = (
        *("row", f"clearprop, {per}", f"engine alone, {per}", "over the engine"),
        *(f"best peer, {per}", "best peer", "ratio", "to reach", "GFLOP/s", "of the peak"),
    )
    lines = markdown(heads, (list(_line(result, peak)) for result in results))
    ratios = [result.ratio for result in results if result.ratio is not None]
    if len(ratios) > 1:
        lines += ["", f"Geometric mean of {len(ratios)} ratios: {times(statistics.geometric_mean(ratios))}."]
    return lines


def _line(result: Result, peak: Peak | None) -> Iterator[str]:
    rate = result.rate
    yield result.name
    yield spread(result.best(OURS), result.unit)
    yield spread(result.best(ENGINE), result.unit)
    yield times(result.over_engine)
    yield spread(result.peer, result.unit)
    yield NONE if result.peer is None else result.peer.label
    yield times(result.ratio)
    yield NONE if result.aim is None else f"{result.aim:g}×"
    yield NONE if rate is None else three(rate / 1e9)
    yield NONE if rate is None or peak is None else f"{100 * rate / peak.all_cores:.0f} %"


def details(results: Sequence[Result]) -> list[str]:
    """Return a line for every entry of every row."""
    unit = results[0].unit
    time, _ = scale(unit)
    heads = (
        *("row", "entry", f"{time} per {unit} (quartiles)", "first, s"),
        *("off by", "weights off by", "processors busy", "rounds", "remark"),
    )
    return markdown(heads, (_entry(result, side) for result in results for side in result.sides))


def _entry(result: Result, side: Side) -> list[str]:
    if not side.seconds:
        return [result.name, side.label, *[NONE] * 6, side.remark]
    return [
        result.name,
        side.label,
        spread(side, result.unit),
        NONE if side.first is None else three(side.first),
        *(NONE if off is None else f"{off:.0e}" for off in (side.off, side.apart)),
        f"{side.busy:.2f}" if side.busy else NONE,
        f"{len(side.seconds)}",
        side.remark,
    ]


def shared(results: Sequence[Result]) -> list[str]:
    """Return a warning, if those with one thread did not get a processor to themselves."""
    alone = [side.busy for result in results for side in result.sides if side.threads == 1 and side.busy]
    share = statistics.median(alone) if alone else 1.0
    if share > ALONE:
        return []
    return [
        "",
        f"**The machine was shared**: one thread had {100 * share:.0f} % of a processor. Measure again when it is not.",
    ]


def rows(results: Sequence[Result], peak: Peak | None) -> list[str]:
    """Return a part for each kind of row: its summary."""
    lines = shared(results)
    for unit, title in UNITS.items():
        if some := [result for result in results if result.unit == unit]:
            lines += ["", f"## {title}", "", *summary(some, peak)]
    return lines


def entries(results: Sequence[Result]) -> list[str]:
    """Return every entry of every row."""
    lines: list[str] = []
    for unit in UNITS:
        if some := [result for result in results if result.unit == unit]:
            lines += ["", f"## Every entry, per {unit}", "", *details(some)]
    return lines


Curves = Mapping[int, Result]
"""What a sweep gave, by size."""


def curve(curves: Curves, name: str) -> dict[int, Side]:
    """Return what the contender of that name took, by size."""
    found = {size: result.best(name) for size, result in curves.items()}
    return {size: side for size, side in found.items() if side is not None}


def swept(sweep: str, curves: Curves) -> list[str]:
    """Return a line per size: µs per step of each, and the ratio."""
    heads = (sweep, *(f"{name}, µs" for name in SWEPT), "ratio to the best peer")
    found = {name: curve(curves, name) for name in SWEPT}
    lines = []
    for size, result in curves.items():
        sides = (found[name].get(size) for name in SWEPT)
        cells = (NONE if side is None else three(1e6 * side.median) for side in sides)
        lines.append([f"{size:,}", *cells, times(result.ratio)])
    return [f"## {sweep.capitalize()}: {SWEEPS[sweep].axis}", "", *markdown(heads, lines)]
