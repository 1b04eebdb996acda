"""How problems, cycles, derivations, explanations and trainings show themselves in a notebook."""

from __future__ import annotations

from clearprop.derivation.chain import GradientDerivation
from clearprop.derivation.values import ValueDerivation
from clearprop.network import names as q
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle
from clearprop.rendering.compose import derivation_blocks
from clearprop.rendering.document import Curve, Diagram, Document, Heading, Paragraph, Table, View, shown_number
from clearprop.rendering.explanation import Explanation
from clearprop.rendering.latex import latex
from clearprop.rendering.page import fragment
from clearprop.rendering.summaries import problem_document
from clearprop.rendering.text import text
from clearprop.rendering.whole_cycle import cycle_overview
from clearprop.training.loop import Fit
from clearprop.verification.finite_differences import Differences

METRICS = {"r2": "R²", "rmse": "RMSE"}


def mimebundle(shown: object) -> dict[str, str]:
    """The object as HTML, LaTeX and text.

    The LaTeX is without drawings: a notebook that is printed loads no package to draw with.
    """
    document, view = described(shown)
    printed = tuple(block for block in document if not isinstance(block, Diagram | Curve))
    return {
        "text/html": fragment(document, view),
        "text/latex": latex(printed, view, fragment=True),
        "text/plain": text(document, view),
    }


def described(shown: object) -> tuple[Document, View]:
    """What there is to say of an object."""
    match shown:
        case Explanation():
            return shown.document, shown.view
        case GradientDerivation() | ValueDerivation():
            view = View(shown.cycle.names)
            return derivation_blocks([shown], view, Differences(shown.cycle)), view
        case Cycle():
            view = View(shown.names)
            return cycle_overview(shown, view), view
        case Problem():
            view = View(shown.names)
            return problem_document(shown, view), view
        case Fit():
            return fit_document(shown), View(shown.problem.names)
    raise TypeError(f"not shown in notebooks: {type(shown).__name__}")


def fit_document(fit: Fit) -> Document:
    """Why a training ended, what it achieved, and its loss curve."""
    total = fit.problem.names.text(q.TotalError())
    rows = [
        ("epochs", f"{fit.epochs:,}"),
        ("steps", f"{fit.steps:,}"),
        ("seconds", f"{fit.seconds:.2f}"),
        (f"{total} before", shown_number(fit.loss_before, 6)),
        (f"{total} after", shown_number(fit.loss_after, 6)),
    ]
    if fit.validation_loss is not None:
        rows.append((f"{total} of the validation rows", shown_number(fit.validation_loss, 6)))
    for part in ("training", "validation"):
        metrics = fit.metrics(part)
        numbers = {} if metrics is None else metrics.numbers()
        rows += [
            (f"{METRICS.get(name, name)}, {part}", shown_number(value, 4))
            for name, value in numbers.items()
            if value is not None
        ]
    return (
        Heading(1, fit.problem.name),
        Paragraph(f"{fit.reason[0].upper()}{fit.reason[1:]}."),
        Table(("", ""), tuple(rows)),
        Curve(total, tuple(fit.history.loss), tuple(fit.history.validation)),
    )
