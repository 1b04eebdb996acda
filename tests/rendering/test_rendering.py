"""What is printed: every number of the lecture, all formats, both notations, hostile text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import HANG, LECTURE, LECTURE_COMPONENTS, LECTURE_GRADIENTS, LECTURE_UPDATED, problems

import clearprop as cp
from clearprop.expressions import Number, Symbol
from clearprop.rendering.diagram import diagram_text
from clearprop.rendering.document import Diagram, Grid, Heading, Paragraph, View, shown_number
from clearprop.rendering.latex import latex
from clearprop.rendering.latex_symbols import escaped
from clearprop.rendering.markdown import markdown
from clearprop.rendering.text import text


def explained(name: str, *names: str, **options: Any) -> cp.Explanation:
    return cp.explain(cp.cycle(cp.load(name), options.pop("example", 1)), *names, **options)


@pytest.fixture(scope="module")
def lecture() -> str:
    """The explanation, unwrapped: one equation a line."""
    explanation = explained("lecture", digits=5, rounding="truncate")
    without_remarks = re.sub(r"\n +\([a-z ,]+\)(?=\n)", "", explanation.text(width=80))
    return re.sub(r"\n +(?=[=*+-] )", " ", without_remarks)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        *LECTURE.items(),
        *LECTURE_COMPONENTS.items(),
        *((f"∂E_total/∂{name}", shown) for name, shown in LECTURE_GRADIENTS.items()),
        *((f"new_{name}", shown) for name, shown in LECTURE_UPDATED.items()),
    ],
)
def test_every_number_of_the_lecture_is_printed(lecture: str, name: str, shown: str) -> None:
    assert re.search(rf"^ *{re.escape(name)} = .*= {re.escape(shown)}( |$)", lecture, re.MULTILINE)


@pytest.mark.parametrize(
    "line",
    [
        "sum_h1 = i1 * w1 + i2 * w3 + b1 = 0.1 * 0.1 + 0.5 * 0.3 + 0.25 = 0.41",
        "∂E_total/∂w5 = ∂E_total/∂output_o1 * ∂output_o1/∂sum_o1 * ∂sum_o1/∂w5",
        "= 0.68492 * 0.19480 * 0.60108 = 0.08020",
        "= -0.17044 * 0.17184 * 0.60108 = -0.01760",
        "new_w5 = w5 - n * ∂E_total/∂w5 = 0.5 - 0.6 * 0.08020 = 0.45187",
        "= 0.68492 * 0.19480 * 0.5 * 0.23978 * 0.1 = 0.00159",
        "= -0.17044 * 0.17184 * 0.7 * 0.23978 * 0.1 = -0.00049",
        "∂E_total/∂w1 = ∂E_1/∂w1 + ∂E_2/∂w1 = 0.00159 + (-0.00049) = 0.00110",
        "E_total = 0.24072   (with the new weights)",
        "∂output_o1/∂sum_o1 = 0.19480   (already computed for w5)",
        "= 2 * (1/2) * (target_1 - output_o1) * (-1)",
    ],
)
def test_the_lecture_line_by_line(lecture: str, line: str) -> None:
    assert line in lecture


def test_text_keeps_to_80_columns_and_has_no_colour_in_a_pipe() -> None:
    for name in ("lecture", "xor", "deep", "ring"):
        shown = explained(name).text(width=80)
        assert "\x1b" not in shown
        assert max(map(len, shown.split("\n"))) <= 80, max(shown.split("\n"), key=len)
    assert "\x1b[1m" in explained("lecture", "w5").text(colour=True)


def test_standard_notation_has_the_matrix_form() -> None:
    shown = explained("lecture", notation="standard").text()
    for line in ("z1 = W1 x + b1", "a2 = f(z2)", "δ1 = ( W2ᵀ δ2 ) ∘ f′(z1)", "∂L/∂W1 = δ1 xᵀ", "w5⁺ = w5 - η · ∂L/∂w5"):
        assert line in shown


def test_batches_are_shown_per_example_then_reduced() -> None:
    shown = explained("xor", "w7", example="all").text()
    assert "∂L/∂w7, example 4 = " in shown
    assert re.search(r"∂L/∂w7 = \(.* \+ .*\) / 4", shown)


def test_named_quantities_in_both_notations_and_signals() -> None:
    shown = explained("lecture", "E_total", "z_o1", "∂E_total/∂sum_h1", "new_w5", "dE_1/dw1").text()
    assert "E_total = E_1 + E_2" in shown
    assert "sum_o1 = output_h1 * w5" in shown
    assert "∂E_total/∂sum_h1" in shown


# --- numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "nearest", "truncate"),
    [
        (0.41, "0.41", "0.41"), (0.1 + 0.2, "0.3", "0.3"), (0.7 - 1e-13, "0.7", "0.7"), (2.0, "2", "2"),
        (0.0802031, "0.08020", "0.08020"), (0.6010878, "0.60109", "0.60108"), (-0.0176065, "-0.01761", "-0.01760"),
        (0.0, "0", "0"), (-0.0, "0", "0"), (1e-8, "1e-8", "1e-8"), (3.23456789e-9, "3.23457e-9", "3.23456e-9"),
        (123456.7891234, "123456.78912", "123456.78912"), (9.9999999e-9, "1.00000e-8", "9.99999e-9"),
        (6.02214076e23, "6.02214e23", "6.02214e23"), (float("inf"), "inf", "inf"), (0.999999, "1.00000", "0.99999"),
    ],
)  # fmt: skip
def test_numbers_are_shown_short_or_with_all_digits(value: float, nearest: str, truncate: str) -> None:
    assert shown_number(value) == nearest
    assert shown_number(value, rounding="truncate") == truncate


@given(st.floats(-1e300, 1e300), st.integers(0, 12))
def test_cut_off_digits_never_grow_and_rounded_ones_are_near(value: float, digits: int) -> None:
    cut, near = (float(shown_number(value, digits, how)) for how in ("truncate", "nearest"))
    assert abs(cut) <= abs(value) * (1 + 1e-12) + 1e-12
    assert abs(near - value) <= max(0.5 * 10.0**-digits, abs(value) * 0.5 * 10.0**-digits) * 1.001


# --- JSON ---------------------------------------------------------------------------------------------


def test_json_is_what_product_says() -> None:
    found = json.loads(explained("lecture").json())
    assert found["values"] == {
        "sum_h1": pytest.approx(0.41), "sum_h2": pytest.approx(0.47), "sum_o1": pytest.approx(1.0197741925),
        "sum_o2": pytest.approx(1.2630685246), "output_h1": pytest.approx(0.6010878788),
        "output_h2": pytest.approx(0.6153837563), "output_o1": pytest.approx(0.7349286127),
        "output_o2": pytest.approx(0.7795538842), "E_1": pytest.approx(0.2345636022),
        "E_2": pytest.approx(0.0145259392), "E_total": pytest.approx(0.2490895415),
    }  # fmt: skip
    assert found["after"]["E_total"] == pytest.approx(0.2407249055)
    assert found["updated"]["b1"] == 0.25
    assert set(found["derivations"]) == set(found["gradients"]) == {"b1", "b2", *(f"w{n}" for n in range(1, 9))}
    first = found["derivations"]["w5"]["terms"][0]
    assert first["of"] == "E_total"
    assert first["factors"][0]["symbol"] == "∂E_total/∂output_o1"
    assert first["factors"][0]["expression"] == "output_o1 - target_1"
    assert [term["of"] for term in found["derivations"]["w1"]["terms"]] == ["E_1", "E_2"]


@given(problems() | problems(weights=True), st.sampled_from([1, "all"]))
def test_json_products_add_up(problem: cp.Problem, example: Any) -> None:
    found = json.loads(cp.explain(cp.cycle(problem, example)).json())
    for derivation in found["derivations"].values():
        assert sum(term["product"] for term in derivation["terms"]) == pytest.approx(
            derivation["gradient"], rel=1e-9, abs=1e-12
        )
        for term in derivation["terms"]:
            product = 1.0
            for factor in term["factors"]:
                product *= factor["value"]
            assert product == pytest.approx(term["product"], rel=1e-12, abs=1e-300)
    assert ("examples" in found) == (example == "all")


def test_a_penalty_and_a_collapsed_factor_in_json() -> None:
    found = json.loads(explained("deep", "w1").json())["derivations"]["w1"]["terms"]
    assert [term["of"] for term in found] == ["E_1", "E_2", "penalty"]
    collapsed = found[0]["factors"][0]
    assert collapsed["symbol"] == "∂E_1/∂output_f1"
    assert len(collapsed["expansion"]) == 4
    assert [len(term["factors"]) for term in collapsed["expansion"]] == [7] * 4


# --- LaTeX and markdown ---------------------------------------------------------------------------------


def compiled(source: str, folder: Path) -> str:
    """What pdflatex says about a document."""
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed: LaTeX documents are not compiled")
    (folder / "paper.tex").write_text(source, encoding="utf-8")
    run = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=folder, capture_output=True, encoding="latin-1", timeout=HANG, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:]
    return run.stdout


@pytest.mark.parametrize("name", ["lecture", "xor", "deep"])
@pytest.mark.parametrize("notation", ["lecture", "standard"])
def test_latex_documents_compile(name: str, notation: str, tmp_path: Path) -> None:
    log = compiled(explained(name, notation=notation).latex(), tmp_path)
    too_wide = [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(too_wide, default=0) < 20


def test_latex_of_batches_tables_and_fragments(tmp_path: Path) -> None:
    compiled(explained("ring", "w1", "b_h1_1", example="all").latex(), tmp_path)
    fragment = explained("lecture", "w5").latex(fragment=True)
    assert "\\documentclass" not in fragment
    assert (
        r"\frac{\partial E_{\mathrm{total}}}{\partial w_{5}} &= \frac{\partial E_{\mathrm{total}}}"
        r"{\partial \mathrm{output}_{o1}} \cdot \frac{\partial \mathrm{output}_{o1}}{\partial \mathrm{sum}_{o1}} "
        r"\cdot \frac{\partial \mathrm{sum}_{o1}}{\partial w_{5}}"
    ) in fragment
    assert r"\mathrm{new\_}w_{5} &= w_{5} - n \cdot" in fragment


HOSTILE = [
    r"\input{/etc/passwd}",
    "$x$ & % # _ ^ ~ {",
    "}",
    "<script>alert(1)</script>",
    "|a|b|",
    "\u202eabc",
    "🙂 é ∂",
]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    view = View(cp.load("lecture").names)
    blocks = tuple(
        block
        for hostile in HOSTILE
        for block in (Heading(2, hostile), Paragraph(hostile), Grid((hostile, "n"), ((hostile, Number(1.0)),)))
    )
    compiled(latex((*blocks, Paragraph(" ".join(HOSTILE))), view), tmp_path)
    shown = markdown(blocks, view)
    assert "<script>" not in shown
    assert r"\|a\|b\|" in shown
    assert "[red]" in text((Paragraph("[red]not markup[/red]"), Grid(("[red]", ""), (("[bold]x", "y"),))), view)


@given(st.text(max_size=30))
def test_escaped_latex_has_balanced_braces_and_only_ascii(given_text: str) -> None:
    shown = escaped(given_text)
    assert shown.isascii()
    bare = re.sub(r"\\[{}\\]", "", shown)
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"(?<!\\)[$&#%_]", shown.replace(r"\_", ""))


def test_markdown_has_mathematics_and_tables() -> None:
    shown = explained("lecture").markdown()
    assert shown.startswith("# lecture: one cycle\n\n```text\n")
    assert "| $w_{5}$ | $0.5$ | $0.08020$ | $0.45188$ |" in shown
    assert shown.count("$$") % 2 == 0


# --- the network drawn ------------------------------------------------------------------------------


def test_diagram_of_the_lecture() -> None:
    problem = cp.load("lecture")
    shown = diagram_text(Diagram(problem.network), View(problem.names))
    assert shown.split("\n")[:5] == [
        "2 inputs → 2 logistic → 2 logistic",
        "",
        "i1 ──┬── (h1) ──┬── (o1)",
        "     │          │",
        "i2 ──┴── (h2) ──┴── (o2)",
    ]


def test_large_networks_are_summarised() -> None:
    network = cp.Network(784, [cp.Dense(300, "relu"), cp.Dense(10, "softmax")])
    problem = cp.Problem(network, examples=cp.Examples.of([[0.5] * 784], [[1.0] + [0.0] * 9]))
    shown = cp.explain(cp.cycle(problem)).text()
    assert "238,510 parameters are too many to derive each here; name those to derive" in shown
    assert "784 inputs → 300 relu → 10 softmax" in shown
    named = cp.explain(cp.cycle(problem), "w1", "z_h1_1").text()
    assert "… (778 more)" in named
    assert "smaller" in named or "path 1" in named or "∂L/∂w1" in named


def test_symbols_that_are_text_are_printed_as_they_are() -> None:
    view = View(cp.load("lecture").names)
    assert "a [b] c" in text((Grid(("", ""), ((Symbol("a [b] c"), Number(0.5)),)),), view)


def test_a_large_batch_is_summed_up_and_what_is_named_is_derived() -> None:
    iris = cp.cycle(cp.load("iris"), "all")
    text = str(cp.explain(iris))
    assert "131 parameters over 120 examples are too many to derive each here; name those" in text
    assert text.count("\n") < 120
    assert "∂L/∂w1" in str(cp.explain(iris, "w1"))


def test_tables_over_examples_stay_readable() -> None:
    """A layer of 9 units is two tables; of 24 examples 20 are shown and the others counted."""
    rng = np.random.default_rng(0)
    network = cp.Network(2, [cp.Dense(9, "tanh"), cp.Dense(1)])
    problem = cp.Problem(network, examples=cp.Examples(rng.normal(size=(24, 2)), np.zeros((24, 1))))
    text = str(cp.explain(cp.cycle(problem, "all")))
    headers = [line.split() for line in text.splitlines() if line.startswith("example ")]
    assert headers[:2] == [["example", *(f"z_h1_{k}" for k in range(1, 7))], ["example", "z_h1_7", "z_h1_8", "z_h1_9"]]
    assert text.count("… and 4 more examples") == 4  # sums and outputs of each layer
    assert max(map(len, text.splitlines())) <= 80
