"""Tables: results as Markdown, which reads well in a terminal too."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.comparison.result import FEW, MANY, SLOW, Result, Side, geometric_mean
from benchmarks.peak import Peak

NONE = "–"

ALONE = 0.97
"""The share of a processor above which one thread had it to itself."""


def three(value: float) -> str:
    """Three significant digits, never with an exponent.

    >>> three(0.0812345), three(12.345), three(54751.2)
    ('0.0812', '12.3', '54,800')
    """
    if value == 0 or not abs(value) < 1e15:
        return f"{value:g}"
    rounded = float(f"{value:.2e}")
    whole = len(str(int(abs(rounded)))) if abs(rounded) >= 1 else 0
    if whole:
        return f"{rounded:,.{max(0, 3 - whole)}f}"
    digits = 2 - int(f"{rounded:e}".partition("e")[2])
    return f"{rounded:.{min(digits, 12)}f}"


def micro(seconds: float) -> str:
    """Seconds in millionths."""
    return three(1e6 * seconds)


def scale(unit: str) -> tuple[str, float]:
    """What times are given in: whole commands in seconds."""
    return ("s", 1.0) if unit == "run" else ("µs", 1e6)


def spread(side: Side, factor: float) -> str:
    """The median, and the quartiles about it."""
    median, low, high = (three(factor * seconds) for seconds in (side.median, *side.quartiles))
    return f"{median} ({low} to {high})"


def times(ratio: float | None) -> str:
    """How many times as fast."""
    return NONE if ratio is None else f"{three(ratio)}×"


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table whose columns are aligned in the text as well; columns in which nothing stands are left out."""
    cells = [list(heads), *map(list, rows)]
    told = [column for column in range(len(heads)) if any(row[column] not in ("", NONE) for row in cells[1:])]
    cells = [[row[column] for column in told] for row in cells]
    widths = [max(len(row[column]) for row in cells) for column in range(len(told))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    rule = " | ".join("-" * width for width in widths)
    return [f"| {line} |" for line in [lines[0], rule, *lines[1:]]]


# --- the tables --------------------------------------------------------------------------------------------

HEADS = (
    "row",
    "clearprop, {time} per {unit} (quartiles)",
    "best peer, {time} per {unit} (quartiles)",
    "best peer",
    "ratio",
    "to reach",
    "ratio, compiling included",
    "GFLOP/s",
    "of the peak",
)


def summary(results: Sequence[Result], peak: Peak | None) -> list[str]:
    """A line per row: clearprop as it is used, and the fastest of the others at its best number of threads."""
    unit = results[0].unit
    heads = [head.format(unit=unit, time=scale(unit)[0]) for head in HEADS]
    lines = markdown(heads, (list(_line(result, peak)) for result in results))
    ratios = [result.ratio for result in results if result.ratio is not None]
    mean = geometric_mean(ratios)
    if mean is not None and len(ratios) > 1:
        lines += ["", f"Geometric mean of {len(ratios)} ratios: {times(mean)}."]
    return lines


def _line(result: Result, peak: Peak | None) -> Iterator[str]:
    own, peer = result.own, result.peer
    rate = None if own is None else result.rate(own)
    factor = scale(result.unit)[1]
    yield result.name
    yield NONE if own is None else spread(own, factor)
    yield NONE if peer is None else spread(peer, factor)
    yield NONE if peer is None else peer.label
    yield times(result.ratio)
    yield NONE if result.aim is None else f"{result.aim:g}×"
    yield times(result.ratio_included)
    yield NONE if rate is None else three(rate / 1e9)
    yield NONE if rate is None or peak is None else f"{100 * rate / peak.all_cores:.0f} %"


def details(results: Sequence[Result]) -> list[str]:
    """A line for every entry of every row."""
    unit = results[0].unit
    time, _ = scale(unit)
    heads = (
        "row",
        "entry",
        f"{time} per {unit} (quartiles)",
        "first, s",
        f"{time}, compiling spread over {MANY:,}",
        "off by",
        "processors busy",
        "rounds",
        "remark",
    )
    return markdown(heads, (_entry(result, side) for result in results for side in result.sides))


def _entry(result: Result, side: Side) -> list[str]:
    if not side.seconds:
        return [result.name, side.label, *[NONE] * 6, side.remark]
    factor = scale(result.unit)[1]
    return [
        result.name,
        side.label,
        spread(side, factor),
        NONE if side.first is None else three(side.first),
        NONE if side.included is None else three(factor * side.included),
        NONE if side.off is None else f"{side.off:.0e}",
        f"{side.busy:.2f}" if side.busy else NONE,
        f"{len(side.seconds)}",
        side.remark,
    ]


def losses(results: Sequence[Result]) -> list[str]:
    """The loss over all rows before and after the first epoch, and how far everyone is from it."""
    heads = ("row", "loss before", "after an epoch", "farthest loss", "farthest weights", "agreement")
    return markdown(heads, (_loss(result) for result in results if result.reference is not None))


def _loss(result: Result) -> list[str]:
    assert result.reference is not None
    before, after = result.reference
    compared = [side for side in result.sides if side.off is not None]
    astray = _named(compared)
    off = max((side.off for side in compared if side.off is not None), default=0.0)
    apart = max((side.apart for side in compared if side.apart is not None), default=0.0)
    verdict = f"no: {'; '.join(astray)}" if astray else f"all {len(compared)} entries"
    return [result.name, f"{before:.6f}", f"{after:.6f}", f"{off:.0e}", f"{apart:.0e}", verdict]


def _named(compared: Sequence[Side]) -> list[str]:
    """Who is astray: a name alone where it is so with every number of threads."""
    found = []
    for name in dict.fromkeys(side.name for side in compared):
        own = [side for side in compared if side.name == name]
        astray = [side.label for side in own if not side.counts]
        found += [name] if len(astray) == len(own) else astray
    return found


# --- the page ----------------------------------------------------------------------------------------------

EXPLAINED = f"""\
Times are medians over rounds in which the entries take turns, each in a process of its own; between the
quartiles lies the middle half of them. The best peer is the fastest that does the same work, at its best
number of threads; clearprop chooses its own. The ratio is its median over clearprop's. Compiling is
what the first epoch or call takes beyond a later one, here spread over {MANY:,} of them. GFLOP/s counts the
products alone, of a step 6·B·Σ n_in·n_out - 2·B·n_0·n_1, for no one needs the gradient of the inputs.
Losses are over all rows, after one epoch from the same weights in the same order, found in float64 from each
one's weights; weights are compared by their distance relative to how far the reference's went. One that
is further off than 1e-4, and one that does other mathematics, is not the best peer. A peer that takes over
{SLOW:g} times as long as the fastest after {FEW} rounds is spared the others."""


def shared(results: Sequence[Result]) -> list[str]:
    """A warning, if those with one thread did not get a processor to themselves."""
    alone = [side.busy for result in results for side in result.sides if side.threads == 1 and side.busy]
    share = statistics.median(alone) if alone else 1.0
    if share > ALONE:
        return []
    return [
        "",
        f"**The machine was shared**: one thread had {100 * share:.0f} % of a processor. Measure again when it is not.",
    ]


def head(about: dict[str, Any], peak: Peak | None) -> list[str]:
    """Where and with what this was measured."""
    found = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    commit = f" (commit {about['commit']})" if about.get("commit") else ""
    vectors = ", ".join(about["extensions"])
    earlier = f", begun {' and '.join(about['resumed'])}" if about.get("resumed") else ""
    return [
        f"{about['date']}{earlier}; {about['processor']}, {about['cores']} cores, {vectors}; {about['system']}",
        "",
        f"{found}{commit}",
        "",
        f"`{about['command']}`",
        *(["", f"Peak measured in this run: {peak}."] if peak is not None else []),
        *(["", *about["left_out"]] if about.get("left_out") else []),
    ]


TITLES = {"step": "Training", "call": "Prediction", "run": "From the prompt to a fitted model"}


def of_unit(results: Sequence[Result], unit: str) -> list[Result]:
    """The rows of one kind."""
    return [result for result in results if result.unit == unit]


def main(peak: Peak | None, results: Sequence[Result]) -> list[str]:
    """A part for each kind of row: its summary; then the losses."""
    lines = shared(results)
    for unit, title in TITLES.items():
        if some := of_unit(results, unit):
            lines += ["", f"## {title}", "", *summary(some, peak)]
    if trained := [result for result in results if result.reference is not None]:
        lines += ["", "## The same mathematics", "", *losses(trained)]
    return lines


def entries(results: Sequence[Result]) -> list[str]:
    """Every entry of every row."""
    lines: list[str] = []
    for unit in TITLES:
        if some := of_unit(results, unit):
            lines += ["", f"## Every entry, per {unit}", "", *details(some)]
    return lines


def page(about: dict[str, Any], peak: Peak | None, results: Sequence[Result]) -> str:
    """Everything."""
    lines = ["# The compiled engine beside its peers", "", *head(about, peak)]
    if any(result.unit in ("step", "call") for result in results):
        lines += ["", EXPLAINED]
    return "\n".join([*lines, *main(peak, results), *entries(results)]) + "\n"
