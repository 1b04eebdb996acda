"""Which examples each step learns from, and with which learning rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import clearprop as cp
from clearprop.rules.optimizers import optimizer
from clearprop.rules.schedules import schedule
from clearprop.training.batching import Memory, planned


def test_batches_cover_every_example_once() -> None:
    network = cp.Network(1, [cp.Dense(1)])
    steps = {}
    for count, size, shuffle in ((17, 5, True), (5, 2, False), (4, 4, True)):
        settings = cp.Settings(batch_size=size, shuffle=shuffle)
        problem = cp.Problem(network, examples=cp.Examples.of([[0.0]] * count, [[0.0]] * count), settings=settings)
        steps[count] = planned(problem, 3, Memory(problem))
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


def test_orders_from_a_generator_go_on_where_it_stands_and_leave_it_alone() -> None:
    generator = np.random.RandomState(1)
    generator.random_sample(13)
    other = np.random.RandomState(1)
    other.random_sample(13)
    settings = cp.Settings(batch_size=2, shuffle=generator)
    problem = cp.Problem(
        cp.Network(1, [cp.Dense(1)]), examples=cp.Examples.of([[0.0]] * 7, [[0.0]] * 7), settings=settings
    )
    memory, order = Memory(problem), np.arange(7)
    expected = [order := order[other.permutation(7)] for _ in range(4)]
    for epoch in (0, 1, 3, 2, 0):
        assert np.array_equal(planned(problem, epoch, memory).order, expected[epoch])
    with pytest.raises(
        cp.ClearpropError, match=r'shuffle: a generator given in Python cannot be written; use shuffle = "'
    ):
        cp.write(problem)
