"""Training: it converges, says why it stopped, and replays exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from tests.support import EachEpoch

import clearprop as cp
from clearprop.errors import InvalidArgument, InvalidNetwork
from clearprop.propagation.cycle import following
from clearprop.rules.optimizers import optimizer
from clearprop.rules.schedules import schedule
from clearprop.training.replay import replay
from clearprop.training.stopping import Status


def with_settings(name: str, **settings: object) -> cp.Problem:
    problem = cp.load(name)
    return replace(problem, settings=replace(problem.settings, **settings))  # type: ignore[arg-type]


def test_the_lecture_converges_with_its_own_settings() -> None:
    fit = cp.train(cp.load("lecture"))
    assert fit.status is Status.CONVERGED
    assert fit.loss_after < 1e-4
    assert fit.loss_before == pytest.approx(0.24908954, rel=1e-6)
    assert fit.reason == "converged: the loss changed by at most 1e-8 in each of the last 10 epochs"
    assert cp.cycle(fit.problem).error == pytest.approx(fit.loss_after, rel=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_random_initial_weights_converge_too(seed: int) -> None:
    lines = cp.write(cp.load("lecture")).split("\n")
    text = "\n".join(line for line in lines if not line.startswith("weights"))
    fit = cp.train(cp.read(text + f"\n[training]\nseed = {seed}\n"))
    assert fit.status is Status.CONVERGED
    assert fit.loss_after < 1e-4


@pytest.mark.parametrize("name", ["xor", "ring"])
def test_classifiers_learn_their_examples(name: str) -> None:
    fit = cp.train(cp.load(name))
    assert fit.problem.examples is not None
    predicted = fit.predict(fit.problem.examples.inputs)
    np.testing.assert_allclose(predicted, fit.problem.examples.targets, atol=0.05)


def test_steps_are_those_of_a_loop_written_by_hand() -> None:
    """Gradient descent on the lecture's network, in plain NumPy."""
    W1, W2 = np.array([[0.1, 0.3], [0.2, 0.4]]), np.array([[0.5, 0.6], [0.7, 0.8]])
    x, t = np.array([0.1, 0.5]), np.array([0.05, 0.95])
    for _ in range(100):
        h = 1 / (1 + np.exp(-(W1 @ x + 0.25)))
        o = 1 / (1 + np.exp(-(W2 @ h + 0.35)))
        delta = (o - t) * o * (1 - o)
        before = (W2.T @ delta) * h * (1 - h)
        W2, W1 = W2 - 0.6 * np.outer(delta, h), W1 - 0.6 * np.outer(before, x)
    fit = cp.train(with_settings("lecture", epochs=100, dtype="float64", tolerance=0.0))
    np.testing.assert_allclose(fit.problem.parameters.weights(0), W1, rtol=1e-12)
    np.testing.assert_allclose(fit.problem.parameters.weights(1), W2, rtol=1e-12)
    moment = replay(cp.load("lecture"), 100)
    np.testing.assert_allclose(moment.problem.parameters.weights(1), W2, rtol=1e-12)
    assert moment.step == 101


def test_replay_makes_the_updates_of_train() -> None:
    problem = with_settings("ring", batch_size=5, epochs=3, dtype="float64", tolerance=0.0)
    fit = cp.train(problem)
    assert fit.steps == 12
    expected = replay(problem, 12).problem.parameters.vector
    np.testing.assert_allclose(fit.problem.parameters.vector, expected, rtol=1e-12)


