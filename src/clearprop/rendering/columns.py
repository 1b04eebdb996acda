"""The use of each column of a table, in a few lines however wide it is."""

from __future__ import annotations

from collections.abc import Iterator

from clearprop.messages import abridged, brief, counted
from clearprop.network.data import shown_label
from clearprop.network.problem import Problem
from clearprop.tables.overview import Becomes, overview

SHOWN = 8
"""The most columns that are named in a line."""


def column_lines(problem: Problem) -> Iterator[str]:
    """Yield a line for each kind of thing that columns become; nothing without a table."""
    if problem.fitted is None:
        return
    found: dict[str, list[str]] = {}
    for each in overview(problem):
        found.setdefault(each.what, []).append(_shown(each))
    heads = {"number": "numbers", "categories": "categories", "left out": "left out", "weights": "weights of rows"}
    for what, head in heads.items():
        if names := found.get(what):
            more = f", … ({len(names):,} in all)" if len(names) > SHOWN else ""
            yield f"{head}: {', '.join(names[:SHOWN])}{more}"
    yield from _targets(problem)


def _shown(column: Becomes) -> str:
    name = abridged(column.name, 30) or '""'
    if column.what == "categories":
        return f"{name} ({counted(column.inputs, 'input')})"
    return f"{name} ({column.why})" if column.why else name


def _targets(problem: Problem) -> Iterator[str]:
    fitted = problem.fitted
    assert fitted is not None
    if fitted.classes is not None:
        few = ", ".join(abridged(shown_label(each), 20) for each in fitted.classes[:SHOWN])
        more = ", …" if len(fitted.classes) > SHOWN else ""
        yield f"target: {abridged(fitted.targets[0], 30)}, {len(fitted.classes):,} classes ({few}{more})"
        return
    names = ", ".join(abridged(name, 30) for name in fitted.targets[:SHOWN])
    names += ", …" if len(fitted.targets) > SHOWN else ""
    if not fitted.standardized:
        yield f"target: {names}, numbers as they are"
    elif len(fitted.standardized) > 1:
        yield f"targets: {names}, numbers, standardized"
    else:
        only = fitted.standardized[0]
        mean, scale = brief(only.mean, ".6g"), brief(only.scale, ".6g")
        yield f"target: {names}, numbers, standardized (mean {mean}, deviation {scale})"
