"""The table of results: how each object that prints itself is described."""

from __future__ import annotations

from collections.abc import Iterator

from clearprop.checking.marked import Marked, MarkedClass
from clearprop.checking.mistakes import Mistakes
from clearprop.derivation.derive import GradientDerivation
from clearprop.derivation.values import ValueDerivation
from clearprop.display import MimeType
from clearprop.expressions import Number, Symbol
from clearprop.interop.compare import Comparison
from clearprop.network import names as q
from clearprop.network.description import Network
from clearprop.network.names import Names
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle
from clearprop.rendering.checking import checking_document, checking_view
from clearprop.rendering.comparison import comparison_document
from clearprop.rendering.compose import derivation_blocks
from clearprop.rendering.document import Block, Cell, Curve, Diagram, Document, Grid, Heading, View
from clearprop.rendering.explanation import Explanation
from clearprop.rendering.fit import fit_document
from clearprop.rendering.latex import latex
from clearprop.rendering.mistakes import mistakes_document, mistakes_view
from clearprop.rendering.page import fragment
from clearprop.rendering.problem import network_document, problem_document
from clearprop.rendering.text import text
from clearprop.rendering.verification import verification_document
from clearprop.rendering.whole_cycle import OVERVIEW, cycle_overview
from clearprop.training.fit import Fit
from clearprop.verification.finite_differences import Differences, Verification


def described(result: object) -> tuple[Document, View]:
    """Return the document that describes an object, and how its names and numbers look.

    Raises:
        TypeError: nothing describes such an object.
    """
    match result:
        case Explanation():
            return result.document, result.view
        case GradientDerivation() | ValueDerivation():
            view = View(result.cycle.names)
            differences = None if result.cycle.learning is None else Differences(result.cycle)
            return derivation_blocks([result], view, differences), view
        case Cycle():
            view = View(result.names)
            title, drawing, *rest = cycle_overview(result, view)
            return (title, drawing, *_values(result), *rest), view
        case Network():
            return network_document(result), View(Names(result))
        case Problem():
            return problem_document(result), View(result.names)
        case Fit():
            return fit_document(result), View(result.problem.names)
        case Comparison():
            return comparison_document(result), View(result.problem.names)
        case Verification():
            return verification_document(result), View(result.cycle.names)
        case Marked() | MarkedClass():
            return checking_document(result), checking_view(result)
        case Mistakes():
            return mistakes_document(result), mistakes_view(result)
    raise TypeError(f"nothing describes a {type(result).__name__}")


def render(result: object, kind: MimeType) -> str:
    """Return an object as text, HTML or LaTeX, as a prompt or a notebook shows it.

    Text draws no network, except in an explanation. LaTeX draws nothing: a notebook that is printed loads no
    package to draw with.
    """
    document, view = described(result)
    if kind == "text/html":
        return fragment(document, view)
    if kind == "text/latex":
        return latex(_without(document, Diagram, Curve), view, fragment=True)
    return text(document if isinstance(result, Explanation) else _without(document, Diagram), view)


def _without(document: Document, *kinds: type[Block]) -> Document:
    return tuple(block for block in document if not isinstance(block, kinds))


def _values(cycle: Cycle) -> Iterator[Block]:
    """Yield the weighted sum, output and error signal of each unit, for one example of a small network."""
    if cycle.example == "all" or len(cycle.parameters) > OVERVIEW:
        return
    yield Heading(2, "Values")
    rows: list[tuple[Cell, ...]] = []
    told = cycle.learning is not None
    for layer, size in enumerate(cycle.problem.network.sizes[1:]):
        for unit in range(size):
            total = q.Sum(layer, unit)
            quantities = total, q.Output(layer, unit), *([q.Derivative(q.TotalError(), total)] if told else [])
            rows.append(tuple(cell for each in quantities for cell in (Symbol(each), Number(cycle.value(each)))))
    yield Grid(("",) * (6 if told else 4), tuple(rows))
