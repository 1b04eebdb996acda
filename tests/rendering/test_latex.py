"""LaTeX: what is set how, and that pdflatex compiles whatever is in a document."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support import HANG

import clearprop as cp
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, parse
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.network.notation import NOTATIONS
from clearprop.rendering.document import (
    Block,
    Diagram,
    Equation,
    Grid,
    Heading,
    Letter,
    Line,
    Matrix,
    MatrixEquation,
    Paragraph,
    View,
)
from clearprop.rendering.latex import latex
from clearprop.rendering.latex_symbols import (
    ACCENTS,
    ESCAPES,
    LATEX,
    Formula,
    Symbols,
    escaped,
    number,
    prose,
)
from clearprop.rendering.latex_width import width

PROBLEM = cp.load("lecture")
VIEWS = {name: View(Names(PROBLEM.network, notation)) for name, notation in NOTATIONS.items()}
LECTURE, STANDARD = VIEWS["lecture"], VIEWS["standard"]
TOTAL, W5 = q.TotalError(), q.Parameter(PROBLEM.parameters.layout.find("w5") or 0)


def compiled(source: str) -> str:
    """The log of pdflatex, which found no error."""
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed: LaTeX documents are not compiled")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "paper.tex").write_text(source, encoding="utf-8")
        run = subprocess.run(
            [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"],
            cwd=folder, capture_output=True, encoding="latin-1", timeout=HANG, check=False,
        )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:]
    return run.stdout


def too_wide(log: str) -> float:
    """By how many points the widest line sticks out."""
    return max(map(float, re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)), default=0.0)


def balanced(shown: str) -> bool:
    depth = 0
    for token in re.findall(r"\\.|[{}]", shown, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth < 0:
            return False
    return depth == 0


# --- quantities -------------------------------------------------------------------------

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


@pytest.mark.parametrize(("quantity", "lecture", "standard"), QUANTITIES)
def test_quantities_in_both_notations(quantity: q.Quantity, lecture: str, standard: str) -> None:
    assert Symbols(LECTURE.names).quantity(quantity) == lecture
    assert Symbols(STANDARD.names).quantity(quantity) == standard


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
    symbols = Symbols(Names(cp.Network(2, [dense])))
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


# --- expressions ------------------------------------------------------------------------

KEYS = {
    "t": q.Target(0),
    "y": q.Output(1, 0),
    "z": q.Sum(0, 0),
    "w": W5,
    "n": q.Updated(W5),
    "d": q.Derivative(TOTAL, W5),
}


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


# --- long formulas ----------------------------------------------------------------------

NUMBERS = [Number(0.12345 + k) for k in range(16)]
CHAIN: Expression = multiply(*[Symbol(q.Derivative(q.Error(0), q.Output(1, 0)))] * 15)
LONG: dict[str, Expression] = {
    "sum": add(*NUMBERS, *NUMBERS),
    "product": CHAIN,
    "mean": add(*NUMBERS) / 16,
    "difference": Symbol(W5) - Number(0.6) * multiply(*NUMBERS),
    "sum of products": add(CHAIN, -CHAIN, CHAIN),
    "negative": -add(*NUMBERS),
    "power": add(*NUMBERS) ** 2 * multiply(*NUMBERS),
    "quotient": Number(1.0) / add(*NUMBERS, CHAIN),
    "exponential": Apply(Operator.EXP, (add(*NUMBERS),)),
    "unbreakable": Apply(Operator.TANH, (add(*NUMBERS),)),
}


def test_long_formulas_fit_the_page() -> None:
    whole = Symbol(q.Derivative(TOTAL, q.Output(1, 0)))
    blocks = [Equation(whole, (Line(tree, "a remark beside it"), Line(Number(1.0)))) for tree in LONG.values()]
    words = Equation(Symbol("a long left side " * 10), (Line(Number(1.0), "a long remark " * 20),))
    assert too_wide(compiled(latex((*blocks, words), LECTURE))) == 0


@pytest.mark.parametrize("name", LONG)
def test_broken_formulas_have_everything_once(name: str) -> None:
    formula = Formula(LECTURE)
    shown = formula.lines(LONG[name], 300)
    assert all(balanced(piece) for piece in shown)
    joined = " ".join(shown)
    whole = formula.write(LONG[name])
    assert re.findall(r"\d+\.\d+|partial", joined) == re.findall(r"\d+\.\d+|partial", whole)
    assert joined.count(r"\bigl(") == joined.count(r"\bigr)")
    if name != "unbreakable":
        assert all(width(piece) <= 300 for piece in shown)


def test_a_mean_that_is_broken_stays_in_parentheses() -> None:
    first, *_, last = Formula(LECTURE).lines(LONG["mean"], 200)
    assert first.startswith(r"\bigl(0.12345 + ")
    assert last.endswith(r"\bigr) / 16")


# --- every block compiles -----------------------------------------------------------------


def blocks_of(view: View) -> list[Block]:
    """One document with everything in it."""
    left = Symbol(TOTAL)
    symbols = [Symbol(quantity) for quantity, _, _ in QUANTITIES]
    squares = tuple(Line(symbol**2 + Number(1e-9) ** 2) for symbol in symbols)
    wide = Matrix(((0.12345,) * 14,) * 3, elided=True)
    letters = (
        Letter("δ", 1),
        "=",
        "(",
        Letter("W", 2, "T"),
        Letter("δ", 2),
        ")",
        "∘",
        Letter("f", 0, "′", Letter("z", 1)),
    )
    return [
        *(Heading(level, f"Level {level}: ∂E_total/∂w5, δ, ½ · 2 → 1") for level in range(1, 8)),
        Heading(4, ""), Paragraph(""), Paragraph("− ½ ∂ η δ ′ ∘ · … “quoted” ⁺ – → é ü ß"), Paragraph("x" * 500),
        Diagram(PROBLEM.network, {q.Input(0): 0.1, q.Target(1): 1e-12}),
        Equation(left, squares), Equation(left, ()),
        Equation(left, (Line(Number(float("inf"))), Line(Number(float("nan"))),
                        Line(parse("where(z < 0, 0, z)", KEYS)))),
        MatrixEquation(letters), MatrixEquation((Letter("W", 1, gradient_of="L"), "=", wide, "+", wide, "=", wide)),
        MatrixEquation((Letter("x"), "(", "·", "}{$&")), MatrixEquation((Matrix(((0.5,), (1.0,)), elided=True),)),
        Grid(("", "n", Symbol(TOTAL)), tuple((symbol, Number(1.0), "[x] *y") for symbol in symbols * 3)),
        Grid(tuple(f"column {k}" for k in range(30)), ((Number(0.12345),) * 30,) * 2),
        Grid(("path", "part"), (("w1 → " * 90, Number(0.5)),) * 45), Grid((), ()), Grid((), (("a",), ("b", "c"))),
        Grid(("x" * 200, "y" * 200, "z"), ((CHAIN, "y", "z"),)), Grid(("a", "b"), ()),
    ]  # fmt: skip


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_block_and_quantity_compiles_and_fits(notation: str) -> None:
    log = compiled(latex(tuple(blocks_of(VIEWS[notation])), VIEWS[notation]))
    assert too_wide(log) < 2
    assert "Font shape" not in log
    assert "Missing character" not in log


def test_a_fragment_compiles_where_its_comment_says() -> None:
    shown = latex((Heading(1, "A"), Diagram(PROBLEM.network)), LECTURE, fragment=True)
    packages = re.match(r"% Needs (\\usepackage\{[a-z,]+\})", shown)
    assert packages is not None
    compiled(f"\\documentclass{{book}}\n{packages[1]}\n\\begin{{document}}\n{shown}\\end{{document}}\n")


# --- hostile text -------------------------------------------------------------------------


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


HOSTILE = [
    r"\input{/etc/passwd}", r"\end{document}", r"\\[1cm]", "[1]", "*", "$x$ & % # _ ^ ~ {", "}", "%", "\\", "^^M", "~",
    "''--``?`!`", "-- --- ---", '"quotes"', "|a|", "\u202eabc", "🙂 é ∂ ½ 漢字", "\x00\x07\n\n\t", "ﬁ\u0301\u0301",
    "\u0301",
]  # fmt: skip


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


@settings(max_examples=3)
@given(st.lists(st.text(max_size=25), min_size=60, max_size=60))
@example(HOSTILE)
def test_no_text_breaks_a_document(texts: list[str]) -> None:
    blocks: list[Block] = []
    for text in texts:
        remark = Equation(Symbol(text), (Line(Symbol(text) ** 2, text),))
        blocks += [Heading(len(text) % 6 + 1, text), Paragraph(text), remark]
        blocks += [
            Paragraph(text),
            Grid((text, "n"), ((text, Number(1.0)), (text, Symbol(text)), (Number(1.0), text))),
        ]
    compiled(latex(tuple(blocks), LECTURE))


@given(st.text(max_size=20))
def test_names_of_constants_are_balanced(text: str) -> None:
    assert balanced(LATEX.named(text))
    assert balanced(LATEX.subscripted(text))
    assert balanced(Symbols(STANDARD.names).write(text))
    assert balanced(Symbols(STANDARD.names, web=True).write(text))
