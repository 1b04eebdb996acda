"""Values of the forward pass: every formula with its numbers put in gives the value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import problems

import clearprop as cp
from clearprop.derivation.lines import Lines
from clearprop.derivation.values import derive_value
from clearprop.expressions import evaluate, text
from clearprop.network import names as q
from clearprop.rendering.document import View
from clearprop.rules.schedules import schedule


@given(problems(weights=True), st.sampled_from([1, "all"]))
def test_the_formula_of_an_error_gives_its_value(problem: cp.Problem, example: Any) -> None:
    done = cp.cycle(problem, example)
    for k in range(problem.network.sizes[-1]):
        derivation = derive_value(Lines(done), q.Error(k))
        assert float(evaluate(derivation.plugged, {})) == pytest.approx(done.batch[k], rel=1e-7, abs=1e-12)


@given(problems())
def test_every_formula_gives_its_value(problem: cp.Problem) -> None:
    done = cp.cycle(problem)
    lines = Lines(done)
    for layer, size in enumerate(problem.network.sizes[1:]):
        for unit in range(size):
            for quantity in (q.Sum(layer, unit), q.Output(layer, unit)):
                derivation = derive_value(lines, quantity)
                assert float(evaluate(derivation.plugged, {})) == pytest.approx(derivation.value, rel=1e-9, abs=1e-12)


def test_a_long_sum_shows_its_first_terms_and_its_bias() -> None:
    network = cp.Network(20, [cp.Dense(1)])
    done = cp.cycle(cp.Problem(network, examples=cp.Examples(np.ones((1, 20)), np.ones((1, 1)))))
    derivation = derive_value(Lines(done), q.Sum(0, 0))
    (formula,) = derivation.formulas
    assert "… (14 more)" in text(formula)
    assert text(formula).endswith(f" + {q.Parameter(20)!r}")


def shown(done: cp.Cycle, quantity: q.Quantity) -> str:
    """The last formula of a value and its remark, in words."""
    derivation = derive_value(Lines(done), quantity)
    names = [text(formula, View(done.names).name) for formula in derivation.formulas]
    return " ".join([*names[-1:], derivation.remark])


def test_a_long_sum_without_a_bias_keeps_no_term_for_the_end() -> None:
    network = cp.Network(20, [cp.Dense(1, bias=False)])
    done = cp.cycle(cp.Problem(network, examples=cp.Examples(np.ones((1, 20)), np.ones((1, 1)))))
    assert shown(done, q.Sum(0, 0)).endswith(" + x6 * w6 + … (14 more) ")


def test_the_penalty_stands_at_the_end_of_many_errors_and_has_a_term_for_each_weight() -> None:
    network = cp.Network(1, [cp.Dense(10)])
    examples = cp.Examples(np.ones((1, 1)), np.ones((1, 10)))
    done = cp.cycle(cp.Problem(network, penalty=cp.Penalty(l1=1.0), examples=examples))
    assert shown(done, q.TotalError()) == "L_1 + L_2 + L_3 + L_4 + L_5 + L_6 + … (4 more) + penalty "
    assert " + … (4 more) " in shown(done, q.PenaltyError())
    examples = cp.Examples(np.ones((1, 8)), np.ones((1, 1)))
    narrow = cp.Problem(cp.Network(8, [cp.Dense(1)]), penalty=cp.Penalty(l1=1.0), examples=examples)
    assert "abs(w8)" in shown(cp.cycle(narrow), q.PenaltyError())


def test_dropout_is_said_of_each_unit() -> None:
    network = cp.Network(1, [cp.Dense(40, "tanh", dropout=0.5), cp.Dense(1)])
    done = cp.cycle(cp.Problem(network, examples=cp.Examples.of([[1.0]], [[1.0]])))
    (mask,) = done.trace.masks[0]  # type: ignore[misc]
    said = [shown(done, q.Output(0, unit)).partition("dropout: ")[2] for unit in range(40)]
    assert said == ["kept and scaled" if kept else "dropped" for kept in mask]
    assert {*said} == {"kept and scaled", "dropped"}


def test_inputs_and_targets_of_a_table_are_those_of_the_example() -> None:
    iris = cp.load("iris")
    assert iris.examples is not None
    done = cp.cycle(iris, 120)
    assert [shown(done, q.Input(k)).split()[-2].strip(",") for k in range(4)] == [
        column.name
        for column in iris.fitted.columns  # type: ignore[union-attr]
    ]
    assert shown(done, q.Target(2)) == ' 1 if species is "virginica", else 0'.lstrip()
    batch = Lines(cp.cycle(iris, "all"))
    number = int(batch.cycle.numbers[3])
    one = derive_value(batch, q.OfExample(q.Input(0), number))
    assert float(evaluate(one.plugged, {})) == pytest.approx(one.value)
    assert one.value == cp.cycle(iris, number)["sepal_length"] != derive_value(batch, q.Input(0)).value


def test_one_output_is_near_1_for_the_second_class_and_cells_come_back_as_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("size,kind\n5.1,good\n4.9,bad\n6.3,good\n5.8,bad\n")
    layers = '[[layers]]\nunits = 1\nactivation = "logistic"\n'
    data = '[data]\nfile = "t.csv"\ntarget = "kind"\nstandardize = true\nsplit = 0\n'
    (tmp_path / "net.toml").write_text(layers + data)
    done = cp.cycle(cp.load(tmp_path / "net.toml"), 1)
    assert shown(done, q.Target(0)) == '1 if kind is "good", else 0'
    assert shown(done, q.Input(0)).startswith("(5.1 - 5.525) / ")


def test_a_standardized_target_of_a_batch_is_that_of_its_example(tmp_path: Path) -> None:
    prices = [210.0, 340.0, 180.0, 450.0]
    (tmp_path / "t.csv").write_text("size,price\n" + "".join(f"{k},{price:.0f}\n" for k, price in enumerate(prices)))
    data = '[data]\nfile = "t.csv"\ntarget = "price"\nstandardize_target = true\nsplit = 0\n'
    (tmp_path / "net.toml").write_text('[[layers]]\nunits = 1\nactivation = "linear"\n' + data)
    lines = Lines(cp.cycle(cp.load(tmp_path / "net.toml"), "all"))
    for number, price in enumerate(prices, 1):
        one = derive_value(lines, q.OfExample(q.Target(0), number))
        expected = (price - np.mean(prices)) / np.std(prices)
        assert text(one.formulas[0]).startswith(f"({price:g} - ")
        assert [one.value, evaluate(one.plugged, {})] == pytest.approx([expected, expected], rel=1e-9)


def test_a_rate_that_falls_with_the_examples_counts_those_that_training_learns_from() -> None:
    """As in scikit-learn: base / (steps of one example so far + 1) ** power."""
    iris = cp.load("iris")
    assert iris.examples is not None
    falling = schedule("invscaling", power=0.25)
    optimizer = replace(iris.optimizer, learning_rate=0.2, schedule=falling)
    done = cp.cycle(replace(iris, optimizer=optimizer), 1)
    later = replace(done, epoch=3)
    derivation = derive_value(Lines(later), q.LearningRate())
    learnt = len(iris.examples.training)  # type: ignore[arg-type]
    assert learnt < len(iris.examples)
    expected = 0.2 / (3 * learnt + 1) ** 0.25
    assert float(evaluate(derivation.plugged, {})) == pytest.approx(expected, rel=1e-12)
