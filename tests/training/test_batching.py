"""Which examples each step learns from, and with which learning rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import clearprop as cp
from clearprop.rules.optimizers import optimizer
from clearprop.rules.schedules import schedule
from clearprop.training.batching import Plateau, planned


def test_batches_cover_every_example_once() -> None:
    network = cp.Network(1, [cp.Dense(1)])
    steps = {}
    for count, size, shuffle in ((17, 5, True), (5, 2, False), (4, 4, True)):
        settings = cp.Settings(batch_size=size, shuffle=shuffle)
        problem = cp.Problem(network, examples=cp.Examples.of([[0.0]] * count, [[0.0]] * count), settings=settings)
        steps[count] = planned(problem, 3, Plateau(problem))
    assert [len(step.rows) for step in steps[17]] == [5, 5, 5, 2]
    seen = np.concatenate([step.rows for step in steps[17]])
    assert sorted(seen) == list(range(17))
    assert list(seen) != list(range(17))
    assert [list(step.rows) for step in steps[5]] == [[0, 1], [2, 3], [4]]
    assert [step.number for step in steps[5]] == [10, 11, 12]
    assert [list(step.rows) for step in steps[4]] == [[0, 1, 2, 3]]


def test_plateau_agrees_with_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: the plateau schedule is not compared")
    chosen = optimizer("sgd", learning_rate=0.6, schedule=schedule("plateau", factor=0.5, patience=2, threshold=0.2))
    fit = cp.train(replace(cp.load("lecture"), optimizer=chosen), epochs=60)
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.6)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, factor=0.5, patience=2, threshold=0.2)
    for epoch, loss in enumerate(fit.history.loss[1:]):
        assert fit.history.rate[epoch] == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-12)
        scheduler.step(loss)
    assert fit.history.rate[-1] < 0.6
