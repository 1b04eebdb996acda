"""The page as a whole: complete, closed, and the same explanation as in every other format."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from tests.rendering.reading import CORE, CORE_ATTRIBUTES, Balance, classes, digits, equations, read, words
from tests.support import LECTURE, LECTURE_COMPONENTS, LECTURE_GRADIENTS, LECTURE_UPDATED, problems

import clearprop as cp
from clearprop.rendering.document import Document, Heading, View
from clearprop.rendering.html import Html
from clearprop.rendering.page import fragment, page, styles

CASES: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    ("lecture", (), {}),
    ("lecture", (), {"notation": "standard"}),
    ("lecture", ("w5", "w1", "E_total", "output_h1", "∂E_total/∂sum_h1"), {"rounding": "truncate", "digits": 3}),
    ("xor", (), {"example": "all"}),
    ("deep", (), {"digits": 12}),
    ("deep", ("w1",), {"paths": 3}),
    ("iris", ("w1", "b_setosa", "sepal_length"), {"example": 7}),
    ("iris", (), {"example": "all"}),
    ("digits", (), {}),
]


def explained(name: str, names: tuple[str, ...], options: dict[str, Any]) -> cp.Explanation:
    given = dict(options)
    return cp.explain(cp.cycle(cp.load(name), given.pop("example", 1)), *names, **given)


@pytest.fixture(
    scope="module", params=CASES, ids=lambda case: " ".join([case[0], *case[1], *map(str, case[2].values())])
)
def explanation(request: pytest.FixtureRequest) -> cp.Explanation:
    return explained(*request.param)


@pytest.fixture(scope="module")
def whole(explanation: cp.Explanation) -> str:
    """The page, made once."""
    return explanation.html()


@pytest.fixture(scope="module")
def found(whole: str) -> ET.Element:
    """The page as it is read."""
    return read(whole)


# --- complete and closed ------------------------------------------------------------------------------


def test_a_page_is_well_formed_and_loads_nothing(whole: str, found: ET.Element) -> None:
    assert whole.startswith('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>')
    assert "http" not in re.sub("http-equiv", "", whole)
    assert "url(" not in whole
    assert "@import" not in whole
    tags = {element.tag for element in found.iter()}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "input", "button"}
    for element in found.iter():
        assert not any(name.startswith("on") or name in ("style", "src", "action") for name in element.attrib)
        assert element.get("href", "#").startswith("#")


def test_all_mathematics_is_mathml_core(found: ET.Element) -> None:
    for formula in found.iter("math"):
        assert set(formula.attrib) <= {"aria-label"}
        for element in list(formula.iter())[1:]:
            assert element.tag in CORE
            assert set(element.attrib) <= CORE_ATTRIBUTES.get(element.tag, set())


def test_the_policy_allows_the_style_and_nothing_else() -> None:
    found = read(explained("lecture", ("w5",), {}).html())
    (policy,) = [meta.get("content", "") for meta in found.iter("meta") if meta.get("http-equiv")]
    (style,) = found.iter("style")
    digest = base64.b64encode(hashlib.sha256((style.text or "").encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_the_styles_reach_nothing_else() -> None:
    rules = re.sub(r"/\*.*?\*/", "", styles(), flags=re.DOTALL)
    for selectors in re.findall(r"(?:^|[{};])\s*([^{};@]+)\{", rules):
        assert all(selector.strip().startswith(".clearprop") for selector in selectors.split(",")), selectors
    assert "&" not in styles()
    assert "<" not in styles()


def test_headings_descend_step_by_step_from_one_title(found: ET.Element) -> None:
    levels = [int(element.tag[1]) for element in found.iter() if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    within = [section[0] for section in found.iter("section")]
    assert len(within) in (len(levels), len(levels) - 1)  # the page's own title stands before them
    assert all(re.fullmatch("h[1-6]", heading.tag) for heading in within)


def test_titles() -> None:
    found = read(explained("lecture", (), {}).html())
    assert [words(element) for element in (*found.findall("head/title"), *found.iter("h1"))] == [
        "lecture: one cycle"
    ] * 2
    named = read(explained("lecture", ("w5", "E_1", "w1", "w2"), {}).html())
    assert words(next(named.iter("title"))) == "lecture: ∂E_total/∂w5, E_1, ∂E_total/∂w1, …"
    assert [words(element) for element in named.iter("h1")] == ["lecture"]


def test_contents_lead_to_every_heading() -> None:
    found = read(explained("lecture", (), {}).html())
    (contents,) = found.iter("nav")
    headings = [element.get("id") for element in found.iter() if re.fullmatch("h[2-6]", element.tag)]
    links = list(contents.iter("a"))
    assert [link.get("href") for link in links] == [f"#{name}" for name in headings]
    assert [words(link) for link in links][5:8] == ["Backward propagation", "Weights of layer 2", "w 5"]
    assert list(read(explained("lecture", ("w5", "w1"), {}).html()).iter("nav")) == []


# --- the same as in every other format --------------------------------------------------------------------


def markdown_blocks(shown: str) -> list[tuple[str, list[str]]]:
    """Headings, and the numbers of each equation, from the markdown."""
    found: list[tuple[str, list[str]]] = []
    for block in re.split(r"\n\n", shown):
        if block.startswith("#"):
            found.append((re.sub(r"\\(.)", r"\1", block.lstrip("#").strip()), []))
        elif block.startswith("$$\n\\begin{aligned}"):
            bare = re.sub(r"(\\qquad )?\{\\color\{gray\}.*?\}(?= \\\\\n|\n\\end)", "", block)
            found.append(("equation", digits(bare)))
    return found


def page_blocks(found: ET.Element) -> list[tuple[str, list[str]]]:
    blocks: list[tuple[str, list[str]]] = []
    for element in next(found.iter("main")).iter():
        if re.fullmatch("h[1-6]", element.tag):
            blocks.append((words(element), []))
        elif element.tag == "div" and "equation" in classes(element) and "matrices" not in classes(element):
            blocks.append(("equation", digits(words(element, but="remark"))))
    return blocks


def test_the_same_sections_and_equations_in_the_same_order_as_markdown(
    explanation: cp.Explanation, found: ET.Element
) -> None:
    markdown = explanation.markdown()
    there, here = markdown_blocks(markdown), page_blocks(found)
    if not markdown.startswith("# "):
        here = here[1:]  # the page's own title
    assert len(here) == len(there)
    for (heading, numbers), (title, theirs) in zip(here, there, strict=True):
        assert numbers == theirs
        # A heading that names a quantity is mathematics: the same letters and digits in another order of signs.
        assert re.findall(r"[^\W_]", heading) == re.findall(r"[^\W_]", title.replace("∂", "∂"))


def plain_number(line: str) -> str:
    """``= − 1.2 × 10 − 8`` as it stands in a text."""
    return re.sub(r"×10", "e", line.removeprefix("=").replace(" ", "").replace("−", "-"))


def test_the_values_in_the_same_order_as_in_text(explanation: cp.Explanation, found: ET.Element) -> None:
    """Every equation ends in its value, and so does each of the text, whatever is said after it."""
    text = explanation.text(width=10_000)
    there = re.findall(r"^  .* = (-?[\d.]+(?:e-?\d+)?)(?:   \(.*\))?$", text, re.MULTILINE)
    here = [plain_number(equation.lines[-1]) for equation in equations(found)]
    assert [number for number in here if re.fullmatch(r"-?[\d.]+(e-?\d+)?", number)] == there


@pytest.mark.parametrize(
    ("name", "options"), [("lecture", {}), ("deep", {"digits": 7}), ("xor", {"rounding": "truncate"})]
)
def test_numbers_are_those_of_json(name: str, options: dict[str, Any]) -> None:
    explanation = explained(name, (), options)
    found, expected = read(explanation.html()), json.loads(explanation.json())
    view = explanation.view
    shown: dict[str, set[str]] = {}
    for equation in equations(found):
        shown.setdefault(equation.left.replace(" ", ""), set()).add(plain_number(equation.lines[-1]))
    for quantity, number in expected["values"].items():
        assert view.number(number) in shown[flat(quantity)], quantity
    for parameter, derivation in expected["derivations"].items():
        total = next(iter(expected["after"]))
        of = total if len(derivation["terms"]) > 1 else derivation["terms"][0]["of"]
        assert view.number(derivation["gradient"]) in shown[flat(f"∂{of}/∂{parameter}")]
        assert view.number(derivation["updated"]) in shown[updated(parameter, view)]
        for factor in (factor for term in derivation["terms"] for factor in term["factors"]):
            assert view.number(factor["value"]) in shown[flat(factor["symbol"])], factor["symbol"]


def flat(name: str) -> str:
    """A name as the page's mathematics has its letters: ``sum_h1`` as sumh1, and ∂a/∂b as ∂a∂b."""
    return re.sub(r"[/_]", "", name)


