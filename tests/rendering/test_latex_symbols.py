"""How characters, quantities and expressions are set in LaTeX."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.rendering.compiling import HOSTILE, balanced
from tests.rendering.quantities import KEYS, LECTURE, PROBLEM, QUANTITIES, STANDARD

import clearprop as cp
from clearprop.expressions import parse
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.rendering.latex_symbols import ACCENTS, ESCAPES, LATEX, Formula, Latex, escaped, number, prose
from clearprop.rendering.symbols import Symbols


@given(st.text(max_size=30))
def test_escaped_latex_has_balanced_braces_and_only_ascii(given_text: str) -> None:
    shown = escaped(given_text)
    assert shown.isascii()
    bare = re.sub(r"\\[{}\\]", "", shown)
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"(?<!\\)[$&#%_]", shown.replace(r"\_", ""))


@pytest.mark.parametrize(("quantity", "lecture", "standard"), QUANTITIES)
def test_quantities_in_both_notations(quantity: q.Quantity, lecture: str, standard: str) -> None:
    assert Symbols(LECTURE.names, LATEX).quantity(quantity) == lecture
    assert Symbols(STANDARD.names, LATEX).quantity(quantity) == standard


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("w5", "w_{5}"), ("w12", "w_{12}"), ("b_h1", "b_{h1}"), ("b_h1_2", "b_{h1,2}"), ("h1_1", "h_{1,1}"),
        ("x", "x"), ("petal_length", r"\mathrm{petal\_length}"), ("a_b_c", r"a_{\mathrm{b\_c}}"), ("_", r"\mathrm{\_}"),
    ],
)  # fmt: skip
def test_names(name: str, shown: str) -> None:
    assert LATEX.subscripted(name) == shown


def test_two_names_never_look_the_same() -> None:
    dense = cp.Dense(1, weight_names=(("w5", "w_5"),), bias="none")
    symbols = Symbols(Names(cp.Network(2, [dense])), LATEX)
    assert [symbols.quantity(q.Parameter(k)) for k in (0, 1)] == ["w_{5}", r"\mathrm{w\_5}"]


@pytest.mark.parametrize(
    ("shown", "set_as"),
    [
        ("0.5", "0.5"), ("1.2e-8", r"1.2\times 10^{-8}"), ("-3e300", r"-3\times 10^{300}"),
        ("inf", r"\infty"), ("-inf", r"-\infty"), ("nan", r"\mathrm{nan}"),
    ],
)  # fmt: skip
def test_numbers(shown: str, set_as: str) -> None:
    assert number(shown) == set_as


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("1/2 * (t - y)**2", r"\frac{1}{2} \cdot (t_{1} - a_{o1})^{2}"),
        ("1 / (1 + exp(-z))", r"\frac{1}{1 + e^{-z_{h1}}}"),
        ("y * (1 - y)", r"a_{o1} \cdot (1 - a_{o1})"),
        ("logistic(z)", r"\operatorname{logistic}(z_{h1})"),
        ("tanh(z) + log(z)", r"\tanh(z_{h1}) + \ln(z_{h1})"),
        ("erf(z) * sqrt(z)", r"\operatorname{erf}(z_{h1}) \cdot \sqrt{z_{h1}}"),
        ("abs(z) + max(z, w)", r"\left|z_{h1}\right| + \max(z_{h1}, w_{5})"),
        ("where(z >= 0, z, 0)", r"\begin{cases} z_{h1} & \text{if } z_{h1} \ge 0 \\ 0 & \text{else} \end{cases}"),
        ("exp(z)**2", r"\left(e^{z_{h1}}\right)^{2}"),
        ("n**2", r"\left(w_{5}^{+}\right)^{2}"),
        ("d**2", r"\left(\frac{\partial L}{\partial w_{5}}\right)^{2}"),
        ("1e-8**2", r"\left(1\times 10^{-8}\right)^{2}"),
    ],
)  # fmt: skip
def test_expressions(source: str, shown: str) -> None:
    assert Formula(STANDARD).write(parse(source, KEYS)) == shown


def test_the_main_formulas_of_the_lecture() -> None:
    cycle = cp.cycle(PROBLEM)
    shown = cp.explain(cycle, "E_1", "w5", "w1", rounding="truncate").latex(fragment=True)
    for formula in (
        r"E_{1} &= \frac{1}{2} \cdot (\mathrm{target}_{1} - \mathrm{output}_{o1})^{2}",
        r"&= \frac{1}{2} \cdot (0.05 - 0.73492)^{2}",
        r"\frac{\partial E_{\mathrm{total}}}{\partial w_{5}} &= \frac{\partial E_{\mathrm{total}}}{\partial "
        r"\mathrm{output}_{o1}} \cdot \frac{\partial \mathrm{output}_{o1}}{\partial \mathrm{sum}_{o1}} \cdot "
        r"\frac{\partial \mathrm{sum}_{o1}}{\partial w_{5}}",
        r"&= 0.68492 \cdot 0.19480 \cdot 0.60108",
        r"\mathrm{new\_}w_{5} &= w_{5} - n \cdot \frac{\partial E_{\mathrm{total}}}{\partial w_{5}}",
        r"&= 0.5 - 0.6 \cdot 0.08020",
        r"&= \frac{\partial E_{1}}{\partial w_{1}} + \frac{\partial E_{2}}{\partial w_{1}}",
        r"&= 0.00159 + (-0.00049)",
    ):
        assert formula in shown


def unescaped(shown: str) -> str:
    """What a reader sees, from the LaTeX."""
    shown = shown.replace("{}", "\0")
    inverse = {value.replace("{}", "\0"): key for key, value in ESCAPES.items()}
    accents = {f"\\{mark}{{": combining for combining, mark in ACCENTS.items()}
    tokens = sorted(inverse, key=len, reverse=True)
    pattern = "|".join(
        [r"\{\[\}U\+(?P<code>[0-9A-F]+)\{\]\}", *map(re.escape, tokens)]
        + [rf"(?P<accent{k}>{re.escape(start)}(?P<base{k}>[A-Za-z])\}})" for k, start in enumerate(accents)]
    )

    def character(match: re.Match[str]) -> str:
        if match["code"]:
            return chr(int(match["code"], 16))
        for k, combining in enumerate(accents.values()):
            if match[f"accent{k}"]:
                return match[f"base{k}"] + combining
        return inverse[match[0]]

    return re.sub(pattern, character, shown, flags=re.DOTALL).replace("\0", "")


@given(st.text(max_size=40))
@example("".join(HOSTILE))
@example("".join(ESCAPES) + "àéîõüçåűčż")
def test_escaping_loses_nothing(text: str) -> None:
    shown = escaped(text)
    assert shown.isascii()
    assert balanced(shown)
    seen = "".join(character if character.isprintable() or ord(character) > 127 else " " for character in text)
    assert unicodedata.normalize("NFD", unescaped(shown)) == unicodedata.normalize("NFD", seen)
    assert balanced(prose(text))
    assert prose(text).replace(r"\allowbreak{}", "").replace("{}", "") == shown.replace("{}", "")


@given(st.text(max_size=20))
def test_names_of_constants_are_balanced(text: str) -> None:
    assert balanced(LATEX.named(text))
    assert balanced(LATEX.subscripted(text))
    assert balanced(Symbols(STANDARD.names, LATEX).write(text))
    assert balanced(Symbols(STANDARD.names, Latex(web=True)).write(text))
