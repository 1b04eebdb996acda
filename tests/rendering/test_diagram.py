"""The network drawn as text."""

from __future__ import annotations

import clearprop as cp
from clearprop.rendering.diagram import diagram_text
from clearprop.rendering.document import Diagram, View


def test_diagram_of_the_lecture() -> None:
    problem = cp.load("lecture")
    shown = diagram_text(Diagram(problem.network), View(problem.names))
    assert shown.split("\n")[:5] == [
        "2 inputs → 2 logistic → 2 logistic",
        "",
        "i1 ──┬── (h1) ──┬── (o1)",
        "     │          │",
        "i2 ──┴── (h2) ──┴── (o2)",
    ]
