"""MathML: what is set how, that it is MathML Core, and that reading it back gives what was written."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.rendering.reading import CORE, CORE_ATTRIBUTES, value

import clearprop as cp
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, evaluate, parse
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.network.notation import NOTATIONS
from clearprop.rendering.document import Letter, Matrix, Phrase, View
from clearprop.rendering.mathml import PIECES, Formula, matrices, number, visible

PROBLEM = cp.load("lecture")
VIEWS = {name: View(Names(PROBLEM.network, notation), digits=17) for name, notation in NOTATIONS.items()}
LECTURE, STANDARD = Formula(VIEWS["lecture"]), Formula(VIEWS["standard"])
TOTAL, W5 = q.TotalError(), q.Parameter(PROBLEM.parameters.layout.find("w5") or 0)

W = "<msub><mi>w</mi><mn>5</mn></msub>"
H1, O1 = "<mrow><mi>h</mi><mn>1</mn></mrow>", "<mrow><mi>o</mi><mn>1</mn></mrow>"
E = "<msub><mi>E</mi><mi>total</mi></msub>"


def over(above: str, below: str) -> str:
    return f"<mfrac><mrow><mi>∂</mi>{above}</mrow><mrow><mi>∂</mi>{below}</mrow></mfrac>"


QUANTITIES: list[tuple[q.Quantity, str, str]] = [
    (q.Input(0), "<msub><mi>i</mi><mn>1</mn></msub>", "<msub><mi>i</mi><mn>1</mn></msub>"),
    (q.Target(0), "<msub><mi>target</mi><mn>1</mn></msub>", "<msub><mi>t</mi><mn>1</mn></msub>"),
    (q.Sum(0, 0), f"<msub><mi>sum</mi>{H1}</msub>", f"<msub><mi>z</mi>{H1}</msub>"),
    (q.Output(1, 0), f"<msub><mi>output</mi>{O1}</msub>", f"<msub><mi>a</mi>{O1}</msub>"),
    (q.Error(0), "<msub><mi>E</mi><mn>1</mn></msub>", "<msub><mi>L</mi><mn>1</mn></msub>"),
    (TOTAL, E, "<mi>L</mi>"),
    (q.PenaltyError(), "<mi>penalty</mi>", "<mi>penalty</mi>"),
    (W5, W, W),
    (q.Updated(W5), f"<mrow><mi>new_</mi>{W}</mrow>", "<msubsup><mi>w</mi><mn>5</mn><mo>+</mo></msubsup>"),
    (q.LearningRate(), "<mi>n</mi>", "<mi>η</mi>"),
    (q.Named("beta1"), "<msub><mi>β</mi><mn>1</mn></msub>", "<msub><mi>β</mi><mn>1</mn></msub>"),
    (q.Named("1/4"), "<mfrac><mn>1</mn><mn>4</mn></mfrac>", "<mfrac><mn>1</mn><mn>4</mn></mfrac>"),
    (q.Derivative(TOTAL, W5), over(E, W), over("<mi>L</mi>", W)),
    (q.Derivative(TOTAL, q.Sum(0, 0)), over(E, f"<msub><mi>sum</mi>{H1}</msub>"), f"<msub><mi>δ</mi>{H1}</msub>"),
]  # fmt: skip


@pytest.mark.parametrize(("quantity", "lecture", "standard"), QUANTITIES)
def test_quantities_in_both_notations(quantity: q.Quantity, lecture: str, standard: str) -> None:
    assert LECTURE.write(Symbol(quantity)) == lecture
    assert STANDARD.write(Symbol(quantity)) == standard


def test_states_and_what_is_raised_twice() -> None:
    hat = '<mover accent="true"><mi>m</mi><mo>^</mo></mover>'
    w5 = "<mrow><mi>w</mi><mn>5</mn></mrow>"
    assert STANDARD.write(Symbol(q.State("m_hat", W5.index))) == f"<msub>{hat}{w5}</msub>"
    twice = STANDARD.write(Symbol(q.Updated(q.Updated(W5))))
    once = "<msubsup><mi>w</mi><mn>5</mn><mo>+</mo></msubsup>"
    assert twice == f"<msup><mrow><mo>(</mo>{once}<mo>)</mo></mrow><mo>+</mo></msup>"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("w12", "<msub><mi>w</mi><mn>12</mn></msub>"),
        ("h1_1", '<msub><mi>h</mi><mrow><mn>1</mn><mo rspace="0">,</mo><mn>1</mn></mrow></msub>'),
        ("b_h1", "<msub><mi>b</mi><mrow><mi>h</mi><mn>1</mn></mrow></msub>"),
        ("x", "<mi>x</mi>"),
        ("petal_length", "<mi>petal_length</mi>"),
        ("_", '<mi mathvariant="normal">_</mi>'),
        ("a b<c>&", "<mtext>a\u00a0b&lt;c&gt;&amp;</mtext>"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert PIECES.subscripted(name) == shown


@pytest.mark.parametrize(
    ("shown", "set_as"),
    [
        ("0.5", "<mn>0.5</mn>"),
        ("-0.5", '<mrow><mo form="prefix">−</mo><mn>0.5</mn></mrow>'),
        ("1.2e-8",
         '<mrow><mn>1.2</mn><mo>×</mo><msup><mn>10</mn><mrow><mo form="prefix">−</mo><mn>8</mn></mrow></msup></mrow>'),
        ("3e300", "<mrow><mn>3</mn><mo>×</mo><msup><mn>10</mn><mn>300</mn></msup></mrow>"),
        ("-inf", '<mrow><mo form="prefix">−</mo><mi>∞</mi></mrow>'),
        ("nan", "<mi>nan</mi>"),
    ],
)  # fmt: skip
def test_numbers(shown: str, set_as: str) -> None:
    assert number(shown) == set_as


def test_words_and_quantities_together() -> None:
    phrase = Symbol(Phrase((q.Error(0), " through ", W5)))
    assert LECTURE.write(phrase) == (
        f"<mrow><msub><mi>E</mi><mn>1</mn></msub><mtext>\u00a0through\u00a0</mtext>{W}</mrow>"
    )


# --- expressions ------------------------------------------------------------------------------------

KEYS = {
    "t": q.Target(0),
    "y": q.Output(1, 0),
    "z": q.Sum(0, 0),
    "w": W5,
    "n": q.Updated(W5),
    "d": q.Derivative(TOTAL, W5),
}
Z, Y, T = f"<msub><mi>z</mi>{H1}</msub>", f"<msub><mi>a</mi>{O1}</msub>", "<msub><mi>t</mi><mn>1</mn></msub>"
LEFT, RIGHT = '<mo stretchy="false">(</mo>', '<mo stretchy="false">)</mo>'


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("1/2 * (t - y)**2",
         f"<mfrac><mn>1</mn><mn>2</mn></mfrac><mo>⋅</mo><msup><mrow><mrow>{LEFT}{T}<mo>−</mo>{Y}{RIGHT}</mrow></mrow>"
         "<mn>2</mn></msup>"),
        ("1 / (1 + exp(-z))",
         "<mfrac><mn>1</mn><mrow><mn>1</mn><mo>+</mo>"
         f'<msup><mi>e</mi><mrow><mo form="prefix">−</mo>{Z}</mrow></msup></mrow></mfrac>'),
        ("logistic(z)", f"<mi>logistic</mi><mo>\u2061</mo><mrow>{LEFT}{Z}{RIGHT}</mrow>"),
        ("log(z)", f"<mi>ln</mi><mo>\u2061</mo><mrow>{LEFT}{Z}{RIGHT}</mrow>"),
        ("abs(z) + sqrt(z)",
         f'<mrow><mo stretchy="false">|</mo>{Z}<mo stretchy="false">|</mo></mrow><mo>+</mo><msqrt>{Z}</msqrt>'),
        ("exp(z)**2",
         f"<msup><mrow><mrow><mo>(</mo><msup><mi>e</mi><mrow>{Z}</mrow></msup><mo>)</mo></mrow></mrow><mn>2</mn></msup>"),
        ("where(z >= 0, z, 0)",
         f'<mrow><mo>{{</mo><mtable class="cases"><mtr><mtd>{Z}</mtd><mtd><mtext>if\u00a0</mtext>{Z} <mo>≥</mo> '
         "<mn>0</mn></mtd></mtr><mtr><mtd><mn>0</mn></mtd><mtd><mtext>else</mtext></mtd></mtr></mtable></mrow>"),
    ],
)  # fmt: skip
def test_expressions(source: str, shown: str) -> None:
    assert STANDARD.write(parse(source, KEYS)) == shown


SYMBOLS = [Symbol(quantity) for quantity in KEYS.values()]
VALUES = {quantity: 0.3 + 0.37 * k for k, quantity in enumerate(KEYS.values())}
UNARY = (Operator.NEGATE, Operator.EXP, Operator.TANH, Operator.LOGISTIC, Operator.SOFTPLUS, Operator.ERF, Operator.ABS)
BINARY = (Operator.SUBTRACT, Operator.DIVIDE, Operator.MAX, Operator.MIN)
LEAVES = st.one_of(st.sampled_from(SYMBOLS), st.sampled_from([0.5, -0.5, 2.0, -3.0, 1e-7, -2.5e-9]).map(Number))


def larger(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=4)
    conditions = st.builds(lambda u, v: Apply(Operator.LESS, (u, v)), inner, inner)
    return st.one_of(
        several.map(lambda terms: add(*terms)),
        several.map(lambda factors: multiply(*factors)),
        st.builds(lambda operator, u: Apply(operator, (u,)), st.sampled_from(UNARY), inner),
        st.builds(lambda operator, u, v: Apply(operator, (u, v)), st.sampled_from(BINARY), inner, inner),
        st.builds(lambda u, n: Apply(Operator.POWER, (u, Number(n))), inner, st.sampled_from([2.0, 3.0])),
        st.builds(lambda c, u, v: Apply(Operator.WHERE, (c, u, v)), conditions, inner, inner),
    )


EXPRESSIONS = st.recursive(LEAVES, larger, max_leaves=8)


def worth(markup: str, formula: Formula) -> float:
    """What somebody reads who knows the symbols but not how the formula was made."""
    symbols = {formula.write(Symbol(quantity)): number for quantity, number in VALUES.items()}
    return value(ET.fromstring(f"<math>{markup}</math>"), symbols)


def same(markup: str, tree: Expression, formula: Formula) -> bool:
    expected = float(evaluate(tree, VALUES))
    if not math.isfinite(expected) or abs(expected) > 1e100:
        return True
    try:
        return math.isclose(worth(markup, formula), expected, rel_tol=1e-6, abs_tol=1e-9)
    except (OverflowError, ZeroDivisionError):
        return abs(expected) > 1e50 or abs(expected) < 1e-50


@given(EXPRESSIONS)
def test_reading_a_formula_gives_what_was_written(tree: Expression) -> None:
    for formula in (LECTURE, STANDARD):
        assert same(formula.write(tree), tree, formula)


@given(EXPRESSIONS, st.sampled_from([0, 5, 1000]))
def test_a_formula_in_chunks_is_the_same(tree: Expression, longest: int) -> None:
    chunks = STANDARD.broken(tree, longest)
    assert chunks[0].sign == ""
    together = " ".join(f"{chunk.sign} {words(chunk.shown)}" for chunk in chunks)
    assert together.count("(") == together.count(")")
    if longest == 1000:
        whole = "".join((f"<mo>{chunk.sign}</mo>" if chunk.sign else "") + chunk.shown for chunk in chunks)
        assert whole == STANDARD.write(tree)


def words(markup: str) -> str:
    return " ".join(ET.fromstring(f"<math>{markup}</math>").itertext())


def test_a_long_mean_stays_in_parentheses() -> None:
    mean = add(*(Number(0.12345 + k) for k in range(9))) / 9
    first, *_, last, count = STANDARD.broken(mean, 20)
    assert words(first.shown).startswith("( 0.12345")
    assert words(last.shown).endswith(")")
    assert (count.sign, words(count.shown)) == ("/", "9")


@pytest.mark.parametrize("broken", ["parenthesised", "minus", "negative"])
def test_a_fault_in_the_printer_is_seen(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader is tested: parentheses forgotten, a sign lost."""
    faults = {"parenthesised": lambda self, shown: f"<mrow>{shown}</mrow>", "minus": "<mo>+</mo>", "negative": ""}
    monkeypatch.setattr(Formula, broken, faults[broken])
    tree = parse("-(y - z) * w - (z - t)", KEYS)
    assert not same(STANDARD.write(tree), tree, STANDARD)