def updated(parameter: str, view: View) -> str:
    return f"new_{flat(parameter)}" if view.names.notation.name == "lecture" else f"{flat(parameter)}+"


def test_every_number_of_the_lecture_is_on_its_page() -> None:
    found = equations(read(explained("lecture", (), {"rounding": "truncate"}).html()))
    shown = {
        (equation.left.replace(" ", ""), equation.lines[-1].removeprefix("= ").replace("− ", "-")) for equation in found
    }
    for name, number in {**LECTURE, **LECTURE_COMPONENTS}.items():
        assert (flat(name), number) in shown
    for name, number in LECTURE_GRADIENTS.items():
        assert (f"∂Etotal∂{name}", number) in shown
    for name, number in LECTURE_UPDATED.items():
        assert (f"new_{name}", number) in shown


def test_a_page_that_says_something_else_is_noticed() -> None:
    """The comparisons are tested: one digit of one equation, and one equation left out."""
    explanation = explained("lecture", ("w5",), {})
    there = markdown_blocks(explanation.markdown())
    whole = explanation.html()
    assert page_blocks(read(whole.replace("<mn>0.19481</mn>", "<mn>0.19482</mn>", 1)))[1:] != there
    assert page_blocks(read(re.sub(r'<div class="equation.*?</div>', "", whole, count=1, flags=re.DOTALL)))[1:] != there
    with pytest.raises(AssertionError, match="are open"):
        Balance().feed("<p><b></p>")


