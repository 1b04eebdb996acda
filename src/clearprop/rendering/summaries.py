"""Documents that sum up: the largest paths of a gradient, and a table over cycles."""

from __future__ import annotations

from collections.abc import Sequence

from clearprop.derivation.derive import GradientDerivation
from clearprop.derivation.paths import Path
from clearprop.expressions import Number, Symbol
from clearprop.messages import counted
from clearprop.network import names as q
from clearprop.propagation.cycle import Cycle, moments
from clearprop.rendering.compose import column_groups
from clearprop.rendering.conventions import learnt_from, on_which, remarks
from clearprop.rendering.document import Document, Equation, Grid, Heading, Line, Paragraph, View


def paths_document(derivation: GradientDerivation, paths: tuple[Path, ...], view: View) -> Document:
    """Describe the largest path contributions to one gradient, which is that of the errors without the penalty."""
    derivative, parameter = derivation.derivative, derivation.quantity
    along = [" → ".join(map(view.names.text, (parameter, *path.quantities()))) for path in paths]
    rows = tuple((units, Number(path.contribution)) for units, path in zip(along, paths, strict=True))
    shown = sum(path.contribution for path in paths)
    what = "path shown contributes" if len(paths) == 1 else f"{len(paths)} paths shown add up to"
    return (
        Heading(3, f"{view.names.text(derivative)}: the largest path contributions"),
        Grid(("path", "contribution"), rows),
        Equation(Symbol(derivative), (Line(Number(derivation.gradient), "the sum over all paths"),)),
        Paragraph(f"The {what} {view.number(shown)}."),
    )


def _whose(first: Cycle) -> str:
    """Say where a training learns from something else, and how to see its table."""
    if (source := learnt_from(first)) is None:
        return ""
    alone = "" if first.example == "all" else f" Every cycle is on example {first.example} alone."
    how = "" if first.example == "all" else "; --example all shows its table"
    if source.startswith("batches"):
        how = ""
    return f"{alone} Training uses {source}{how}."


def cycles_document(cycles: Sequence[Cycle]) -> Document:
    """Describe the error and every parameter over cycles, the start included."""
    first = cycles[0]
    number = "cycle" if len(cycles) == 1 else counted(len(cycles), "cycle")
    header = ("cycle", Symbol(q.TotalError()), *(Symbol(q.Parameter(i)) for i in range(len(first.parameters))))
    body = tuple(
        (Number(float(n)), Number(error), *(Number(value) for value in parameters.vector.tolist()))
        for n, (error, parameters) in enumerate(moments(cycles))
    )
    return (
        Heading(1, f"{first.problem.heading}: the first {number}{on_which(first)}"),
        *remarks(first.problem),
        Paragraph("Row 0 is the start; row N is after N updates." + _whose(first)),
        *column_groups(header, body, fixed=2),
    )
