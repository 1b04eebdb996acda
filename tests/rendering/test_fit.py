"""A training as a document: the same words and numbers in every format."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.rendering.reading import read, words

import clearprop as cp
from clearprop.models.history import History
from clearprop.prediction.metrics import Metrics
from clearprop.rendering.document import Grid, Lines
from clearprop.rendering.fit import METRICS, fit_document, fit_result, shown_metrics
from clearprop.rendering.formats import FORMATS, write
from clearprop.training.stopping import Status


@pytest.fixture(scope="module")
def fit() -> cp.Fit:
    return cp.train(cp.load("iris"), epochs=5)


def test_every_format_says_why_it_ended_and_the_losses(fit: cp.Fit) -> None:
    losses = f"{fit.loss_before:.6f} before, {fit.loss_after:.6f} after"
    for name in FORMATS:
        shown = write(fit_result(fit), name)
        assert "limit of 5 epochs was reached" in shown
        assert (losses in shown) == (name != "json")
    page = read(write(fit_result(fit), "html"))
    assert "validation: loss" in words(next(page.iter("p")))
    assert words(next(page.iter("h1"))) == "iris"


def test_the_confusion_matrix_counts_every_row_once(fit: cp.Fit) -> None:
    (grid,) = (block for block in fit_document(fit) if isinstance(block, Grid))
    assert grid.header == ("true", "setosa", "versicolor", "virginica")
    assert grid.numeric == (False, True, True, True)
    found = fit.metrics("validation")
    assert found is not None
    assert found.confusion is not None
    assert found.confusion.sum() == 30
    structure = json.loads(write(fit_result(fit), "json"))
    assert structure["validation"]["confusion"] == found.confusion.tolist()
    assert structure["classes"] == ["setosa", "versicolor", "virginica"]


def test_weights_that_are_not_the_last_are_said(fit: cp.Fit) -> None:
    """Where validation rows say which epoch was best, its weights are kept, however the training ends."""
    said = "weights: those of {}, where the validation loss was lowest"
    losses = fit.history.validation
    assert losses[-1] == min(losses)
    assert "weights: those" not in write(fit_result(fit), "text")
    for best, where in ((0, "the start"), (2, "epoch 2")):
        rising = [1.0 + (epoch != best) for epoch in range(len(losses))]
        other = replace(fit, history=History(list(fit.history.loss), validation=rising))
        assert said.format(where) in write(fit_result(other), "text")
        assert "weights: those" not in write(fit_result(replace(other, status=Status.EARLY_STOPPING)), "text")


def test_where_the_model_is_saved_comes_last(fit: cp.Fit) -> None:
    assert fit_document(fit, "a\x1b[2J.safetensors")[-1] == Lines(("saved as a�[2J.safetensors",))


def test_metrics_in_words() -> None:
    assert shown_metrics(Metrics(200, accuracy=0.985), 0.25) == "loss 0.25, accuracy 98.50% (197 of 200)"
    assert shown_metrics(Metrics(3, rmse=0.5, r2=0.12344)) == "R² 0.1234, RMSE 0.5"
    assert shown_metrics(Metrics(3, rmse=0.5, r2=None)) == "RMSE 0.5"


def test_every_metric_has_a_name() -> None:
    """Those of classes and those of numbers."""
    both = Metrics(1, accuracy=1.0).numbers() | Metrics(1, rmse=1.0, r2=1.0).numbers()
    assert set(both) == set(METRICS)


def test_a_training_that_diverged_is_described_too() -> None:
    network = cp.Network(1, [cp.Dense(1, "exp(z)")], "squared_error")
    parameters = cp.Parameters.of(network, [[[1000.1]]])
    problem = cp.Problem(network, parameters, examples=cp.Examples(np.ones((1, 1)), np.zeros((1, 1))))
    fit = cp.train(problem)
    assert write(fit_result(replace(fit)), "text").startswith("Diverged before the first step: a_y1 is inf;")
