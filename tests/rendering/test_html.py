"""HTML: what a browser shows of each block, that text is never markup, and that links lead where they say."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.rendering.reading import classes, equations, read, words

import clearprop as cp
from clearprop.expressions import Number, Symbol, parse
from clearprop.expressions.tree import add
from clearprop.network import names as q
from clearprop.rendering.document import (
    Block,
    Curve,
    Diagram,
    Equation,
    Grid,
    Heading,
    Letter,
    Line,
    Matrix,
    MatrixEquation,
    Paragraph,
    Phrase,
    View,
)
from clearprop.rendering.html import Html

PROBLEM = cp.load("lecture")
VIEW = View(PROBLEM.names)
TOTAL = q.TotalError()


def body(*blocks: Block, **options: Any) -> ET.Element:
    return read(f"<body>{Html(blocks, VIEW, **options).body()}</body>")


def explained(name: str, *names: str, example: Any = 1, **options: Any) -> ET.Element:
    return read(cp.explain(cp.cycle(cp.load(name), example), *names, **options).html())


def one(element: ET.Element, path: str) -> ET.Element:
    (found,) = element.findall(path)
    return found


# --- blocks -------------------------------------------------------------------------------------------


def test_headings_nest_in_sections_and_skip_no_level() -> None:
    found = body(Heading(1, "A"), Paragraph("p"), Heading(2, "B"), Heading(4, "C"), Heading(2, "D"))
    assert [(e.tag, e.text) for e in found.iter() if e.tag in ("h1", "h2", "h3", "h4")] == [
        ("h1", "A"), ("h2", "B"), ("h3", "C"), ("h2", "D"),
    ]  # fmt: skip
    (a,) = found
    assert [child.tag for child in a] == ["h1", "p", "section", "section"]
    assert body(Heading(3, "A"), top=2).find(".//h2") is not None
    assert len(body(*(Heading(level, "x") for level in range(1, 10))).findall(".//h6")) == 4


def test_a_heading_that_names_a_quantity_is_mathematics() -> None:
    found = body(Heading(3, "∂E_total/∂w1", q.Derivative(TOTAL, q.Parameter(0))))
    (section,) = found
    assert classes(section) == ["derivation"]
    assert section.find("h1/math/mfrac") is not None


def test_an_equation_line_by_line() -> None:
    lines = (Line(parse("z + 1", {"z": q.Sum(0, 0)})), Line(Number(2.0)), Line(Number(2.0)), Line(Number(2.0), "why"))
    (found,) = equations(body(Equation(Symbol(q.Sum(0, 0)), lines)))
    assert found.left == "sum h 1"
    assert found.lines == ["= sum h 1 + 1", "= 2", "= 2"]
    assert found.remarks == ["( why )".replace(" ", "")]


def test_long_lines_are_broken_and_short_equations_stand_on_one() -> None:
    terms = add(*(Number(0.12345 + k) for k in range(12)))
    long = body(Equation(Symbol(TOTAL), (Line(terms),)))
    (equation,) = long
    assert classes(equation) == ["equation"]
    assert len(equation.findall("span/wbr")) == 11
    assert len(equation.findall("span/math")) == 13  # the left side, and twelve terms
    (short,) = body(Equation(Symbol(TOTAL), (Line(Number(1.0)), Line(Number(2.0), "why"))))
    assert classes(short) == ["equation", "short"]
    (remarks,) = body(Equation(Symbol(TOTAL), (Line(Number(1.0), "why"), Line(Number(2.0)))))
    assert classes(remarks) == ["equation"]


def test_what_cannot_be_broken_scrolls_and_the_keyboard_reaches_it() -> None:
    wide = parse("tanh(" + " + ".join(["z"] * 20) + ")", {"z": q.Sum(0, 0)})
    (equation,) = body(Equation(Symbol(q.Output(0, 0)), (Line(wide),)))
    assert (equation.get("tabindex"), equation.get("role")) == ("0", "region")
    assert equation.get("aria-label") == "output_h1, a long formula"
    (short,) = body(Equation(Symbol(TOTAL), (Line(Number(1.0)),)))
    assert short.get("tabindex") is None
    rows = Grid(("a", "b"), (("1", "2"),))
    tables = list(body(rows, Heading(1, "New"), rows, rows).iter("div"))
    assert {(box.get("tabindex"), box.get("role")) for box in tables} == {("0", "region")}
    assert [box.get("aria-label") for box in tables] == ["table", "New, table", "New, table (2)"]


def test_a_formula_or_a_number_that_is_a_name_is_read_aloud_as_text() -> None:
    page = explained("lecture", "w5", "w6")
    links = [link for link in page.iter("a") if link.find("math") is not None]
    assert links
    assert {link[0].get("aria-label") for link in links} >= {"∂E_total/∂output_o1", "∂sum_o1/∂w5"}
    (box,) = body(Grid(("", "n"), ((Number(1.0), "a"), (Symbol(q.Parameter(0)), "b"))))
    assert [formula.get("aria-label") for formula in box.iter("math")] == ["1", "w1"]


def test_tables() -> None:
    table = Grid(("", "old"), ((Symbol(q.Parameter(0)), Number(0.1)), ("x", Number(-2.0)), ("only one",)))
    (box,) = body(table)
    head, *rows = box.iter("tr")
    assert [(cell.tag, words(cell), cell.get("scope")) for cell in head] == [("td", "", None), ("th", "old", "col")]
    assert [[(cell.tag, words(cell)) for cell in row] for row in rows] == [
        [("th", "w 1"), ("td", "0.1")], [("th", "x"), ("td", "− 2")], [("th", "only one"), ("td", "")],
    ]  # fmt: skip
    (numbers,) = body(Grid(("n",), ((Number(1.0),), (Number(2.0),))))
    assert all(classes(cell) == ["number"] for row in numbers.iter("tr") for cell in row)
    assert list(body(Grid((), ()))) == []
    (bare,) = body(Grid(("", ""), (("loss", "huber"),)))
    assert bare.find(".//thead") is None


def test_matrices_break_at_their_equals_signs() -> None:
    pieces = (Letter("z", 1), "=", Matrix(((1.0, 2.0), (3.0, 4.0))), Matrix(((1.0,), (2.0,))), "=", Matrix(((5.0,),)))
    (found,) = body(MatrixEquation(pieces))
    assert [words(side) for side in found.iter("math")] == ["z 1", "= [ 1 2 3 4 ] [ 1 2 ]", "= [ 5 ]"]
    assert len(found.findall("wbr")) == 2


def test_the_network_and_the_loss_curve_are_figures() -> None:
    found = body(Diagram(PROBLEM.network), Curve("L", (1.0, 0.1), ()), Curve("L", (1.0,)))
    network, curve = found
    assert (network.tag, classes(network), classes(curve)) == ("figure", ["network"], ["curve"])
    assert words(one(network, "figcaption")) == "2 inputs → 2 logistic → 2 logistic"
    assert network.find("div/svg/title") is not None
    valued = Diagram(PROBLEM.network, {q.Parameter(k): 1.0 for k in range(10)})
    (drawn,) = body(valued)
    assert "dashed ones negative" in words(drawn)


# --- links --------------------------------------------------------------------------------------------


def test_every_link_leads_somewhere_and_ids_are_unique() -> None:
    for name in ("lecture", "xor", "deep"):
        page = explained(name)
        ids = [element.get("id") for element in page.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        links = [str(element.get("href")) for element in page.iter("a")]
        assert {link[1:] for link in links} <= set(ids)
        assert all(link.startswith("#") for link in links)
        assert len(links) > 50


def test_a_factor_leads_to_the_equation_that_computes_it() -> None:
    for name in ("lecture", "deep"):
        page = explained(name)
        named = {element.get("id"): element for element in page.iter("div") if element.get("id")}
        factors = [
            link for link in page.iter("a") if link.find("math") is not None and link.get("href", "")[1:] in named
        ]
        assert len(factors) > 50
        for link in factors:
            target = named[link.get("href", "")[1:]]
            # E_k and E_total have the same slope by output_k, which is computed once.
            assert words(target[0]).split("∂")[2:] == words(link).split("∂")[2:] or words(target[0]) == words(link)
            assert "already computed" not in words(target)


@pytest.mark.parametrize("names", [(), ("w1", "w3", "b1", "w5")])
def test_every_factor_of_a_chain_is_a_link(names: tuple[str, ...]) -> None:
    chains = 0
    for section in explained("lecture", *names).iter("section"):
        if classes(section) == ["derivation"]:
            for equation in section.findall("div"):
                symbols = words(equation[1]).count("∂") // 2  # words between them belong to the one before
                if symbols > 1:
                    chains += 1
                    assert len(equation[1].findall(".//a")) == symbols
    assert chains >= 4


LAST = {"softmax": "[0.2, 0.3, 0.5]", "logistic": "[0.2, 0.3, 1]"}


@pytest.mark.parametrize("activation", LAST)
@pytest.mark.parametrize("names", [("w1", "w5"), ("delta_y1",), ("dL_1/dz_y1",)])
def test_what_collapses_into_a_fused_loss_is_derived_and_linked(activation: str, names: tuple[str, ...]) -> None:
    loss = '[loss]\nname = "binary_cross_entropy"\n' if activation == "logistic" else ""
    problem = cp.read(
        f'[inputs]\ncount = 2\n[[layers]]\nunits = 2\nactivation = "tanh"\n[[layers]]\nunits = 3\n'
        f'activation = "{activation}"\n{loss}[[examples]]\ninputs = [1, 2]\ntargets = {LAST[activation]}\n'
    )
    page = read(cp.explain(cp.cycle(problem), *names).html())
    lines = [line for line in page.iter("span") if classes(line) == ["line"] and "−" not in words(line)]
    chains = [line for line in lines if words(line).count("∂") > 3]
    for line in chains:
        linked = [link for link in line.iter("a") if "∂" in words(link) or "δ" in words(link)]
        assert sum(words(link).count("∂") for link in linked) == words(line).count("∂")
    assert any(link.get("href") == "#dL_1-da_y1" for line in chains for link in line.iter("a"))


def test_already_computed_leads_to_the_derivation_that_did() -> None:
    page = explained("lecture", "w5", "w6")
    (remark, second) = [link for link in page.iter("a") if words(link) == "already computed for w5"]
    assert (remark.get("href"), second.get("href")) == ("#dE_total-doutput_o1", "#doutput_o1-dsum_o1")
    first, _ = page.findall(".//section[@class='derivation']")
    assert first.find(".//div[@id='dE_total-doutput_o1']") is not None


def test_nothing_links_to_itself() -> None:
    for page in (explained("lecture"), explained("deep")):
        for equation in page.iter("div"):
            own = equation.get("id")
            assert own is None or all(link.get("href") != f"#{own}" for link in equation.iter("a"))


# --- hostile text ---------------------------------------------------------------------------------------

HOSTILE = [
    "</script><script>alert(1)</script>", '<img src=x onerror="alert(1)">', "'\"><b>&amp;&lt;", "</style></title>",
    "]]>", "<!--", "-->", "&#x3c;script>", "\u202eabc\u2066", "\u200b\ufeff", "🙂 é ∂ ½ 漢字 שלום",
    "\x00\x07\n\t", "x" * 10_000, "javascript:alert(1)", "{{7*7}}", "</math></svg>",
]  # fmt: skip


def plain(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def blocks_of(text: str) -> tuple[Block, ...]:
    network = cp.Network(2, [cp.Dense(1)])
    return (
        Heading(1, text), Paragraph(text), Grid((text, "n"), ((text, Number(1.0)), (Symbol(text), Symbol(text)))),
        Equation(Symbol(text), (Line(Symbol(text), text), Line(Number(1.0), text))),
        Equation(Symbol(Phrase((text, q.Error(0)))), (Line(Symbol(text) ** 2),)),
        Diagram(network), Curve(text, (1.0, 0.5)),
    )  # fmt: skip


@given(st.text(max_size=30) | st.text("<>&\"'/!-[]a \n", max_size=20))
@example(" ".join(HOSTILE))
def test_text_is_never_markup(text: str) -> None:
    tags = {element.tag for element in body(*blocks_of("x")).iter()}
    found = body(*blocks_of(text))
    assert {element.tag for element in found.iter()} <= tags
    attributes = {name for element in found.iter() for name in element.attrib}
    assert not any(name.startswith("on") or name in ("style", "src") for name in attributes)
    assert words(one(found, ".//h1")) == words(one(found, ".//p")) == plain(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_alone(text: str) -> None:
    page = cp.Explanation(cp.cycle(PROBLEM), blocks_of(text), VIEW, ()).html()
    found = read(page)
    assert words(one(found, "head/title")) == plain(text)
    assert found.find(".//script") is None
    assert found.find(".//img") is None
    for mark in "\u202e\u2066\u200b\ufeff\x00":
        assert mark not in page


def test_an_activation_that_is_an_expression_and_long_names() -> None:
    source = "where(z < 0, 0.1 * z, z)" + " + 0 * z" * 50
    long = "n" * 200
    network = cp.Network((long, "y"), [cp.Dense(("m" * 200, "u"), source), cp.Dense(1)])
    problem = cp.Problem(network, examples=cp.Examples.of([[0.5, 1.0]], [[1.0]]), name="<b>net</b>")
    page = cp.explain(cp.cycle(problem)).html()
    found = read(page)
    assert "<b>" not in page
    assert "where(z < 0" in words(found)
    assert found.find(".//mtable[@class='cases']") is not None
