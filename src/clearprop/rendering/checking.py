"""A marked sheet, or those of a class, as a document: what is wrong first, why, and what was right in the rest."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from clearprop.checking.marked import Finding, Marked, MarkedClass, MarkedLine
from clearprop.checking.mistakes import known
from clearprop.checking.verdicts import Verdict
from clearprop.checking.written import Asked
from clearprop.derivation.lines import Stage
from clearprop.derivation.local_derivatives import plugged
from clearprop.expressions import Expression, Number, Symbol, evaluate
from clearprop.messages import abridged, counted, listing
from clearprop.network.names import Quantity
from clearprop.rendering.compose import lines
from clearprop.rendering.document import Block, Cell, Document, Equation, Grid, Heading, Lines, Paragraph, View
from clearprop.rendering.formats import Result

SHOWN_LINES = 12
"""The most lines that a sentence names."""
STAGES = {
    Stage.FORWARD: "forward propagation",
    Stage.ERROR: "the error",
    Stage.OUTPUT_SIGNAL: "error signals of the outputs",
    Stage.WEIGHT_GRADIENT: "gradients",
    Stage.HIDDEN_SIGNAL: "error signals of hidden units",
    Stage.UPDATE: "the update",
}


def check_result(marked: Marked | MarkedClass, asked: Asked | None = None) -> Result:
    """Return a marked sheet, or a marked class, to print."""
    problem = marked.cycle.problem
    return Result(problem.heading, checking_document(marked), checking_view(marked, asked), marked.structure)


def checking_view(marked: Marked | MarkedClass, asked: Asked | None = None) -> View:
    """Return how numbers look: with the decimals that the sheet asks for, else as many as it has."""
    if asked is not None and asked.digits is not None:
        return View(marked.cycle.names, asked.digits, "truncate" if asked.truncated else "nearest")
    sheet = marked if isinstance(marked, Marked) else next(iter(marked.students.values()))
    written = (re.match(r"\D*\d*[.,](\d+)", line.given) for line in sheet.lines)
    digits = max((len(each[1]) for each in written if each), default=5)
    return View(marked.cycle.names, min(max(digits, 3), 12))


def checking_document(marked: Marked | MarkedClass) -> Document:
    """Describe a marked sheet, or a class."""
    return tuple(_class(marked) if isinstance(marked, MarkedClass) else _sheet(marked))


def shown_text(text: str) -> str:
    """Return text from a sheet as it may be shown anywhere."""
    return abridged(" ".join(text.split()), 40)


# --- one sheet ------------------------------------------------------------------------------------------


def _sheet(marked: Marked) -> Iterator[Block]:
    of = f" of {shown_text(marked.name)}" if marked.name else ""
    yield Heading(1, f"{marked.cycle.problem.heading}: the sheet{of}, {marked.points} of {marked.marks['of']} right")
    yield Lines(tuple(_summary(marked)))
    if marked.first_wrong is not None:
        yield from _first_wrong(marked)
    if marked.mistakes or marked.conventions or marked.unexplained:
        yield Heading(2, "What happened")
        yield from _findings(marked)
    yield Heading(2, "Every line")
    yield Grid(("", "on the sheet", "expected", ""), tuple(map(_row, marked.lines)))


def _summary(marked: Marked) -> Iterator[str]:
    marks = marked.marks
    words = [f"{marks['right']} right"]
    if marks["carried"]:
        words.append(f"{marks['carried']} carried (they follow from the numbers on the sheet: full marks)")
    if marks["unfollowed"]:
        words.append(f"{marks['unfollowed']} unfollowed (right, though not from the numbers above them: full marks)")
    words += [f"{marks[key]} {key}" for key in ("wrong", "missing") if marks[key]]
    yield ", ".join(words)
    yield from marked.notes
    if marked.first_wrong is not None and (rest := _right_parts(marked)):
        yield f"all right: {listing(rest, SHOWN_LINES)}"


def _right_parts(marked: Marked) -> list[str]:
    """Return the parts of the cycle in which no line is wrong or missing."""
    parts: dict[Stage, bool] = {}
    for line in marked.lines:
        stage = marked.order.lines.stage(_of(line))
        parts[stage] = parts.get(stage, True) and line.verdict not in (Verdict.WRONG, Verdict.MISSING)
    return [STAGES[stage] for stage, right in parts.items() if right]


def _of(line: MarkedLine) -> Quantity:
    assert line.of is not None
    return line.of


def _first_wrong(marked: Marked) -> Iterator[Block]:
    line = next(line for line in marked.lines if line.verdict is Verdict.WRONG)
    yield Heading(2, f"The first wrong line: {line.quantity}")
    given = shown_text(line.given)
    if line.value is None:
        yield Paragraph(f'The sheet has "{given}", which is not a number.')
    elif line.trivial:
        yield Paragraph(f"The sheet has {given}: a wrong number above it leaves nothing to compute here.")
    else:
        yield Paragraph(f"The sheet has {given}. From the numbers above it, it should be:")
    yield _equation(marked, line, marked.order.right(marked.order.position[_of(line)]).tree)
    wrong = [each for each in marked.mistakes + marked.conventions if line.quantity in each.lines]
    for each in wrong:
        tree = _wrong_tree(marked, line, each)
        if tree is not None:
            yield Paragraph("In the other convention:" if each.convention else f"With the mistake {each.name}:")
            yield _equation(marked, line, tree)


def _wrong_tree(marked: Marked, line: MarkedLine, finding: Finding) -> Expression | None:
    """Return what a finding has in place of a line, where it is made in the line itself."""
    if finding.candidate is None:
        return None
    formula = finding.candidate.formulas.get(marked.order.position[_of(line)])
    return None if formula is None else formula.tree


def _equation(marked: Marked, line: MarkedLine, tree: Expression) -> Equation:
    """``quantity = formula = the same with the sheet's numbers = value``"""

    def number(key: Any) -> float:
        found = marked.numbers.get(key)
        if found is not None:
            return found
        position = marked.order.position.get(key)
        return marked.cycle.value(key, 0) if position is None else marked.order.true(position)

    with_numbers = plugged(tree, number)
    return Equation(Symbol(_of(line)), lines(tree, with_numbers, Number(float(evaluate(with_numbers, {})))))


