"""What a training says of itself: only what is so, and always what it is that was not learnt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clearprop as cp
from clearprop.models.history import History
from clearprop.training import notes as room
from clearprop.training.notes import notes
from clearprop.training.stopping import Status
from clearprop.types import Array

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X @ [1.0, 2.0, 3.0])[:, None]


def noted(*layers: cp.Dense, inputs: Array = X, targets: Any = Y, loss: str | None = None, **options: Any) -> str:
    """The notes of a short training, as one text."""
    network = cp.Network(inputs.shape[1], layers, loss)
    return "\n".join(cp.train(network, inputs, targets, engine="reference", **{"epochs": 20, **options}).notes)


def test_a_training_that_learns_has_no_notes() -> None:
    assert noted(cp.Dense(4, "tanh"), cp.Dense(1)) == ""
    assert repr(cp.train(cp.load("lecture"), epochs=2)) == "Fit(epoch_limit: 2 epochs, loss 0.23)"


def test_zero_weights_make_units_alike_and_learn_the_mean() -> None:
    said = noted(cp.Dense(4, "tanh", init="zeros"), cp.Dense(1, init="zeros"), targets=Y - Y.mean() + 0.5, epochs=400)
    same, alike = said.splitlines()
    assert same.startswith("Nothing was learnt: the output y1 is the same for all 60 rows, 0.5")
    assert same.endswith(", the mean of the targets.")
    assert alike == (
        "The units of layer 1 are alike: their weights are the same, so they learn the same thing and act as one. "
        "Use random initial weights."
    )


def test_targets_that_no_weights_reach() -> None:
    assert (
        f"The outputs of logistic lie between 0 and 1, the targets between {Y.min():,.6g} and {Y.max():,.6g}: "
        "no weights reach them all. Use identity in the last layer, or scale the targets."
    ) in noted(cp.Dense(1, "logistic"))
    said = noted(cp.Dense(1, "relu"), targets=-np.abs(Y) - 1, epochs=100)
    assert "The outputs of relu lie at or above 0, the targets between" in said
    assert "Layer 1: y1 is dead: the slope of relu is 0 for all 60 rows" in said
    assert said.endswith("no update changes a weight.")
    assert "Every gradient is exactly 0 although L is" in said


def test_targets_far_from_the_outputs_with_their_numbers() -> None:
    targets = 1e5 * Y + 3e5
    said = noted(cp.Dense(4, "tanh"), cp.Dense(1), targets=targets, optimizer=cp.Adam(0.01))
    assert f"their mean is {targets.mean():,.6g} and their deviation {targets.std():,.6g}, those of y1 " in said
    assert "Scale the targets to about -1 to 1, or use a larger learning rate." in said
    assert "far from" not in noted(cp.Dense(1), targets=100 * Y, optimizer=cp.SGD(0.3), epochs=300)


def test_the_same_answer_for_classes_is_of_all_outputs() -> None:
    classes = np.arange(60) % 3
    said = noted(cp.Dense(3, "softmax"), inputs=np.ones((60, 2)), targets=classes, epochs=300)
    assert said.splitlines() == [
        "Nothing was learnt: the outputs 0, 1 and 2 are the same for all 60 rows, the means of the targets.",
        "The inputs are the same for all 60 rows: nothing tells the rows apart.",
    ]


def test_answers_that_differ_but_are_worse_than_a_constant() -> None:
    """The best constant of a squared error is the mean, of an absolute one the median."""
    targets = RNG.exponential(size=(60, 1))
    for loss, best, answer in (
        ("squared_error", "mean", targets.mean()),
        ("absolute_error", "median", np.median(targets)),
    ):
        said = noted(cp.Dense(1), targets=targets, loss=loss, epochs=0, seed=3)
        error = np.abs(targets - answer) ** (2 if best == "mean" else 1)
        assert f"(the {best} of the targets gives {error.mean():,.6g})" in said, loss
        assert "Try more epochs, another learning rate, or scaled inputs." in said


def test_a_constant_answer_counts_weights_of_rows() -> None:
    weights = np.linspace(0, 2, 60)
    said = noted(cp.Dense(1), targets=np.abs(RNG.normal(size=(60, 1))), weights=weights, epochs=0, seed=1)
    assert "the mean of the targets gives" in said


def test_nothing_is_said_of_what_cannot_be_told() -> None:
    """One example, a training that diverged, no examples at all."""
    assert noted(cp.Dense(1), inputs=X[:1], targets=Y[:1]) == ""
    diverged = cp.train(cp.load("lecture"), optimizer=cp.SGD(1.0), epochs=1)
    assert replace(diverged, status=Status.DIVERGED).notes == ()
    assert notes(replace(diverged.problem, examples=None), Status.CONVERGED, diverged.history) == ()


def test_targets_that_are_the_same_for_all_rows(tmp_path: Path) -> None:
    said = noted(cp.Dense(1), targets=np.full((60, 1), 0.25), epochs=1)
    assert said == "There is nothing to learn: the targets are the same for all 60 rows."
    table = tmp_path / "table.csv"
    table.write_text("x,u,v\n" + "".join(f"{k},{2 * k},7\n" for k in range(40)))
    fit = cp.train(cp.load(table, target=("u", "v")), epochs=60)
    assert fit.notes == ("There is nothing to learn: the targets v are the same for all 32 training rows.",)


def test_one_class_for_all_rows_is_said() -> None:
    """Rare classes that nothing tells apart: probabilities differ, the class does not."""
    rare = (np.arange(60) % 20 == 0).astype(int)
    network = cp.Network(3, [cp.Dense(2, "softmax")])
    fit = cp.train(network, X, np.eye(2)[rare], epochs=100, optimizer=cp.Adam(0.05))
    assert fit.notes == (
        'The predicted class is "y1" for all 60 rows: the accuracy is that of this one answer. '
        'If rare classes matter, try class_weights = "balanced" under [data].',
    )
    assert cp.train(network, X, np.eye(2)[(Y[:, 0] > 0).astype(int)], epochs=100).notes == ()


def test_an_error_of_zero_is_no_flat_place() -> None:
    network = cp.Network(1, [cp.Dense(1, bias=False)])
    exact = cp.Problem(
        network, cp.Parameters.of(network, [[[2.0]]]), examples=cp.Examples.of([[1.0], [2.0]], [[2.0], [4.0]])
    )
    assert notes(exact, Status.CONVERGED, History([0.0] * 11, [0.1] * 10)) == ()


def test_of_very_many_rows_a_sample_is_looked_at_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ROWS", 20)
    said = noted(cp.Dense(4, "tanh", init="zeros"), cp.Dense(1, init="zeros"), epochs=200)
    assert "is the same for all of 20 rows looked at" in said


def test_saturated_units_say_what_to_scale() -> None:
    said = noted(cp.Dense(6, "logistic"), cp.Dense(1), inputs=1e4 * np.abs(X) + 1e5, epochs=100)
    assert "Layer 1: all 6 units are saturated: the slope of logistic is practically 0 for all 60 rows" in said
    assert said.endswith("Try inputs scaled to about -1 to 1.")


def test_with_a_penalty_the_error_is_named_without_it() -> None:
    """The constant answer has no penalty, so neither has the error that is held against it."""
    network = cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(1)])
    problem = cp.Problem(network, penalty=cp.Penalty(l2=100.0), examples=cp.Examples.of(X, Y))
    (note, *_) = notes(problem, Status.EPOCH_LIMIT, History([1.0], []))
    bare = cp.cycle(replace(problem, penalty=cp.Penalty()), "all").error
    assert note.startswith(f"Nothing was learnt: L without the penalty is {bare:,.6g}, no better than the same answer")
    assert notes(problem, Status.EPOCH_LIMIT, History([1.0], []))[-1] == (
        "The penalty (l2 = 100) pulls all weights towards 0. Try a smaller one, or more epochs."
    )


def test_a_dead_unit_among_others_is_no_alarm() -> None:
    network = cp.Network(3, [cp.Dense(2, "relu"), cp.Dense(1)])
    weights = [[[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], [[1.0, 1.0]]]
    problem = cp.Problem(network, cp.Parameters.of(network, weights, [[10.0, -5.0], [0.0]]))
    fit = cp.train(problem, X, Y, epochs=200, optimizer=cp.SGD(0.01))
    assert fit.notes == (
        "Layer 1: h1_2 is dead: the slope of relu is 0 for all 60 rows, so no error flows back through it and the "
        "weights into it do not change. The other unit of the layer works.",
    )


def test_inputs_that_hardly_differ_are_to_be_scaled() -> None:
    said = noted(cp.Dense(4, "tanh"), cp.Dense(1), inputs=1e-30 * X, epochs=200)
    spread = np.ptp(1e-30 * X, axis=0).max()
    assert said.endswith(
        f"The inputs differ by at most {spread:,.6g} from row to row, too little for these weights. "
        "Scale them to about -1 to 1."
    )
    frame = pd.DataFrame(1e-30 * X, columns=["a", "b", "c"]).assign(y=Y)
    fit = cp.train(cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(1)]), frame, "y", epochs=50)
    assert fit.notes[-1].endswith("Try standardize = true under [data].")


def test_a_few_dead_units_are_no_reason_that_nothing_was_learnt() -> None:
    network = cp.Network(3, [cp.Dense(4, "relu"), cp.Dense(1)])
    biases = [[0.0, 0.0, 0.0, -50.0], [0.0]]
    problem = cp.Problem(network, cp.Parameters.of(network, [X[:4], np.ones((1, 4))], biases))
    fit = cp.train(problem, X, np.abs(Y), epochs=0)
    assert "h1_4 is dead" in fit.notes[1]
    assert fit.notes[-1] == "Try more epochs, another learning rate, or scaled inputs."
