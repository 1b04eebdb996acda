"""The width of a formula by estimate, against the one that pdflatex sets."""

from __future__ import annotations

import re

import pytest
from tests.rendering.compiling import compiled
from tests.rendering.quantities import LECTURE, TOTAL, W5

from clearprop.expressions import Apply, Number, Operator, Symbol
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q
from clearprop.rendering.latex import PREAMBLE
from clearprop.rendering.latex_symbols import Formula
from clearprop.rendering.latex_width import ROOM, shrunk, width

FORMULA = Formula(LECTURE)
SLOPE = Symbol(q.Derivative(TOTAL, W5))
TREES = {
    "numbers": multiply(*(Number(0.12345 + k) for k in range(9))),
    "fractions": multiply(*[SLOPE] * 8),
    "sums": add(*[Symbol(q.Sum(0, 0)), Symbol(q.Output(1, 1))] * 4),
    "powers": multiply(SLOPE**2, Apply(Operator.EXP, (Symbol(q.Sum(0, 0)),))),
}


def test_the_estimate_is_near_what_is_set() -> None:
    shown = [FORMULA.write(tree) for tree in TREES.values()]
    measure = "".join(rf"\setbox0=\hbox{{$\displaystyle {each}$}}\typeout{{width=\the\wd0}}" + "\n" for each in shown)
    log = compiled(PREAMBLE + measure + "\\end{document}\n")
    found = [float(each) for each in re.findall(r"width=([\d.]+)pt", log)]
    assert len(found) == len(shown)
    for each, true in zip(shown, found, strict=True):
        assert width(each) == pytest.approx(true, rel=0.2)


def test_what_is_shrunk_fits() -> None:
    assert shrunk("x", ROOM) == r"\resizebox{450pt}{!}{$\displaystyle x$}"
