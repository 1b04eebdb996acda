"""A still picture of the network, for where no script runs: drawn as in an explanation, with one example's numbers."""

from __future__ import annotations

from clearprop.errors import NotFinite
from clearprop.messages import abridged
from clearprop.network import names as q
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, cycle
from clearprop.rendering.conventions import drawn_values
from clearprop.rendering.document import Diagram, Document, Paragraph, View, shown_number

MOST = 8
"""Of more outputs the first ones are said in words."""


def still(problem: Problem) -> tuple[Document, View]:
    """The network with the numbers of the first example that is learnt from, drawn and in words; or what
    keeps it from having numbers."""
    assert problem.examples is not None
    view = View(problem.names)
    try:
        done = cycle(problem, int(problem.examples.learnt[0]) + 1)
    except NotFinite as error:
        return (Paragraph(str(error)),), view
    return (Diagram(problem.network, drawn_values(done)), Paragraph(_words(done))), view


def _words(done: Cycle) -> str:
    names, network = done.names, done.problem.network
    last = network.depth - 1
    shown: list[q.Quantity] = [*(q.Output(last, k) for k in range(min(MOST, network.sizes[-1]))), q.TotalError()]
    numbers = ", ".join(f"{names.text(quantity)} = {shown_number(done.value(quantity))}" for quantity in shown)
    return f"{abridged(done.problem.name)}, example {done.example}: {numbers}"
