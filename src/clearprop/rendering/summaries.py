"""Documents about more than one derivation: the largest paths of a gradient, a table over cycles; and about
none: a problem as it is given."""

from __future__ import annotations

from collections.abc import Sequence

from clearprop.derivation.paths import Path
from clearprop.expressions import Expression, Number, Symbol
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, moments
from clearprop.rendering.compose import column_groups
from clearprop.rendering.conventions import DRAWN_LIMIT, in_words
from clearprop.rendering.document import (
    Diagram,
    Document,
    Equation,
    Heading,
    Line,
    Paragraph,
    Table,
    View,
)


def paths_document(cycle: Cycle, index: int, paths: tuple[Path, ...], view: View) -> Document:
    """The largest path contributions to one gradient."""
    parameter = q.Parameter(index)
    gradient = float(cycle.gradients.of.vector[index])
    derivative = q.Derivative(q.TotalError(), parameter)
    name = view.names.text(derivative)
    rows = tuple(
        (
            " → ".join([view.names.text(parameter), *(view.names.text(quantity) for quantity in path.quantities())]),
            Number(path.contribution),
        )
        for path in paths
    )
    shown = sum(path.contribution for path in paths)
    what = "path" if len(paths) == 1 else f"{len(paths)} paths"
    return (
        Heading(3, f"{name}: the largest path contributions"),
        Table(("path", "contribution"), rows),
        Equation(
            Symbol(derivative),
            (Line(Number(gradient), "the sum over all paths"),),
        ),
        Paragraph(f"The {what} shown add up to {view.number(shown)}."),
    )


def cycles_document(cycles: Sequence[Cycle], view: View) -> Document:
    """A table of the error and every parameter over cycles, the start included."""
    first = cycles[0]
    header = ("cycle", Symbol(q.TotalError()), *(Symbol(q.Parameter(i)) for i in range(len(first.parameters))))
    body = tuple(
        (Number(float(n)), Number(error), *(Number(value) for value in parameters.vector.tolist()))
        for n, (error, parameters) in enumerate(moments(cycles))
    )
    return (
        Heading(1, f"{first.problem.name}: the first {len(cycles)} cycles"),
        Paragraph("Row 0 is the start; row N is after N updates."),
        *column_groups(header, body, fixed=2),
    )


def problem_document(problem: Problem, view: View) -> Document:
    """A problem before anything has been computed: the network drawn, and what it is to learn from and how."""
    parameters = problem.parameters
    vector = parameters.vector if len(parameters) <= DRAWN_LIMIT else ()
    drawn: dict[Quantity, float] = {q.Parameter(index): float(value) for index, value in enumerate(vector)}
    examples = problem.examples
    rate = f"{view.names.text(q.LearningRate())} = {view.number(problem.optimizer.learning_rate)}"
    rows: list[tuple[str, str | Expression]] = [
        ("parameters", f"{len(parameters):,}"),
        ("loss", problem.network.loss.rule.name),
        ("error of one output", in_words(problem.network.loss.rule.formula)),
        ("optimizer", f"{problem.optimizer.name}, learning rate {rate}"),
        ("examples", "none" if examples is None else f"{len(examples):,}"),
    ]
    if examples is not None and examples.validation is not None:
        rows.append(("of these for validation", f"{len(examples.validation):,}"))
    return Heading(1, problem.name), Diagram(problem.network, drawn), Table(("", ""), tuple(rows))
