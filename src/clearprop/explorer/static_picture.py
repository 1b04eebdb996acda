"""A static picture of the network for places where no script runs: the diagram of an explanation, for one example."""

from __future__ import annotations

from clearprop.errors import NotFinite
from clearprop.messages import abridged
from clearprop.network import names as q
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, cycle
from clearprop.rendering.conventions import drawn_values, remarks
from clearprop.rendering.document import Diagram, Document, Paragraph, View, shown_number

MOST = 8
"""The most outputs that are listed below the picture."""


def still(problem: Problem) -> tuple[Document, View]:
    """Return the network with the numbers of the first training example, drawn and in words; or the cause if
    its numbers are not finite."""
    assert problem.examples is not None
    view = View(problem.names)
    try:
        done = cycle(problem, int(problem.examples.learnt[0]) + 1)
    except NotFinite as error:
        return (Paragraph(str(error)),), view
    return (*remarks(problem), Diagram(problem.network, drawn_values(done)), Paragraph(_words(done))), view


def _words(done: Cycle) -> str:
    names, network = done.names, done.problem.network
    last = network.depth - 1
    shown: list[q.Quantity] = [*(q.Output(last, k) for k in range(min(MOST, network.sizes[-1]))), q.TotalError()]
    numbers = ", ".join(f"{names.text(quantity)} = {shown_number(done.value(quantity))}" for quantity in shown)
    return f"{abridged(done.problem.heading)}, example {done.example}: {numbers}"