def _findings(marked: Marked) -> Iterator[Block]:
    for each in marked.conventions:
        alone = "" if marked.mistakes or len(marked.conventions) > 1 else "Right in another convention: "
        change = f" ({each.change})" if each.change else ""
        yield Paragraph(f"{alone}{each.says}{change}. Lines: {listing(each.lines, SHOWN_LINES)}.{_tie(each)}")
    for each in marked.mistakes:
        yield Paragraph(f"{each.says} ({each.name}: {listing(each.lines, SHOWN_LINES)}){_tie(each)}")
    if marked.unexplained:
        yield Paragraph(
            f"Wrong, and none of the {known()} known mistakes gives it: {listing(marked.unexplained, SHOWN_LINES)}."
        )


def _tie(finding: Finding) -> str:
    if not finding.tied_with:
        return ""
    apart = f"; {finding.separated_by} would tell them apart" if finding.separated_by else ""
    return f" The same numbers also come from {listing(finding.tied_with, SHOWN_LINES)}{apart}."


def _row(line: MarkedLine) -> tuple[Cell, ...]:
    said: str = line.verdict.value
    if line.trivial:
        said += ": a wrong number above leaves nothing to compute"
    elif line.given.strip() and line.value is None:
        said += ": not a number"
    expected: Cell = Number(line.expected) if line.verdict is not Verdict.RIGHT else ""
    return Symbol(_of(line)), shown_text(line.given), expected, said


# --- a class --------------------------------------------------------------------------------------------


def _class(marked: MarkedClass) -> Iterator[Block]:
    yield Heading(1, f"{marked.cycle.problem.heading}: {counted(len(marked.students), 'sheet')}")
    right = sum(each.all_right for each in marked.students.values())
    yield Lines((f"all right: {right:,} of {counted(len(marked.students), 'sheet')}",))
    if marked.common:
        yield Heading(2, "The most common mistakes")
        yield Grid(("", "students", ""), tuple((name, f"{count}", marked.says(name)) for name, count in marked.common))
    yield Heading(2, "Marks")
    rows = []
    for name, sheet in marked.students.items():
        marks = f"{sheet.points} of {sheet.marks['of']}"
        rows.append((shown_text(name), marks, sheet.first_wrong or "", ", ".join(named(sheet))))
    yield Grid(("", "marks", "first wrong", "mistakes"), tuple(rows))


def named(sheet: Marked) -> Sequence[str]:
    """Return what explains a sheet's wrong lines, tied mistakes joined by "or"."""
    groups: dict[frozenset[str], None] = {}
    for each in (*sheet.conventions, *sheet.mistakes):
        groups[frozenset((each.name, *each.tied_with))] = None
    order = [each.name for each in (*sheet.conventions, *sheet.mistakes)]
    return [" or ".join(sorted(group, key=lambda name: order.index(name) if name in order else 99)) for group in groups]


# --- CSV ------------------------------------------------------------------------------------------------


def check_csv(marked: Marked | MarkedClass) -> str:
    """Return the marks as CSV: a row for each line of a sheet, or for each student of a class."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if isinstance(marked, Marked):
        writer.writerow(["quantity", "given", "expected", "true", "verdict", "band", "mistakes"])
        for line in marked.lines:
            by = [each.name for each in (*marked.conventions, *marked.mistakes) if line.quantity in each.lines]
            numbers = [repr(line.expected), repr(line.true), line.verdict.value, repr(line.band)]
            writer.writerow([line.quantity, harmless(line.given), *numbers, " ".join(by)])
        return out.getvalue()
    counts = "right", "carried", "unfollowed", "wrong", "missing", "of"
    writer.writerow(["name", "points", *counts, "first_wrong", "mistakes"])
    for name, sheet in marked.students.items():
        marks = [sheet.marks[key] for key in counts]
        writer.writerow([harmless(name), sheet.points, *marks, sheet.first_wrong or "", "; ".join(named(sheet))])
    return out.getvalue()


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, and no terminal for a command.

    >>> harmless("=cmd|' /C calc'!A0"), harmless("-0.5"), harmless("Ana")
    ("'=cmd|' /C calc'!A0", '-0.5', 'Ana')
    """
    clean = "".join(character if character.isprintable() else "�" for character in text)
    number = re.fullmatch(r"[-+]?[\d.,]+(e[-+]?\d+)?", clean, re.IGNORECASE)
    return f"'{clean}" if clean[:1] in ("=", "+", "-", "@", "\t") and number is None else clean
