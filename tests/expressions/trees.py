"""Trees at random, of all operators, and the functions by their names."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from clearprop.expressions import (
    Expression,
    Number,
    Symbol,
    parse,
    substitute,
)
from clearprop.expressions import tree as build

NAMES = {"z": "z", "y": "y", "t": "t"}


z = Symbol("z")


def of_any_numbers(formula: str) -> Expression:
    """The tree of a formula, also where a part without symbols is no finite number: a file is refused then."""
    numbers: dict[object, Expression] = {}

    def named(found: re.Match[str]) -> str:
        numbers[name := f"n{len(numbers)}"] = Number(float(found[0]))
        return name

    tree = parse(
        re.sub(r"(?<![\w.])\d+\.?\d*(e[+-]?\d+)?", named, formula), NAMES | {n: n for n in map("n{}".format, range(99))}
    )
    return substitute(tree, numbers.get)


leaves = st.sampled_from([z, Symbol("y"), Number(2.0), Number(0.5), Number(3.0), Number(-1.0)])


def grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    one = st.sampled_from(
        [build.tanh, build.logistic, build.softplus, build.erf, build.exp, build.expm1, build.absolute]
    )
    two = st.sampled_from([build.maximum, build.minimum, lambda u, v: u + v, lambda u, v: u - v, lambda u, v: u * v])
    return st.one_of(
        st.builds(lambda f, u: f(u), one, inner),
        st.builds(lambda f, u, v: f(u, v), two, inner, inner),
        st.builds(lambda u, v: u / (v**2 + 1), inner, inner),
        st.builds(lambda u, n: u ** Number(float(n)), inner, st.integers(0, 3)),
        st.builds(lambda u: -u, inner),
        st.builds(lambda a, b, u, v: build.where(build.greater(a, b), u, v), inner, inner, inner, inner),
    )


trees = st.recursive(leaves, grown, max_leaves=8)


points = st.floats(-3, 3).filter(lambda value: abs(value) > 1e-3)


FUNCTIONS = ["exp(z)", "log(z)", "log1p(z)", "expm1(z)", "sqrt(z)", "tanh(z)", "logistic(z)", "softplus(z)", "erf(z)",
             "sin(z)", "cos(z)"]  # fmt: skip


OTHERS = ["z**3", "2**z", "z**z", "1/z", "z/(1+z)", "(z-1)*(z+2)*z", "-z**2", "y*z", "exp(-z**2)", "sqrt(1+z*z)"]

LARGE = [-1000.0, -745.2, -50.0, -1.0, -1e-10, 0.0, 1e-300, 1e-5, 0.47, 0.5, 3.9, 4.1, 30.0, 709.0, 1000.0]
"""Places from far left to far right, with those where formulas lose digits."""
