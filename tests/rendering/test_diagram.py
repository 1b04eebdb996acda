"""The network drawn as text."""

from __future__ import annotations

import clearprop as cp
from clearprop.network.names import Names
from clearprop.rendering.conventions import drawn_parameters
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


def test_each_unit_has_its_sum_and_its_weights() -> None:
    problem = cp.load("lecture")
    diagram = Diagram(problem.network, drawn_parameters(problem.parameters))
    assert diagram_text(diagram, View(problem.names)).split("\n")[6:] == [
        "sum_h1 = i1 * w1 + i2 * w3 + b1, with w1 = 0.1, w3 = 0.3, b1 = 0.25",
        "sum_h2 = i1 * w2 + i2 * w4 + b1, with w2 = 0.2, w4 = 0.4, b1 = 0.25",
        "sum_o1 = output_h1 * w5 + output_h2 * w6 + b2, with w5 = 0.5, w6 = 0.6,",
        "    b2 = 0.35",
        "sum_o2 = output_h1 * w7 + output_h2 * w8 + b2, with w7 = 0.7, w8 = 0.8,",
        "    b2 = 0.35",
    ]


def test_names_in_wide_letters_keep_the_lines_in_place() -> None:
    """A terminal gives an ideograph two columns, and none to a vowel sign over its consonant."""
    network = cp.Network(("高さ", "ab", "कि"), [cp.Dense(("隠れ", "h"), "tanh")])
    shown = diagram_text(Diagram(network), View(Names(network))).split("\n")[2:7]
    assert shown == ["高さ ──┐", "       ├── (隠れ)", " ab  ──┤", "       ├──  (h)", "  कि  ──┘"]
