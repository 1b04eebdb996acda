"""Reports: tables as Markdown, where they were measured, and the part of a page that a command writes."""

from __future__ import annotations

import argparse
import hashlib
import platform
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.entries import cores
from benchmarks.measure import ROOT, quartiles

import clearprop

NONE = "–"
PACKAGES = ("clearprop", "numpy", "llvmlite", "torch", "jax", "scikit-learn", "scipy")
EXTENSIONS = ("sse2", "avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl", "amx-tile", "neon", "sve")
# --- numbers and tables ------------------------------------------------------------------------------------


def three(value: float) -> str:
    """Return three significant digits, never with an exponent.

    >>> three(0.0812345), three(12.345), three(54751.2)
    ('0.0812', '12.3', '54,800')
    """
    if value == 0 or not abs(value) < 1e15:
        return f"{value:g}"
    rounded = float(f"{value:.2e}")
    digits = 2 - int(f"{rounded:e}".partition("e")[2])
    return f"{rounded:,.{min(max(0, digits), 12)}f}"


def scaled(seconds: Sequence[float], factor: float) -> str:
    """Return the median, and the quartiles about it."""
    median, low, high = (three(factor * each) for each in (statistics.median(seconds), *quartiles(seconds)))
    return f"{median} ({low} to {high})"


def times(ratio: float | None) -> str:
    """Say how many times as fast."""
    return NONE if ratio is None else f"{three(ratio)}×"


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table whose columns are aligned in the text as well; columns in which nothing stands are left out."""
    cells = [list(heads), *map(list, rows)]
    told = [column for column in range(len(heads)) if any(row[column] not in ("", NONE) for row in cells[1:])]
    cells = [[row[column] for column in told] for row in cells]
    widths = [max(len(row[column]) for row in cells) for column in range(len(told))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    rule = " | ".join("-" * width for width in widths)
    return [f"| {line} |" for line in [lines[0], rule, *lines[1:]]]


def line(name: str, unit: str, found: Sequence[float], *, most: float | None = None, least: float | None = None) -> str:
    """Return the median and the range of several runs as a line of text, and whether a limit was kept."""
    median = statistics.median(found)
    spread = f"({min(found):.4g} to {max(found):.4g})" if len(found) > 1 else ""
    limit, kept = "", True
    if most is not None:
        limit, kept = f"at most {most:g}: ", median <= most
    elif least is not None:
        limit, kept = f"at least {least:g}: ", median >= least
    verdict = limit and limit + ("kept" if kept else "MISSED")
    return f"{name:<60} {median:7.4g} {unit:<4} {spread:<20} {verdict}".rstrip()


# --- the machine and the versions, as every table of times must state them ---------------------------------


def described() -> dict[str, Any]:
    """Return the machine, the versions, the date and the command."""
    host = import_module("llvmlite.binding").get_host_cpu_features()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "sources": sources(),
        "processor": _processor() or platform.machine(),
        "cores": cores(),
        "extensions": [name for name in EXTENSIONS if host.get(name)],
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"Python": platform.python_version(), **dict(_versions())},
        "command": command(*sys.argv),
    }


def _processor() -> str | None:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _versions() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            yield package, version(package)


def sources() -> str:
    """Return a fingerprint of clearprop's code: its version alone does not change with every kernel."""
    digest = hashlib.sha256()
    for path in sorted(Path(clearprop.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _commit() -> str | None:
    """The commit that was checked out, and whether the package differs from it; None where there is no git."""
    try:
        found, changed = (
            subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=True).stdout.strip()
            for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", "src"])
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{found}, changed" if changed else found


def command(script: str, *given: str) -> str:
    """Return what to type to measure the same; where results go is nobody else's concern.

    >>> command("benchmarks/engine.py", "--json", "found.json", "--rows", "predict*", "--resume")
    "python benchmarks/engine.py --rows 'predict*'"
    """
    files = ("--json", "--docs", "--plot")
    pairs = zip(given, ("", *given[:-1]), strict=True)
    told = [each for each, before in pairs if each not in (*files, "--resume") and before not in files]
    return shlex.join(["python", f"benchmarks/{Path(script).name}", *told])


def head(about: dict[str, Any]) -> list[str]:
    """Say where and with what this was measured."""
    found = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    commit = f" (commit {about['commit']})" if about.get("commit") else ""
    vectors = ", ".join(about["extensions"])
    return [
        f"{about['date']}; {about['processor']}, {about['cores']} cores, {vectors}; {about['system']}",
        *("", f"{found}{commit}", "", f"`{about['command']}`"),
    ]


# --- the parts of a page that a command writes, between two markers, in prose that a person wrote ----------

BEGIN, END = "<!-- {}: what follows is written by the command -->", "<!-- {}: end -->"


def parser(description: str | None, *parts: str) -> argparse.ArgumentParser:
    """Return a parser that knows --docs, for a page with these parts."""

    def page(path: str) -> Path:
        if wrong := missing(Path(path), parts):
            raise argparse.ArgumentTypeError(wrong)
        return Path(path)

    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    told = "put the tables into this page, between its markers"
    made.add_argument("--docs", type=page, metavar="FILE", help=told)
    return made


def missing(page: Path, names: Sequence[str]) -> str | None:
    """Say what is wrong with a page whose parts are to be replaced, before anything is measured for it."""
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return f"{page} cannot be read: {error}"
    for name in names:
        begin, end = text.find(BEGIN.format(name)), text.find(END.format(name))
        if not 0 <= begin < end:
            return f'{page} has no part "{name}": expected {BEGIN.format(name)} … {END.format(name)}'
    return None


def replace(page: Path | None, name: str, lines: Sequence[str]) -> None:
    """Put these lines in the place of a part of a page, if there is a page.

    Raises:
        ValueError: it has no such part.
    """
    if page is None:
        return
    if wrong := missing(page, [name]):
        raise ValueError(wrong)
    begin, end = BEGIN.format(name), END.format(name)
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    body = "\n".join(lines).strip("\n")
    page.write_text(f"{before}{begin}\n\n{body}\n\n{end}{rest.partition(end)[2]}", encoding="utf-8")