def test_same_seed_same_bits_and_another_seed_others() -> None:
    first, again, other = (
        cp.train(with_settings("ring", batch_size=4, epochs=5, seed=seed)).problem.parameters.vector
        for seed in (1, 1, 2)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


# --- why it stopped ---------------------------------------------------------------------------------


def test_limits_and_targets() -> None:
    fit = cp.train(with_settings("lecture", epochs=7))
    assert (fit.status, fit.epochs, len(fit.history.loss)) == (Status.EPOCH_LIMIT, 7, 8)
    assert fit.reason == "the limit of 7 epochs was reached before the loss converged"
    fit = cp.train(with_settings("lecture", target_loss=0.1))
    assert fit.status is Status.TARGET_LOSS
    assert fit.loss_after <= 0.1 < fit.history.loss[-2]
    fit = cp.train(with_settings("lecture", time_limit=1e-9))
    assert fit.status is Status.TIME_LIMIT
    fit = cp.train(with_settings("lecture", epochs=0))
    assert (fit.status, fit.epochs) == (Status.EPOCH_LIMIT, 0)
    assert cp.train(with_settings("lecture", tolerance=0.0, epochs=2500)).epochs == 2500


def test_divergence_says_where_and_what_to_try() -> None:
    network = cp.Network(1, [cp.Dense(1, "identity")], "squared_error")
    problem = cp.Problem(network, optimizer=cp.SGD(10.0), examples=cp.Examples.of([[1.0]], [[5.0]]))
    fit = cp.train(problem)
    assert fit.status is Status.DIVERGED
    assert fit.reason.startswith("diverged in epoch ")
    assert "smaller learning rate" in fit.reason or "not finite" in fit.reason or "is inf" in fit.reason
    assert np.all(np.isfinite(fit.problem.parameters.vector))


def test_ctrl_c_keeps_what_was_learnt() -> None:
    def stop(epoch: int, logs: Mapping[str, float]) -> None:
        if epoch == 5:
            raise KeyboardInterrupt

    fit = cp.train(cp.load("lecture"), callbacks=[EachEpoch(stop)])
    assert (fit.status, fit.epochs) == (Status.INTERRUPTED, 5)
    assert fit.loss_after < fit.loss_before
    assert fit.problem.parameters != cp.load("lecture").parameters


# --- from Python, schedules --------------------------------------------------------------------------


def test_training_a_network_on_arrays() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2))
    y = np.stack([x[:, 0] > 0, x[:, 0] <= 0], axis=1).astype(float)
    network = cp.Network(inputs=2, layers=[cp.Dense(8, "relu"), cp.Dense(2, "softmax")])
    fit = cp.train(network, x, y, optimizer=cp.Adam(0.01), batch_size=16, epochs=40, seed=0)
    assert ((fit.predict(x).argmax(1) == y.argmax(1)).mean()) > 0.95
    with pytest.raises(InvalidArgument, match=r"inputs: expected rows of 2 numbers, found shape \(1, 3\)"):
        fit.predict([[1.0, 2.0, 3.0]])
    with pytest.raises(InvalidArgument, match="found NaN or infinity"):
        fit.predict([[1.0, np.nan]])
    with pytest.raises(InvalidNetwork, match=r"examples\[1\]\.inputs\[2\]: expected a finite number, found nan"):
        cp.train(network, [[1.0, np.nan]], [[1.0, 0.0]])
    with pytest.raises(InvalidArgument, match="found 80 rows of inputs and 79 rows of targets"):
        cp.train(network, x, y[1:])


def test_warm_up_rises_to_the_rate() -> None:
    chosen = optimizer("sgd", learning_rate=0.5, schedule=schedule("constant", warmup=3))
    fit = cp.train(replace(with_settings("lecture", epochs=5), optimizer=chosen))
    assert fit.history.rate == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.5])


def test_cycles_follow_the_schedule_as_training_does() -> None:
    step = schedule("step", size=1, gamma=0.1, warmup=2)
    problem = replace(cp.load("xor"), optimizer=optimizer("sgd", learning_rate=0.25, schedule=step))
    fit = cp.train(problem, epochs=4, dtype="float64", tolerance=0.0)
    cycle = cp.cycle(problem, "all")
    assert cycle.rate == fit.history.rate[0] == pytest.approx(0.25 / 3)
    for epoch in (1, 2, 3):
        cycle = following(cycle)
        assert cycle.rate == fit.history.rate[epoch]
    np.testing.assert_allclose(cycle.updated.vector, fit.problem.parameters.vector, rtol=1e-12)


def test_dropout_is_for_training_alone() -> None:
    network = cp.Network(2, [cp.Dense(20, "tanh", dropout=0.5), cp.Dense(1, "logistic")])
    problem = cp.Problem(network, examples=cp.load("xor").examples)
    first, second = (cp.train(problem, epochs=30) for _ in range(2))
    assert first.problem.parameters == second.problem.parameters
    assert np.array_equal(first.predict([[0, 1]]), first.predict([[0, 1]]))
