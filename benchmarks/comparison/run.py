"""A run: what was found so far, written down after every row, and taken up again by ``--resume``."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.comparison import document, sweep, tables
from benchmarks.comparison.result import Result
from benchmarks.contenders.rows import SWEEPS
from benchmarks.peak import Peak, measure

SAME = ("processor", "cores", "extensions", "versions", "sources", "rounds", "seconds", "contenders", "left_out")
"""What must not have changed for two runs to be one."""

ROWS, ENTRIES, CURVES = "engine rows", "engine entries", "engine sweeps"
"""The parts of a page that a run writes."""


class Unfit(Exception):
    """A file of results that this run cannot go on from."""


@dataclass
class Files:
    """What is written: all numbers, all tables, and the parts of a page."""

    json: Path | None = None
    table: Path | None = None
    docs: Path | None = None
    plot: Path | None = None


@dataclass
class Run:
    """What was found so far."""

    about: dict[str, Any]
    files: Files = field(default_factory=Files)
    peak: Peak | None = None
    results: list[Result] = field(default_factory=list)
    curves: list[sweep.Curves] = field(default_factory=list)

    def resume(self) -> None:
        """Take over what a run that was cut short has written.

        Raises:
            Unfit: it was measured elsewhere, or otherwise.
        """
        path = self.files.json
        if path is None or not path.exists():
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            changed = [name for name in SAME if found[name] != self.about[name]]
            if changed:
                raise Unfit(f"{path} is not of this run: other {', '.join(changed)}; remove it, or name another file")
            self.results = [Result.read(row) for row in found["rows"]]
            self.curves = [sweep.Curves.read(SWEEPS[name], rows) for name, rows in found["sweeps"].items()]
            self.peak = None if found["peak"] is None else Peak(**found["peak"])
            self.about["resumed"] = [*found.get("resumed", []), found["date"]]
        except (KeyError, TypeError, ValueError) as error:
            raise Unfit(f"{path} is not a file of results: {error!r}") from error

    def has(self, name: str) -> bool:
        """Whether a row is there, from this run or from the one that was cut short."""
        return any(result.name == name or result.name.startswith(f"{name},") for result in self.results)

    def peaked(self) -> None:
        """Measure the peak again: the best that was seen counts, for whatever else runs can only lower it."""
        found = measure(0.02, 3)
        if self.peak is None or found.all_cores > self.peak.all_cores:
            self.peak = found

    def add(self, result: Result) -> None:
        """One more row."""
        self.results.append(result)
        print(f"  ratio {tables.times(result.ratio)}", file=sys.stderr, flush=True)
        self.write()

    def text(self) -> str:
        """All tables."""
        if not self.curves:
            return tables.page(self.about, self.peak, self.results)
        shared = tables.shared([result for curves in self.curves for result in curves.results])
        return (
            "\n".join(["# The engine as sizes grow", "", *self._head(), *shared, "", sweep.NOTE, "", *self._sweeps()])
            + "\n"
        )

    def _head(self) -> list[str]:
        return tables.head(self.about, self.peak)

    def _sweeps(self) -> list[str]:
        return [line for curves in self.curves for line in (*sweep.table(curves), "")]

    def write(self) -> None:
        """The files of numbers and tables."""
        if self.files.json is not None:
            peak = None if self.peak is None else self.peak.all_cores
            found = {
                **self.about,
                "peak": None if self.peak is None else vars(self.peak),
                "rows": [result.as_json(peak) for result in self.results],
                "sweeps": {curves.sweep.name: curves.as_json() for curves in self.curves},
            }
            # Never half a file, whenever the run is cut short.
            half = self.files.json.with_name(f"{self.files.json.name}.part")
            half.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            half.replace(self.files.json)
        if self.files.table is not None:
            self.files.table.write_text(self.text(), encoding="utf-8")

    def publish(self) -> None:
        """The plot, and the parts of the page."""
        page, plot = self.files.docs, self.files.plot
        if plot is not None and self.curves:
            about = self.about
            sweep.plot(self.curves, plot, f"{about['processor']}, {about['cores']} cores, {about['date']}")
        if page is None:
            return
        if self.curves:
            drawn = [] if plot is None else [f"![The cost of a step as one size grows]({plot.name})", ""]
            document.replace(page, CURVES, [*self._head(), "", sweep.NOTE, "", *drawn, *self._sweeps()])
        if self.results:
            document.replace(page, ROWS, [*self._head(), *tables.main(self.peak, self.results)])
            document.replace(page, ENTRIES, tables.entries(self.results))
