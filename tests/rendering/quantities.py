"""Quantities of the lecture, as LaTeX sets them in both notations."""

from __future__ import annotations

import clearprop as cp
from clearprop.expressions import Expression, Symbol
from clearprop.expressions.tree import multiply
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.network.notation import NOTATIONS
from clearprop.rendering.document import (
    View,
)

PROBLEM = cp.load("lecture")
VIEWS = {name: View(Names(PROBLEM.network, notation)) for name, notation in NOTATIONS.items()}
LECTURE, STANDARD = VIEWS["lecture"], VIEWS["standard"]
TOTAL, W5 = q.TotalError(), q.Parameter(PROBLEM.parameters.layout.find("w5") or 0)

QUANTITIES: list[tuple[q.Quantity, str, str]] = [
    (q.Input(0), "i_{1}", "i_{1}"),
    (q.Output(-1, 1), "i_{2}", "i_{2}"),
    (q.Target(0), r"\mathrm{target}_{1}", "t_{1}"),
    (q.Sum(0, 0), r"\mathrm{sum}_{h1}", "z_{h1}"),
    (q.Output(1, 0), r"\mathrm{output}_{o1}", "a_{o1}"),
    (q.Error(0), "E_{1}", "L_{1}"),
    (TOTAL, r"E_{\mathrm{total}}", "L"),
    (q.PenaltyError(), r"\mathrm{penalty}", r"\mathrm{penalty}"),
    (W5, "w_{5}", "w_{5}"),
    (q.Updated(W5), r"\mathrm{new\_}w_{5}", "w_{5}^{+}"),
    (q.LearningRate(), "n", r"\eta"),
    (q.State("m_hat", W5.index), r"\hat{m}_{w5}", r"\hat{m}_{w5}"),
    (q.State("two_words", W5.index), r"\mathrm{two\_words}_{w5}", r"\mathrm{two\_words}_{w5}"),
    (q.Updated(q.State("v", W5.index)), r"\mathrm{new\_}v_{w5}", "v_{w5}^{+}"),
    (q.Updated(q.Updated(W5)), r"\mathrm{new\_}\mathrm{new\_}w_{5}", "(w_{5}^{+})^{+}"),
    (q.Named("beta1"), r"\beta_{1}", r"\beta_{1}"),
    (q.Named("eps"), r"\epsilon", r"\epsilon"),
    (q.Named("momentum"), r"\mathrm{momentum}", r"\mathrm{momentum}"),
    (q.Derivative(TOTAL, W5), r"\frac{\partial E_{\mathrm{total}}}{\partial w_{5}}",
     r"\frac{\partial L}{\partial w_{5}}"),
    (
        q.Derivative(TOTAL, q.Sum(0, 0)),
        r"\frac{\partial E_{\mathrm{total}}}{\partial \mathrm{sum}_{h1}}",
        r"\delta_{h1}",
    ),
    (
        q.Derivative(q.Error(0), q.Sum(1, 0)),
        r"\frac{\partial E_{1}}{\partial \mathrm{sum}_{o1}}",
        r"\frac{\partial L_{1}}{\partial z_{o1}}",
    ),
]  # fmt: skip


KEYS = {
    "t": q.Target(0),
    "y": q.Output(1, 0),
    "z": q.Sum(0, 0),
    "w": W5,
    "n": q.Updated(W5),
    "d": q.Derivative(TOTAL, W5),
}


CHAIN: Expression = multiply(*[Symbol(q.Derivative(q.Error(0), q.Output(1, 0)))] * 15)
