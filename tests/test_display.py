"""What print and a notebook show of each result."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from tests.rendering.compiling import compiled
from tests.rendering.reading import equations, read, words

import clearprop as cp
from clearprop.display import Displayable
from clearprop.rendering.latex import PREAMBLE

LECTURE = cp.load("lecture")
CYCLE = cp.cycle(LECTURE)
KINDS = {"text/html", "text/latex", "text/plain"}


@pytest.fixture(scope="module")
def fit() -> cp.Fit:
    return cp.train(cp.load("iris"), epochs=5)


def bundle(shown: Any) -> dict[str, str]:
    found: dict[str, str] = shown._repr_mimebundle_()
    assert set(found) == KINDS
    return found


def table(page: ET.Element) -> dict[str, str]:
    """A table's rows by their first cell."""
    return {words(row[0]): " ".join(words(cell) for cell in row[1:]) for row in page.iter("tr")}


def test_an_explanation_shows_what_it_prints() -> None:
    explanation = cp.explain(CYCLE, "w5")
    shown = bundle(explanation)
    assert shown["text/plain"] == explanation.text()
    assert shown["text/html"] == explanation.html(fragment=True)
    assert shown["text/latex"] == explanation.latex(fragment=True)


def test_a_derivation_shows_itself() -> None:
    (derivation,) = cp.explain(CYCLE, "w5").derivations
    assert bundle(derivation) == bundle(cp.explain(CYCLE, "w5"))
    (value,) = cp.explain(CYCLE, "E_1").derivations
    assert bundle(value) == bundle(cp.explain(CYCLE, "E_1"))


def test_a_cycle_shows_the_network_the_update_and_both_errors() -> None:
    shown = bundle(CYCLE)
    page = read(shown["text/html"])
    assert [equation.lines for equation in equations(page)] == [["= 0.24909"], ["= 0.24072"]]
    assert "0.60109" in words(next(page.iter("svg")))
    rows = [words(row) for row in page.iter("tr")]
    assert "w 5 0.5 0.08020 0.45188" in rows
    assert "b 1 0.25 0.02448 0.25 not trained" in rows
    assert "w5  0.5       0.08020  0.45188" in shown["text/plain"]


def test_a_cycle_of_a_large_network_shows_the_largest_gradients() -> None:
    page = read(bundle(cp.cycle(cp.load("digits"), "all"))["text/html"])
    assert len(list(page.iter("tr"))) == 11
    assert "The largest gradients" in words(page)


def test_a_problem_shows_its_layers_and_how_it_is_learnt() -> None:
    shown = bundle(cp.load("iris"))
    page = read(shown["text/html"])
    rows = table(page)
    assert rows["1"] == "relu 16 x 4 16 80"
    assert rows[""].split() == ["131"]
    assert [words(each) for each in page.iter("p")] == [
        "iris: 120 examples, 30 more for validation "
        "numbers: sepal_length, sepal_width, petal_length, petal_width "
        "target: species, 3 classes (setosa, versicolor, virginica)",
        "loss categorical_cross_entropy; adam, learning rate 0.01; batches of 32; seed 0; float32",
    ]
    assert len(list(page.iter("svg"))) == 1
    assert "error of one output = -target * log(output)" in shown["text/plain"].replace("·", "*").replace("ln", "log")
    assert str(cp.Problem(cp.Network(2, [cp.Dense(1)]))).startswith("the network: no examples\nlayer  activation")


def test_a_network_prints_its_layers() -> None:
    assert str(LECTURE.network).split("\n") == [
        "layer  activation  weights (units x inputs)  biases  parameters",
        "    1  logistic    2 x 2                          1           5",
        "    2  logistic    2 x 2                          1           5",
        "                                                             10",
        "loss half_squared_error",
        "  error of one output = 1/2 · (target - output)²",
    ]


def test_a_repr_is_one_short_line() -> None:
    explanation = cp.explain(CYCLE, "w5", "E_1")
    gradient, value = explanation.derivations
    assert repr(explanation) == "Explanation('lecture': ∂E_total/∂w5, E_1)"
    assert repr(gradient) == "GradientDerivation(w5: gradient 0.0802031)"
    assert repr(value) == "ValueDerivation(E_1 = 0.234564)"
    for result in (LECTURE, LECTURE.network, CYCLE, cp.verify(LECTURE), cp.explain(CYCLE)):
        assert len(repr(result)) < 120
        assert "\n" not in repr(result)


def test_a_cycle_prints_its_values() -> None:
    lines = str(CYCLE).split("\n")
    assert "sum_h1  0.41     output_h1  0.60109  ∂E_total/∂sum_h1   0.01108" in lines
    assert "w5  0.5       0.08020  0.45188" in lines


def test_a_verification_prints_each_layer() -> None:
    lines = str(cp.verify(LECTURE)).split("\n")
    assert lines[2].startswith("layer 1: 5 of 5 checked, worst relative error ")
    assert lines[-1] == "all agree"


def test_a_training_shows_why_it_ended_and_its_curve(fit: cp.Fit) -> None:
    shown = bundle(fit)
    page = read(shown["text/html"])
    lines = words(next(page.iter("p")))
    assert lines.startswith(fit.reason[0].upper() + fit.reason[1:] + ". 5 epochs, 20 steps, ")
    assert f"L: {fit.loss_before:.6f} before, {fit.loss_after:.6f} after" in lines
    metrics = fit.metrics()
    assert metrics is not None
    assert f"training: accuracy {metrics.accuracy:.2%} (" in lines
    assert len(list(page.iter("polyline"))) == 4
    assert "█" in shown["text/plain"]
    assert max(map(len, str(fit).split("\n"))) <= 80
    assert len(str(fit)) < 2000


def test_a_training_that_diverged_shows_itself_too() -> None:
    problem = cp.load("xor")
    lost = cp.train(problem, optimizer=cp.SGD(1e30), epochs=3)
    assert "text/html" in bundle(lost)


def test_all_latex_compiles_in_what_a_notebook_is_printed_with(fit: cp.Fit) -> None:
    """Which draws nothing: no TikZ."""
    head = PREAMBLE.replace("\\usepackage{tikz}\n", "\\usepackage{graphicx}\n")
    shown = [LECTURE, CYCLE, cp.explain(CYCLE), fit]
    body = "\n".join(bundle(each)["text/latex"] for each in shown)
    assert "tikzpicture" not in body
    compiled(head + body + "\\end{document}\n")


def test_only_what_is_asked_for_is_given() -> None:
    explanation = cp.explain(CYCLE, "w5")
    assert set(explanation._repr_mimebundle_(include={"text/latex"})) == {"text/latex"}
    assert set(explanation._repr_mimebundle_(exclude={"text/latex"})) == KINDS - {"text/latex"}
    assert set(explanation._repr_mimebundle_(None, None)) == KINDS


def test_several_outputs_stand_in_one_page(fit: cp.Fit) -> None:
    shown = [LECTURE, CYCLE, cp.explain(CYCLE, "w5"), cp.explain(CYCLE, "w1"), fit]
    page = read("<body>" + "".join(bundle(each)["text/html"] for each in shown) + "</body>")
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))


def test_what_nothing_describes_is_refused() -> None:
    class Other(Displayable):
        pass

    with pytest.raises(TypeError, match="nothing describes a Other"):
        Other()._repr_mimebundle_()


def test_a_program_that_shows_nothing_imports_nothing_for_it() -> None:
    code = (
        "import sys, clearprop as cp; cp.cycle(cp.load('lecture')); print('clearprop.rendering.results' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
