"""An explanation: derivations of a cycle as a document and as JSON, in every format."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from clearprop.derivation.derive import Derivation, Derivations, GradientDerivation
from clearprop.derivation.paths import Path, largest_paths
from clearprop.display import Displayable
from clearprop.errors import InvalidArgument
from clearprop.fields import accepted, either, integer, of_kind, one_of, optional, string, suggests_options
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.network.notation import NOTATIONS
from clearprop.propagation.cycle import Cycle, following
from clearprop.propagation.cycle import cycle as run
from clearprop.rendering.as_json import cycle_structure, cycles_structure, paths_structure
from clearprop.rendering.compose import derivation_blocks
from clearprop.rendering.conventions import ended_words, fits_in_full, remarks
from clearprop.rendering.document import Block, Document, Heading, Paragraph, View
from clearprop.rendering.formats import write
from clearprop.rendering.summaries import cycles_document, paths_document
from clearprop.rendering.whole_cycle import cycle_document, forward_alone, reached_document
from clearprop.verification.finite_differences import Differences


@dataclass(frozen=True, repr=False)
class Explanation(Displayable):
    """The answer to a question about a cycle, ready to be printed.

    ``print(explanation)`` shows it as text; ``text``, ``markdown``, ``latex``, ``html`` and ``json``
    return it in that format. A notebook shows it as HTML.
    """

    cycle: Cycle
    document: Document
    view: View
    derivations: tuple[Derivation, ...]
    paths: tuple[tuple[int, tuple[Path, ...]], ...] = ()
    cycles: tuple[Cycle, ...] = ()

    def __repr__(self) -> str:
        headings = [block.text for block in self.document if isinstance(block, Heading)]
        more = ["…"] if headings[3:] else []
        return f"Explanation({self.title!r}: {', '.join([*headings[:3], *more])})"

    def __str__(self) -> str:
        return self.text()

    @property
    def title(self) -> str:
        """The title of a page about it."""
        return self.cycle.problem.heading

    def write(self, format: str = "text", **options: Any) -> str:
        """Return it in any format of the table ``clearprop.rendering.formats.FORMATS``."""
        return write(self, format, **options)

    def text(self, *, width: int = 80, colour: bool = False) -> str:
        """Return plain text for a terminal."""
        return self.write("text", width=width, colour=colour)

    def markdown(self) -> str:
        """Return GitHub-flavoured markdown with LaTeX mathematics."""
        return self.write("markdown")

    def latex(self, *, fragment: bool = False) -> str:
        """Return a complete LaTeX document, or with ``fragment`` only its body."""
        return self.write("latex", fragment=fragment)

    def html(self, *, fragment: bool = False) -> str:
        """Return a complete page without scripts, or with ``fragment`` only its body and styles."""
        return self.write("html", fragment=fragment)

    def structure(self) -> dict[str, Any]:
        """Return the explanation as nested dictionaries and lists, in full precision."""
        if self.cycles:
            return {"cycles": cycles_structure(self.cycles)}
        whole = cycle_structure(self.cycle, self.derivations)
        for index, paths in self.paths:
            name = self.cycle.names.text(q.Parameter(index))
            own = whole["derivations"].setdefault(name, {})
            own["paths"] = paths_structure(paths, self.cycle.names)
        return whole

    def json(self) -> str:
        """Return the structure as JSON text."""
        return self.write("json")


@suggests_options()
def explain(
    cycle: Cycle | Any,
    *names: Any,
    digits: int = 5,
    rounding: Literal["nearest", "truncate"] = "nearest",
    notation: str | None = None,
    paths: int | None = None,
) -> Explanation:
    """Explain a whole cycle, or the quantities that are named.

    ``explain(estimator, X, y, "w5")`` explains the cycle of a fitted estimator on these rows, as one batch.

    Raises:
        UnknownName: a name that nothing in the network has.
        InvalidArgument: digits out of range, or a quantity that has no derivation.

    >>> import clearprop as cp
    >>> from clearprop.propagation.cycle import cycle
    >>> print(explain(cycle(cp.load("lecture")), "sum_h1"))
    sum_h1
      sum_h1 = i1 * w1 + i2 * w3 + b1 = 0.1 * 0.1 + 0.5 * 0.3 + 0.25 = 0.41
    <BLANKLINE>
    """
    if hasattr(cycle, "clearprop_problem"):
        cycle, names = _of_estimator(cycle, names)
    accepted(of_kind(Cycle, "a Cycle, such as cycle(problem) gives"), cycle, "cycle")
    for name in names:
        accepted(string, name, "names")
    digits, paths = accepted(integer(0, 17), digits, "digits"), accepted(optional(integer(1)), paths, "paths")
    accepted(either("nearest", "truncate"), rounding, "rounding")
    cycle = in_notation(cycle, accepted(optional(one_of("notation", NOTATIONS)), notation, "notation"))
    view = View(cycle.names, digits, rounding)
    derivations = Derivations(cycle)
    quantities = [cycle.find(name) for name in names]
    if paths is not None:
        return _paths(derivations, quantities, paths, view)
    if names:
        named = tuple(derivations[quantity] for quantity in quantities)
        if cycle.learning is None:
            blocks = (*remarks(cycle.problem), *derivation_blocks(named, view), forward_alone(cycle))
            return Explanation(cycle, blocks, view, named)
        blocks = (*remarks(cycle.problem), *derivation_blocks(named, view, Differences(cycle)))
        if cycle.ended is not None:
            blocks = (Paragraph(f"Steps: {ended_words(cycle)}."), *blocks)
        return Explanation(cycle, blocks, view, named)
    document = cycle_document(derivations, view)
    indices = range(len(cycle.parameters) if fits_in_full(cycle) and cycle.learning is not None else 0)
    return Explanation(cycle, document, view, tuple(map(derivations.gradient, indices)))


def _of_estimator(estimator: Any, given: tuple[Any, ...]) -> tuple[Cycle, tuple[Any, ...]]:
    """Return the cycle of an estimator on rows, and the names that follow them."""
    if len(given) < 2 or any(isinstance(each, str) for each in given[:2]):
        raise InvalidArgument("explain: an estimator takes rows and their targets first: explain(estimator, X, y, …)")
    problem = estimator.clearprop_problem(*given[:2])
    assert problem.examples is not None
    return run(problem, 1 if len(problem.examples) == 1 else "all"), given[2:]


def explain_reached(
    cycle: Cycle,
    *names: str,
    digits: int = 5,
    rounding: Literal["nearest", "truncate"] = "nearest",
    notation: str | None = None,
) -> Explanation:
    """Explain a cycle as far as its numbers are finite; with names, its backward pass alone."""
    cycle = in_notation(cycle, notation)
    view = View(cycle.names, digits, rounding)
    return Explanation(cycle, reached_document(Derivations(cycle), view, forward=not names), view, ())


def explain_cycles(
    first: Cycle,
    count: int,
    *,
    digits: int = 5,
    rounding: Literal["nearest", "truncate"] = "nearest",
    notation: str | None = None,
) -> Explanation:
    """Explain ``count`` cycles on the same example, from ``first`` on: the error and every parameter."""
    cycles = [in_notation(first, notation)]
    while len(cycles) < count:
        cycles.append(following(cycles[-1]))
    view = View(cycles[0].names, digits, rounding)
    return Explanation(cycles[0], cycles_document(cycles), view, (), cycles=tuple(cycles))


def _paths(derivations: Derivations, quantities: list[Quantity], count: int, view: View) -> Explanation:
    cycle = derivations.cycle
    if cycle.example == "all":
        raise InvalidArgument("paths: they are those of one example; choose it with --example K")
    indices = []
    for quantity in quantities:
        match quantity:
            case q.Parameter(index) | q.Derivative(q.TotalError(), q.Parameter(index)):
                indices.append(index)
            case _:
                raise InvalidArgument(
                    f"paths: expected the name of a weight or bias, found {cycle.names.text(quantity)}"
                )
    if not indices:
        raise InvalidArgument("paths: name the weight or bias from which they lead, such as w1")
    found = tuple((index, largest_paths(derivations.chains[0], index, count)) for index in indices)
    blocks: list[Block] = [*remarks(cycle.problem)]
    for index, paths in found:
        of = q.WithoutPenalty() if derivations.lines.penalized(index) else q.TotalError()
        derivation = derivations[q.Derivative(of, q.Parameter(index))]
        assert isinstance(derivation, GradientDerivation)
        blocks += paths_document(derivation, paths, view)
    return Explanation(cycle, tuple(blocks), view, tuple(map(derivations.gradient, indices)), found)


def in_notation(cycle: Cycle, name: str | None) -> Cycle:
    """Return the same cycle with its quantities named in another notation."""
    if name is None or name == cycle.problem.notation:
        return cycle
    return replace(cycle, problem=replace(cycle.problem, notation=name))