@given(EXPRESSIONS)
@example(add(*SYMBOLS))
@example(multiply(Symbol("text & <more>"), Symbol(q.State("clipped", W5.index)), Symbol(q.Named("momentum"))))
def test_everything_is_mathml_core(tree: Expression) -> None:
    for element in ET.fromstring(f"<math>{LECTURE.write(tree)}</math>").iter():
        assert element.tag in CORE
        assert set(element.attrib) <= CORE_ATTRIBUTES.get(element.tag, set())
        assert "style" not in element.attrib


# --- matrices ----------------------------------------------------------------------------------------


def test_matrices_and_letters() -> None:
    delta = Letter("δ", 1)
    pieces = (delta, "=", "(", Letter("W", 2, "T"), ")", "∘", Letter("f", 0, "′", Letter("z", 1)))
    assert words(matrices(pieces, STANDARD)) == "δ 1 = ( W 2 T ) ∘ f ′ ( z 1 )"
    column = matrices((Matrix(((0.5,), (-1.0,)), elided=True),), STANDARD)
    assert [len(row) for row in ET.fromstring(column).iter("mtr")] == [1, 1, 1]
    assert words(column) == "[ 0.5 − 1 ⋮ ]"
    gradient = PIECES.letter(Letter("W", 1, gradient_of="L"))
    bold = '<msub><mi mathvariant="normal" class="bold">W</mi><mn>1</mn></msub>'
    assert gradient == over("<mi>L</mi>", bold)


def test_what_is_visible_is_counted() -> None:
    assert visible(LECTURE.write(parse("logistic(z) + 1", KEYS))) == len("logistic(sumh1)+1")
