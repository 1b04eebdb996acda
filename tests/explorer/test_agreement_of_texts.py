"""The page prints what Python prints: derivations of everything, in text and LaTeX, by the bundle run in Node."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.explorer.in_page import CLOSE, everything, in_page
from tests.explorer.node import Node

import clearprop as cp
from clearprop.derivation.derive import Derivations
from clearprop.explorer.export import exported
from clearprop.network import names as q
from clearprop.network.notation import NOTATIONS, Notation
from clearprop.propagation.cycle import following
from clearprop.rendering.compose import derivation_blocks
from clearprop.rendering.document import View
from clearprop.rendering.explanation import in_notation
from clearprop.rendering.latex import latex
from clearprop.rendering.text import text
from clearprop.rules.schedules import schedule

SHOWN = [
    ("lecture", 1, "lecture", 5, "truncate"),
    ("lecture", "all", "standard", 8, "nearest"),
    ("deep", 1, "lecture", 5, "nearest"),
    ("deep", "all", "standard", 3, "truncate"),
    ("xor", 2, "standard", 5, "nearest"),
    ("xor", "all", "lecture", 0, "nearest"),
    ("ring", 7, "standard", 9, "truncate"),
    ("iris", 1, "standard", 5, "nearest"),
]


@pytest.mark.parametrize(("net", "example", "notation", "digits", "rounding"), SHOWN)
def test_python_and_page_print_the_same_derivations(
    node: Node, net: str, example: Any, notation: str, digits: int, rounding: Any
) -> None:
    problem = cp.load(net)
    done = in_notation(cp.cycle(problem, example), notation)
    asked = everything(done)
    ids = [each for each, _ in asked]
    place = example
    if example != "all" and problem.examples is not None:
        place = list(problem.examples.learnt + 1).index(cp.cycle(problem, example).numbers[0]) + 1
    found = in_page(node, problem, example=place, ids=ids, notation=notation, digits=digits, rounding=rounding)
    view = View(done.names, digits, rounding)
    assert len(asked) >= 20
    derivations = Derivations(done)
    for (name, quantity), printed in zip(asked, found["texts"], strict=True):
        expected = text(derivation_blocks([derivations[quantity]], view), view)
        assert printed == expected, name


@pytest.mark.parametrize("hidden", ["tanh", "softmax"])
def test_dropout_is_that_of_the_same_step_and_example(node: Node, hidden: str) -> None:
    network = cp.Network(
        3, [cp.Dense(4, hidden, dropout=0.4), cp.Dense(3, "relu", dropout=0.2), cp.Dense(2, "softmax")]
    )
    examples = cp.Examples.of(np.eye(3), [[1, 0], [0, 1], [1, 0]])
    problem = cp.Problem(network, settings=cp.Settings(seed=2**40 + 7), examples=examples)
    done = following(cp.cycle(problem, "all"))
    found = in_page(node, problem, cycles=2, example="all", ids=["p0"])
    np.testing.assert_allclose(
        [found["gradients"][name] for name, _ in done.gradients.of.items()], done.gradients.of.vector, atol=1e-14
    )
    one, view = cp.cycle(problem, 1), View(done.names)
    asked = everything(one)
    texts = in_page(node, problem, ids=[each for each, _ in asked])["texts"]
    derivations = Derivations(one)
    for (each, quantity), printed in zip(asked, texts, strict=True):
        assert printed == text(derivation_blocks([derivations[quantity]], view), view), each


@pytest.mark.parametrize("net", ["lecture", "deep", "iris", "xor"])
def test_python_and_page_set_the_same_latex(node: Node, net: str) -> None:
    """Equation by equation, up to how the lines of one are broken and where its remarks stand."""
    problem = cp.load(net)
    script = """([data, indices, shown]) => {
        const done = clearprop.run(data);
        const view = clearprop.viewOf(done.network.names(shown.notation), shown);
        const derived = (index) => clearprop.derive(done, clearprop.chosen(`p${index}`), 0, view);
        const names = done.network.names(shown.notation);
        return indices.map((index) => clearprop.latexOf(clearprop.blocksOf(derived(index), view), names, view));
    }"""
    done = cp.cycle(problem, int(problem.examples.learnt[0]) + 1)  # type: ignore[union-attr]
    size = len(done.parameters)
    indices = sorted({0, 1, size // 3, size // 2, size - 2, size - 1})
    for notation in NOTATIONS:
        shown = {"notation": notation, "digits": 5, "rounding": "nearest"}
        here = in_notation(done, notation)
        derivations = Derivations(here)
        for index, page in zip(indices, node.evaluate(script, [exported(problem), indices, shown]), strict=True):
            view = View(here.names, 5, "nearest")
            python = latex(derivation_blocks([derivations[q.Parameter(index)]], view), view, fragment=True)
            assert equations_of(page) == equations_of(python), (notation, index)


def equations_of(written: str) -> list[str]:
    plain = re.sub(r"\\parbox\[t\]\{\d+pt\}\{\\raggedright|\\text\{\\small", "{", written)
    plain = re.sub(r"\\qquad|&\\quad|&|\s|\\\\(?![a-zA-Z])", "", plain)
    return re.findall(r"\\begin\{align\*\}(.*?)\\end\{align\*\}", plain)


def test_another_course_is_one_entry_of_the_table(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    words = dict(zip(("sum", "output", "signal", "target", "error"), ("net", "out", "", "goal", "Err"), strict=True))
    signs = {"new_prefix": "", "new_suffix": "′", "times": "×", "times_set": "×", "power": "^", "matrix_form": True}
    course = Notation("course", **words, total_error="Err_all", learning_rate="α", **signs)  # type: ignore[arg-type]
    monkeypatch.setitem(NOTATIONS, "course", course)
    problem = replace(cp.load("lecture"), notation="course")
    done = cp.cycle(problem)
    found = in_page(node, problem, ids=["p0", "total"], notation="course")
    assert found["values"]["net_h1"] == pytest.approx(0.41, rel=CLOSE)
    assert "w1′ = w1 - α × ∂Err_all/∂w1" in found["texts"][0]
    asked: list[q.Quantity] = [q.Parameter(0), q.TotalError()]
    view = View(done.names)
    derivations = Derivations(done)
    for quantity, printed in zip(asked, found["texts"], strict=True):
        assert printed == text(derivation_blocks([derivations[quantity]], view), view)


def test_schedules_and_clipping(node: Node) -> None:
    problem = cp.load("lecture")
    for name, constants in (
        ("cosine", {"epochs": 7, "minimum": 0.01}),
        ("step", {"size": 2}),
        ("exponential", {"warmup": 3}),
    ):
        optimizer = replace(problem.optimizer, schedule=schedule(name, **constants), clip_norm=0.05, clip_value=0.03)
        changed = replace(problem, optimizer=optimizer)
        done = cp.cycle(changed)
        for _ in range(8):
            done = following(done)
        asked: dict[str, q.Quantity] = {
            "p4": q.Parameter(4),
            "rate": q.LearningRate(),
            "#norm": q.Named("norm"),
            "#clip_factor": q.Named("clip_factor"),
            "clipped of 5": q.State("clipped", 5),
        }
        found = in_page(node, changed, cycles=9, ids=list(asked), notation="lecture", digits=9)
        for weight, expected in done.updated.items():
            assert found["updated"][weight] == pytest.approx(expected, rel=1e-12), (name, weight)
        view = View(done.names, 9)
        derivations = Derivations(done)
        for (each, quantity), printed in zip(asked.items(), found["texts"], strict=True):
            assert printed == text(derivation_blocks([derivations[quantity]], view), view), each


def test_clipping_by_the_norm_of_each_variable(node: Node) -> None:
    problem = cp.load("lecture")
    optimizer = cp.SGD(0.6, momentum=0.5, clip_norm=0.05, clip_norm_per="variable")
    changed = replace(problem, optimizer=optimizer)
    done = cp.cycle(changed)
    for _ in range(3):
        done = following(done)
    asked: dict[str, q.Quantity] = {"clipped of 5": q.State("clipped", 5)}
    for name in done.update.clip_factors:
        asked |= {f"#{each}": q.Named(each) for each in (name, name.replace("clip_factor", "norm"))}
    found = in_page(node, changed, cycles=4, ids=list(asked), notation="lecture", digits=9)
    for weight, expected in done.updated.items():
        assert found["updated"][weight] == pytest.approx(expected, rel=1e-12), weight
    derivations, view = Derivations(done), View(done.names, 9)
    for (each, quantity), printed in zip(asked.items(), found["texts"], strict=True):
        assert printed == text(derivation_blocks([derivations[quantity]], view), view), each


def test_what_an_optimizer_remembers_is_derived_and_no_input_is_called_like_its_constants(node: Node) -> None:
    network = cp.Network(("beta1", "step"), [cp.Dense(2, "tanh"), cp.Dense(1)])
    problem = cp.Problem(network, optimizer=cp.Adam(0.1), examples=cp.Examples.of([[1, 2]], [[0.5]]))
    asked: dict[str, q.Quantity] = {
        "p0": q.Parameter(0),
        "m of 0": q.State("m", 0),
        "new m of 0": q.Updated(q.State("m", 0)),
        "v_hat of 3": q.State("v_hat", 3),
        "#beta1": q.Named("beta1"),
        "#step": q.Named("step"),
    }
    done = following(cp.cycle(problem))
    found = in_page(node, problem, cycles=2, ids=list(asked))["texts"]
    view = View(done.names)
    derivations = Derivations(done)
    for (each, quantity), printed in zip(asked.items(), found, strict=True):
        assert printed == text(derivation_blocks([derivations[quantity]], view), view), each
    assert "new_m_w1 = beta1_2 · " in found[0].replace("m_w1⁺", "new_m_w1")
    assert "(carried over from the step before; 0 at the start)" in found[1]


def test_an_output_is_also_shown_in_the_unit_of_the_table(node: Node, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("size,price\n" + "\n".join(f"{k},{1000 * k + k % 3}" for k in range(1, 30)))
    problem = cp.load(str(tmp_path / "t.csv"), target="price")
    assert problem.examples is not None
    done = cp.cycle(problem, int(problem.examples.learnt[0]) + 1)
    view = View(done.names)
    last = problem.network.depth - 1
    printed = in_page(node, problem, ids=[f"a{last}.0"])["texts"][0]
    assert printed == text(derivation_blocks([Derivations(done)[q.Output(last, 0)]], view), view)
    assert "(the output in the unit of the table)" in printed
