"""Typst: what is text stays text, what is wide stays within the margins, and every document compiles."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.rendering.explained import explained

import clearprop as cp
from clearprop.expressions import Number, Symbol, parse
from clearprop.rendering.document import (
    Block,
    Curve,
    Equation,
    Grid,
    Heading,
    Line,
    Lines,
    Matrix,
    MatrixEquation,
    Paragraph,
    View,
)
from clearprop.rendering.typst import typst

compiler = pytest.importorskip("typst", reason="typst is not installed: PDF by Typst is not made")

PROBLEM = cp.load("lecture")
VIEW = View(PROBLEM.names)
HOSTILE = [
    "#panic()", "$x$", "*bold* _slanted_ `raw`", '"quoted" \\ "', "= heading", "- item", "/ term: x", "<label> @ref",
    "// comment", "/* comment", "https://example.org", "[a](b)", "{ } ( ) ;", "a\\", "~ -- --- ...", "\\u{41}",
    "Größe 大",
]  # fmt: skip


def texts(*blocks: Block) -> list[str]:
    """Return the pieces of text in a document, as Typst's compiler found them."""
    found: list[str] = []

    def gather(node: object) -> None:
        if isinstance(node, dict):
            if node.get("func") == "text":
                found.append(node["text"])
            gather(list(node.values()))
        elif isinstance(node, list):
            for each in node:
                gather(each)

    source = typst((Heading(1, "title"), *blocks), VIEW, title="")
    for kind in ("heading.where(level: 2)", "par", "table"):
        gather(json.loads(compiler.query(source.encode(), kind, field="body" if kind != "table" else "children")))
    return [text.replace("\u200b", "") for text in found]


@settings(max_examples=5, deadline=None)
@given(st.text('#*_-+=./<>@$`~[]{}()\\";:u \n\ra', max_size=30))
@example(" ".join(HOSTILE))
def test_text_is_never_markup(text: str) -> None:
    shown = "x" + "".join(c if c.isprintable() else " " for c in text) + "x"
    text = f"x{text}x"
    assert texts(Heading(2, text), Paragraph(text), Grid((text,), (("a",),))) == [shown, shown, shown, "a"]


def test_hostile_names_compile_in_formulas() -> None:
    tree = parse("a * b + c", {"a": "a", "b": "b", "c": "c"})
    blocks = [Equation(Symbol(name), (Line(tree, name), Line(Symbol(name)))) for name in HOSTILE]
    source = typst((*blocks, Lines(tuple(HOSTILE))), VIEW, title=HOSTILE[0])
    assert compiler.compile(source.encode(), format="pdf", ignore_system_fonts=True)


def page(*blocks: Block) -> np.ndarray:
    """Return the picture of the only page."""
    image = pytest.importorskip("matplotlib.image", reason="matplotlib is not installed: pages are not looked at")
    made = compiler.compile(typst(blocks, VIEW, title="t").encode(), format="png", ppi=36.0, ignore_system_fonts=True)
    assert isinstance(made, bytes), "more than one page"
    pixels: np.ndarray = image.imread(io.BytesIO(made))
    return pixels


TERMS = [f"x{k}" for k in range(20)]
LONG = parse(" + ".join(f"{name} * {name}" for name in TERMS), dict.fromkeys(TERMS, "output"))
WIDE: dict[str, Block] = {
    "a long sum": Equation(Symbol("y"), (Line(LONG),)),
    "a long name": Equation(Symbol("y" * 120), (Line(Symbol("x" * 150), "remark " * 40),)),
    "a long fraction": Equation(Symbol("y"), (Line(parse("a / b", {"a": "x" * 110, "b": "b"})),)),
    "a wide matrix": MatrixEquation(("y", "=", Matrix((tuple(0.12345 for _ in range(30)),)))),
    "a wide table": Grid(tuple(f"column {k}" for k in range(30)), (tuple(Number(-0.12345) for _ in range(30)),)),
    "a table of prose": Grid(("a", "b"), (("long word " * 20, "x" * 300),)),
}


@pytest.mark.parametrize("block", WIDE.values(), ids=WIDE)
def test_nothing_runs_over_the_margin(block: Block) -> None:
    pixels = page(block)
    width = pixels.shape[1]
    margin = int(width * 1.9 / 21)
    assert (pixels[:, :margin, :3] > 0.99).all()
    assert (pixels[:, -margin:, :3] > 0.99).all()
    assert (pixels[:, margin:-margin, :3] < 0.5).any(), "an empty page"


def test_a_long_product_is_broken_between_its_terms() -> None:
    source = typst((WIDE["a long sum"],), VIEW, title="")
    assert source.count("box(fit(") > 10


@pytest.mark.parametrize("name", ["lecture", "xor"])
def test_a_whole_cycle_compiles(name: str) -> None:
    explanation = explained(name)
    source = typst(explanation.document, explanation.view, title=explanation.title).encode()
    made = compiler.compile(source, ignore_system_fonts=True, format="pdf")
    assert isinstance(made, bytes)
    assert made.startswith(b"%PDF-")


def test_factors_link_to_where_they_are_computed() -> None:
    explanation = explained("lecture", "w5")
    source = typst(explanation.document, explanation.view, title="")
    for where in ("dE_total-doutput_o1", "doutput_o1-dsum_o1"):
        assert f'link(label("{where}")' in source
        assert f'#label("{where}")' in source


def test_a_loss_curve_is_drawn() -> None:
    assert page(Curve("L", (1.0, 0.5, 0.25), (1.0, 0.6, 0.5))).shape[2] >= 3
