"""A comparison of two networks as a document and as a structure."""

from __future__ import annotations

import math
from typing import Any

from clearprop.interop.compare import KINDS, Comparison
from clearprop.messages import brief, counted
from clearprop.rendering.document import Document, Grid, Lines, Paragraph, View
from clearprop.rendering.formats import Result


def comparison_result(found: Comparison) -> Result:
    """Return a comparison to print."""
    view = View(found.problem.names)
    return Result(found.problem.heading, comparison_document(found), view, lambda: comparison_structure(found))


def comparison_document(found: Comparison) -> Document:
    """Describe the largest difference of each kind, the first quantity that differs, and why."""
    rows = tuple((kind, _shown(found.largest[kind])) for kind in KINDS)
    lines = [f"{counted(found.rows, 'row')}, tolerance {brief(found.tolerance)}", *found.notes, *found.structure]
    first = found.first_difference
    if found.same:
        verdict = "The two agree."
    elif first is None:
        verdict = "The two differ."
    else:
        verdict = (
            f"The first quantity that differs is {first['quantity']}: {_number(first['a'])} and {_number(first['b'])}."
        )
    blocks: list[Any] = [Lines(tuple(lines)), Grid(("numbers", "largest difference"), rows), Paragraph(verdict)]
    if found.unseen:
        blocks.append(Paragraph("The second network's optimizer differs in what the first step does not show:"))
        blocks.append(Lines(tuple(found.unseen)))
    if found.conventions:
        blocks.append(Paragraph("Changes to the first network that explain the difference:"))
        blocks.append(Lines(tuple(_line(each) for each in found.conventions)))
    elif not found.same and not found.structure:
        blocks.append(Paragraph("No known convention explains the difference."))
    return tuple(blocks)


def _line(each: Any) -> str:
    tied = f" (cannot be told apart here from {' or '.join(each['tied_with'])})" if "tied_with" in each else ""
    change = "" if each["change"] is None else f"{each['change']}: "
    return f"{change}{each['says']}{tied}"


def _shown(value: float) -> str:
    return "not compared" if math.isnan(value) else brief(value, ".1e") if value else "0"


def _number(value: Any) -> str:
    return value if isinstance(value, str) else brief(value, ".10g")


def comparison_structure(found: Comparison) -> dict[str, Any]:
    """Return the comparison for ``compare --format json``."""
    return {
        "same": found.same,
        "largest": {kind: None if math.isnan(value) else value for kind, value in found.largest.items()},
        "first_difference": None if found.first_difference is None else dict(found.first_difference),
        "conventions": [dict(each) for each in found.conventions],
        "structure": list(found.structure),
        "unseen": list(found.unseen),
        "notes": list(found.notes),
    }


def answer_result(found: list[dict[str, Any]] | None) -> Result:
    """Return what a probe's answer says, to print: None where no known conventions give its numbers."""
    from clearprop.interop.probe import probe

    problem = probe()
    if found is None:
        said = ["No known conventions give these numbers."]
    elif not found:
        said = ["The program has clearprop's own conventions."]
    else:
        said = ["The program has clearprop's conventions, except:", *map(_line, found)]
    structure = {"known": found is not None, "conventions": found or []}
    return Result("probe", (Lines(tuple(said)),), View(problem.names), lambda: structure)
