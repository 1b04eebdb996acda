"""Playing is training: the page makes the cycles that `train` makes, loss by loss, and ends where it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.explorer.conftest import Visit
from tests.explorer.node import Node

import clearprop as cp
from clearprop.rules.schedules import schedule


def scheduled(name: str, *, epochs: int = 200, **constants: Any) -> cp.Problem:
    """xor with another schedule."""
    problem = cp.load("xor")
    optimizer = replace(problem.optimizer, schedule=schedule(name, **constants))
    return replace(problem, optimizer=optimizer, settings=replace(problem.settings, epochs=epochs))


def dropped() -> cp.Problem:
    """A network whose loss, without dropout, is watched."""
    network = cp.Network(2, [cp.Dense(6, "tanh", dropout=0.3), cp.Dense(1, "logistic")], "binary_cross_entropy")
    settings = cp.Settings(epochs=60, seed=5)
    optimizer = replace(cp.SGD(0.5), schedule=schedule("plateau", patience=1, factor=0.5))
    return cp.Problem(network, optimizer=optimizer, examples=cp.load("xor").examples, settings=settings)


def with_settings(net: str, **settings: Any) -> cp.Problem:
    problem = cp.load(net)
    return replace(problem, settings=replace(problem.settings, **settings))


PROBLEMS = {
    "plateau": scheduled("plateau", patience=2, threshold=0.05, factor=0.5),
    "plateau, warmed up": scheduled("plateau", patience=1, threshold=0.1, factor=0.7, warmup=9),
    "plateau, to a minimum": scheduled("plateau", patience=0, threshold=0.9, factor=0.3, minimum=0.01),
    "adaptive": scheduled("adaptive", patience=1, tolerance=0.02, minimum=0.001),
    "invscaling": scheduled("invscaling", epochs=60),
    "step": scheduled("step", size=60, gamma=0.5),
    "exponential, long": scheduled("exponential", epochs=1_300, gamma=0.9995, warmup=1_100),
    "dropout": dropped(),
    "target": with_settings("xor", target_loss=0.3),
    "gradient": with_settings("lecture", gradient_tolerance=0.05),
    "improvement": with_settings("xor", convergence="improvement", tolerance=1e-4, patience=5),
    "limit": with_settings("lecture", epochs=77),
    "still": with_settings("lecture", tolerance=1e-5),
    "still, one": with_settings("lecture", tolerance=1e-4, patience=1),
    "deep": with_settings("deep", epochs=50),
}


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_playing_makes_the_cycles_of_train(node: Node, problem: cp.Problem) -> None:
    fit = cp.train(problem, dtype="float64", engine="reference")
    script = """(store) => {
        let ending = store.edit({ isBatch: store.setup.examples.count > 1 });
        while (ending === null) ending = store.advance() ?? clearprop.verdict(store);
        return [[...store.losses], [...store.current.moment.vector], ending.words];
    }"""
    losses, vector, words = node.on_page(problem, script)
    assert len(losses) - 1 == fit.epochs
    assert f"{fit.epochs:,} cycle" in words
    assert "undefined" not in words
    if fit.reason.startswith("converged: "):
        cause = fit.reason.removeprefix("converged: ").replace("epoch", "cycle")
        assert words == f"Converged after {fit.epochs:,} cycles: {cause}."
    np.testing.assert_allclose(losses, fit.history.loss, rtol=1e-9)
    np.testing.assert_allclose(vector, fit.problem.parameters.vector, rtol=1e-8, atol=1e-10)
    if problem.optimizer.schedule.name == "plateau":
        assert len(set(fit.history.rate)) > 2


def test_where_train_makes_batches_the_page_says_that_it_does_not(visit: Visit) -> None:
    for net, said in (
        ("xor", "Training on all 4 examples at once."),
        ("iris", "Training on all 120 examples at once (clearprop train uses batches of 32)."),
    ):
        page = visit.open(with_settings(net, epochs=30), "#batch=1")
        play = "document.querySelector('.cp-primary').click(); document.querySelector('.cp-status').textContent"
        assert page.evaluate(play) == said


def test_a_plateau_is_watched_again_after_going_back(node: Node) -> None:
    """The rate belongs to the cycle; and an edit begins anew, as the optimizer does."""
    script = """(store) => {
        const rates = [store.current.rate];
        while (store.step < 120) { store.advance(); rates.push(store.current.rate); }
        const again = [40, 7, 119, 1].map((step) => { store.goTo(step); return store.current.rate; });
        store.edit({});
        return [rates, again, store.current.rate];
    }"""
    rates, again, fresh = node.on_page(PROBLEMS["plateau"], script, "#batch=1")
    assert len(set(rates)) > 2
    assert again == [rates[step - 1] for step in (40, 7, 119, 1)]
    assert fresh == rates[0]
    assert rates == pytest.approx(
        cp.train(PROBLEMS["plateau"], dtype="float64", epochs=120, tolerance=0.0).history.rate
    )