@settings(max_examples=12)
@given(problems(max_depth=2) | problems(max_depth=2, weights=True))
def test_any_network_makes_a_page(problem: cp.Problem) -> None:
    explanation = cp.explain(cp.cycle(problem))
    found = read(explanation.html())
    assert [numbers for _, numbers in page_blocks(found)] == [
        numbers for _, numbers in markdown_blocks(explanation.markdown())
    ]


# --- fragments ---------------------------------------------------------------------------------------------


def test_a_fragment_is_the_body_with_its_styles_and_ids_of_its_own() -> None:
    explanation = explained("lecture", ("w5", "w6"), {})
    shown = explanation.html(fragment=True)
    found = read(shown)
    assert (found.tag, classes(found)) == ("div", ["clearprop", "fragment"])
    assert [element.tag for element in found] == ["style", "section", "section"]
    assert not {"html", "head", "body", "main", "nav", "title", "h1"} & {element.tag for element in found.iter()}
    assert equations(found) == equations(read(explanation.html()))
    ids = {element.get("id") for element in found.iter() if element.get("id")}
    others = read(explained("lecture", ("w5", "w7"), {}).html(fragment=True))
    assert not ids & {element.get("id") for element in others.iter() if element.get("id")}
    assert {link.get("href", "")[1:] for link in found.iter("a")} <= ids
    assert shown == explained("lecture", ("w5", "w6"), {}).html(fragment=True)


def test_an_empty_document_is_a_page() -> None:
    view = View(cp.load("lecture").names)
    empty: Document = ()
    assert words(next(read(page(empty, view, title="nothing")).iter("h1"))) == "nothing"
    assert read(fragment(empty, view)).tag == "div"
    assert Html((Heading(2, "alone"),), view).contents() == ""


# --- what it costs -----------------------------------------------------------------------------------------


def test_other_formats_import_nothing_of_it() -> None:
    code = (
        "import sys, clearprop as cp; str(cp.explain(cp.cycle(cp.load('lecture'))));"
        "print([m for m in sys.modules if m.startswith('clearprop.') and m.split('.')[-1] in "
        "('page', 'html', 'svg', 'mathml', 'notebook', 'latex', 'markdown')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_the_page_of_the_lecture_is_small() -> None:
    assert len(explained("lecture", (), {}).html().encode()) < 160_000


def test_the_style_sheet_is_part_of_the_package() -> None:
    assert (Path(cp.__file__).parent / "rendering" / "style.css").is_file()
