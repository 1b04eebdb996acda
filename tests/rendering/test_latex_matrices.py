"""Matrix equations as LaTeX."""

from __future__ import annotations

from tests.rendering.compiling import balanced, compiled, too_wide
from tests.rendering.quantities import LECTURE

from clearprop.rendering.document import Letter, Matrix, MatrixEquation
from clearprop.rendering.latex import latex
from clearprop.rendering.latex_matrices import matrix_equation
from clearprop.rendering.latex_symbols import Formula

FORMULA = Formula(LECTURE)


def test_letters_operators_and_numbers() -> None:
    column = Matrix(((0.5,), (-1.0,)), elided=True)
    block = MatrixEquation((Letter("δ", 1), "=", "(", Letter("W", 2, "T"), Letter("δ", 2), ")", "∘", column))
    assert matrix_equation(block, FORMULA) == (
        r"\boldsymbol{\delta}_{1} = \left( \mathbf{W}_{2}^{\mathsf{T}} \boldsymbol{\delta}_{2} \right) \circ "
        r"\begin{bmatrix} 0.5 \\ -1 \\ \vdots \end{bmatrix}"
    )


def test_wide_equations_are_broken_at_their_equals_signs_and_fit() -> None:
    wide = Matrix(((0.12345,) * 6,) * 3)
    block = MatrixEquation((Letter("W", 1), "=", wide, "=", wide, "=", wide))
    shown = matrix_equation(block, FORMULA)
    assert shown.count("&=") == 3
    assert balanced(shown)
    many = MatrixEquation((Letter("W", 1), "=", Matrix(((0.12345,) * 14,) * 2)))
    assert r"\begin{array}{cccccccccccccc}" in matrix_equation(many, FORMULA)
    assert too_wide(compiled(latex((block, many), LECTURE))) < 2
