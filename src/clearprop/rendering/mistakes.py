"""The known mistakes as a document, and a cycle as someone who makes one of them writes it, beside the right one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from clearprop.checking.bank import BANK
from clearprop.checking.mistake import Mistake
from clearprop.checking.mistakes import Mistakes
from clearprop.checking.spelling import meant
from clearprop.checking.wrong_cycle import WrongCycle, WrongLine, wrong_cycle
from clearprop.derivation.local_derivatives import plugged
from clearprop.expressions import Expression, Number, Symbol, text
from clearprop.messages import counted
from clearprop.network.description import Network
from clearprop.network.layer import Dense
from clearprop.network.names import Names
from clearprop.propagation.cycle import Cycle
from clearprop.rendering.compose import lines
from clearprop.rendering.document import Block, Cell, Document, Equation, Grid, Heading, Paragraph, View
from clearprop.rendering.explanation import in_notation
from clearprop.rendering.formats import Result


def mistakes_result(found: Mistakes) -> Result:
    """Return the bank to print."""
    title = "Known mistakes" if found.cycle is None else found.cycle.problem.heading
    return Result(title, mistakes_document(found), mistakes_view(found), found.structure)


def mistakes_view(found: Mistakes) -> View:
    """Return how names look; the bank alone names no quantity of a network, so any network will do."""
    return View(Names(Network(1, [Dense(1)])) if found.cycle is None else found.cycle.names)


def mistakes_document(found: Mistakes) -> Document:
    """Describe the bank; or what of it can be seen on a network."""
    return tuple(_bank(found) if found.cycle is None else _seen(found))


def _bank(found: Mistakes) -> Iterator[Block]:
    yield Heading(1, f"{len(found)} known mistakes")
    for stage in dict.fromkeys(each.stage for each in found.known):
        yield Heading(2, stage)
        rows = [(each.name, each.instead, each.says, each.source) for each in found.known if each.stage == stage]
        yield Grid(("name", "computed instead", "what was done, and what to do", "source"), tuple(rows))


def _seen(found: Mistakes) -> Iterator[Block]:
    assert found.cycle is not None
    assert found.tied is not None
    here = len(BANK) - len(found.elsewhere)
    yield Heading(1, f"{found.cycle.problem.heading}: {here} of {len(BANK)} known mistakes can be made here")
    for on, groups in found.tied.items():
        yield Heading(2, f"Where a sheet asks for {on}")
        if not groups:
            yield Paragraph("All of them can be told apart.")
        else:
            yield Paragraph("These cannot be told apart; each row is one group:")
            yield Grid(("",), tuple((", ".join(group),) for group in groups))
    yield Heading(2, "Without a trace")
    yield Paragraph(
        f"These change no number of this cycle: {', '.join(found.no_trace)}."
        if found.no_trace
        else "Every mistake that can be made here changes some number."
    )


# --- a wrong cycle beside the right one -----------------------------------------------------------------


def explain_mistake(
    cycle: Cycle,
    mistake: str,
    *names: str,
    digits: int = 5,
    rounding: Literal["nearest", "truncate"] = "nearest",
    notation: str | None = None,
) -> Result:
    """Return a cycle with a mistake beside the right one, to print; of the quantities that are named, or all."""
    cycle = in_notation(cycle, notation)
    view = View(cycle.names, digits, rounding)
    asked = tuple(meant(cycle, name) for name in names)
    wrong = wrong_cycle(cycle, mistake, asked)
    taken = [line for line in wrong.lines if not asked or line.quantity in asked]
    document = tuple(_wrong_cycle(wrong, taken, view))
    return Result(cycle.problem.heading, document, view, lambda: _structure(wrong, taken, view))


def _wrong_cycle(wrong: WrongCycle, taken: Sequence[WrongLine], view: View) -> Iterator[Block]:
    mistake = wrong.mistake
    yield Heading(1, f"{wrong.cycle.problem.heading}: one cycle with the mistake {mistake.name}")
    yield Paragraph(f"{mistake.says} Instead of the right formula, the wrong cycle has {mistake.instead}.")
    rewritten = [line for line in taken if line.wrong is not None]
    yield Heading(2, "The lines with the mistake")
    if not rewritten:
        yield Paragraph("None of these lines has the mistake itself; some may follow from lines that do.")
    for line in rewritten:
        assert line.wrong is not None
        name = view.names.text(line.quantity)
        yield Paragraph(f"{name}, right:")
        yield _equation(line, line.right, wrong.right_numbers)
        yield Paragraph(f"{name}, with the mistake, from the numbers above it in the wrong cycle:")
        yield _equation(line, line.wrong, wrong.wrong_numbers)
    changed = sum(line.differs for line in taken)
    yield Heading(2, "Both cycles, line by line")
    yield Paragraph(f"The mistake changes {counted(changed, 'number')} of {len(taken)}.")
    rows: list[tuple[Cell, ...]] = []
    for line in taken:
        said = "the mistake" if line.wrong is not None else "follows from it" if line.differs else ""
        rows.append((Symbol(line.quantity), Number(line.right_value), Number(line.wrong_value), said))
    yield Grid(("", "right", "with the mistake", ""), tuple(rows))


def _equation(line: WrongLine, tree: Expression, numbers: Mapping[Any, float]) -> Equation:
    value = line.right_value if tree is line.right else line.wrong_value
    return Equation(Symbol(line.quantity), lines(tree, plugged(tree, numbers.__getitem__), Number(value)))


def _structure(wrong: WrongCycle, taken: Sequence[WrongLine], view: View) -> dict[str, Any]:
    def side(tree: Expression, value: float) -> dict[str, Any]:
        return {"expression": text(tree, view.name), "value": value}

    return {
        "mistake": mistake_structure(wrong.mistake),
        "lines": [
            {
                "quantity": view.names.text(line.quantity),
                "rewritten": line.wrong is not None,
                "right": side(line.right, line.right_value),
                "wrong": side(line.right if line.wrong is None else line.wrong, line.wrong_value),
            }
            for line in taken
        ],
    }


def mistake_structure(mistake: Mistake) -> dict[str, str]:
    """Return a mistake as a dictionary."""
    return {
        "name": mistake.name,
        "instead": mistake.instead,
        "stage": mistake.stage.value,
        "says": mistake.says,
        "source": mistake.source,
    }
