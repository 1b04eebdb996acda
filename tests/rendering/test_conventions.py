"""The head of an explanation: every choice that published examples make differently."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

import clearprop as cp
from clearprop.rendering.conventions import conventions
from clearprop.rendering.document import View
from clearprop.rendering.text import Formula


def said(problem: cp.Problem, example: Any = 1) -> dict[str, str]:
    done = cp.cycle(problem, example)
    view = View(done.names)
    shown = Formula(view).write
    return {name: cell if isinstance(cell, str) else shown(cell) for name, cell in conventions(done, view)}


def test_of_the_lecture() -> None:
    found = said(cp.load("lecture"))
    assert found["loss"] == "half_squared_error"
    assert found["E_total"] == "the sum over the outputs"
    assert found["optimizer"] == "sgd, learning rate n = 0.6"
    assert "batch" not in found


def test_of_an_optimizer_with_a_schedule_and_limits() -> None:
    schedule = {"name": "cosine", "epochs": 10, "warmup": 4}
    optimizer = cp.SGD(0.5, momentum=0.9, schedule=schedule, clip_norm=1.0, clip_value=0.25)
    found = said(replace(cp.load("lecture"), optimizer=optimizer))
    assert found["optimizer"] == "sgd, learning rate n = 0.1, momentum = 0.9"
    assert found["learning rate schedule"] == "cosine, from 0.5, after a warmup of 4 steps"
    assert found["clipping"] == "each gradient, to at most 0.25 in size; the norm of the whole gradient, to at most 1"
    optimizer = cp.SGD(0.5, clip_norm=1.0, clip_norm_per="variable")
    found = said(replace(cp.load("lecture"), optimizer=optimizer))
    assert found["clipping"] == "the norm of the gradient of each layer's weights, and of its biases, to at most 1"


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_of_a_batch_with_a_penalty(reduction: Literal["sum", "mean"]) -> None:
    xor = cp.load("xor")
    objective = replace(xor.network.loss, over_examples=reduction)
    problem = replace(xor, network=replace(xor.network, loss=objective), penalty=cp.Penalty(l2=0.1))
    found = said(problem, "all")
    assert found["batch"] == f"the {reduction} over the 4 examples"
    assert found["L"] == "the sum over the outputs, plus the penalty once per batch"
