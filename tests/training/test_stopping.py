"""Why training ends: each status on a series of losses made by hand, and where it stands then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support import EachEpoch, with_rows_aside

import clearprop as cp
from clearprop.models.history import History
from clearprop.models.read import read_model
from clearprop.training.compiled_engine import Compiled
from clearprop.training.planned_steps import PlannedSteps
from clearprop.training.reference import Reference
from clearprop.training.replay import replay
from clearprop.training.stopping import Status, Stopping
from clearprop.training.under_way import EPOCHS
from clearprop.types import Array


def ended(
    losses: list[float],
    epochs: int = 100,
    *,
    validation: Sequence[float] = (),
    gradient_norm: float | None = None,
    relative: bool = False,
    **settings: Any,
) -> tuple[int, str, str] | None:
    """The epoch at which these losses (the first before training) end it, how and why."""
    watch = Stopping(cp.Settings(**settings), epochs, relative=relative)
    for epoch in range(len(losses)):
        end = watch.judge(History(losses[: epoch + 1], validation=list(validation[: epoch + 1])), gradient_norm)
        if end is not None:
            return epoch, end.status.value, end.reason
    return None


def test_converged_is_patience_epochs_in_a_row() -> None:
    still = [1.0, 0.5, 0.5, 0.5, 0.4, 0.4, 0.4, 0.4]
    reason = "converged: the loss changed by at most 0.01 in each of the last 3 epochs"
    assert ended(still, tolerance=0.01, patience=3) == (7, "converged", reason)
    assert ended(still[:7], tolerance=0.01, patience=3) is None
    # A change of exactly the tolerance counts, in either direction; the loss before training counts too.
    assert ended([0.5, 0.25, 0.5], tolerance=0.25, patience=2) is not None
    assert ended([0.5, 0.25, 0.75], tolerance=0.25, patience=2) is None
    assert ended([1.0] * 50, tolerance=0.0, patience=1) is None
    assert ended([1.0, 1.0], tolerance=0.5, patience=1) is not None


def test_a_table_has_converged_relative_to_the_loss_at_the_start() -> None:
    reason = "converged: the loss changed by at most 0.01 of its initial value in each of the last 2 epochs"
    far = [1e9, 5e8, 5e8 + 1e7, 5e8]
    assert ended(far, tolerance=0.01, patience=2, relative=True) == (3, "converged", reason)
    assert ended(far, tolerance=0.0099, patience=2, relative=True) is None
    assert ended([np.inf, 1.0, 1.0, 1.0], tolerance=0.01, patience=2, relative=True) is None
    assert ended([0.0, 0.0, 0.0], tolerance=0.01, patience=2, relative=True) == (2, "converged", reason)


def test_target_and_epochs() -> None:
    assert ended([1.0, 0.3, 0.1], target_loss=0.3) == (1, "target_loss", "the loss reached the target of 0.3")
    assert ended([0.2], target_loss=0.3) == (0, "target_loss", "the loss reached the target of 0.3")
    limit = "the limit of 1,000 epochs was reached before the loss converged"
    assert ended([1.0 / k for k in range(1, 2000)], epochs=1000, tolerance=0.0) == (1000, "epoch_limit", limit)


def test_validation_that_has_not_improved_for_patience_epochs() -> None:
    falling = [1.0 / k for k in range(1, 50)]
    rising = [0.9, 0.5, 0.4, 0.6, 0.7, 0.5, 0.3]
    reason = "the validation loss has not improved for 3 epochs: the weights of epoch 2, its lowest, are kept"
    assert ended(falling, validation=rising, patience=3) == (5, "early_stopping", reason)
    assert ended(falling[:6], validation=rising[:6], patience=4) is None
    # As low as the lowest is no improvement; the start counts as well.
    level = ended(falling, validation=[0.5, 0.5, 0.5], patience=2)
    assert level is not None
    assert level[2].endswith("for 2 epochs: the weights of the start, its lowest, are kept")
    assert ended(falling, validation=rising, patience=3, early_stopping=False) is None
    assert ended(falling, validation=rising, patience=3, tolerance=0.0) is None


def test_a_gradient_below_its_tolerance_has_converged() -> None:
    reason = "converged: the norm of the gradient is 0.01, at most 0.01"
    assert ended([1.0, 0.5], gradient_norm=0.01, gradient_tolerance=0.01) == (0, "converged", reason)
    assert ended([1.0, 0.5], gradient_norm=0.011, gradient_tolerance=0.01) is None


def test_time_is_asked_for_within_an_epoch_too(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count()
    monkeypatch.setattr("clearprop.training.stopping.time.monotonic", lambda: next(seconds))
    monkeypatch.setattr("clearprop.training.intervals.FIRST", 0.0)  # a step at a time
    fit = cp.train(cp.load("ring"), time_limit=5.5, batch_size=2, epochs=1, dtype="float64")
    assert (fit.status, fit.epochs) == (Status.TIME_LIMIT, 0)
    assert fit.reason == "the time limit of 5.5 s was reached"
    assert 0 < fit.steps < 8
    assert fit.loss_before != fit.loss_after == Reference(fit.problem, "float64").loss()


def test_statuses_have_their_exit_codes() -> None:
    codes = {"converged": 0, "target_loss": 0, "early_stopping": 0, "epoch_limit": 0, "time_limit": 0}
    codes |= {"stopped": 0, "diverged": 1, "interrupted": 130}
    assert {status.value: status.exit_code for status in Status} == codes


def test_epochs_end_at_ten_thousand_unless_told_otherwise() -> None:
    assert EPOCHS == 10_000
    network = cp.Network(1, [cp.Dense(1, "tanh")])
    fit = cp.train(network, [[1.0]], [[3.0]], tolerance=1e-300, optimizer=cp.SGD(1e-9), dtype="float64")
    assert (fit.status, fit.epochs) == (Status.EPOCH_LIMIT, 10_000)


def test_an_interrupt_within_an_epoch_keeps_that_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = Compiled.run

    def run(self: Compiled, steps: PlannedSteps) -> Array:
        if steps.numbers[0] == 11:
            raise KeyboardInterrupt
        return taken(self, steps)

    problem = cp.load("ring")
    assert problem.examples is not None
    per_epoch = -(-len(problem.examples) // 4)
    assert 10 % per_epoch
    with monkeypatch.context() as patched:
        patched.setattr(Compiled, "run", run)
        # With a checkpoint after each step, the loop looks up after each step.
        fit = cp.train(problem, batch_size=4, dtype="float64", output=tmp_path / "m", checkpoint=0)
    settings = replace(problem.settings, batch_size=4)
    expected = replay(replace(problem, settings=settings), 10).problem.parameters.vector
    np.testing.assert_allclose(fit.problem.parameters.vector, expected, rtol=1e-12)
    assert (fit.status, fit.steps, fit.epochs) == (Status.INTERRUPTED, 10, 10 // per_epoch)
    assert fit.loss_after == pytest.approx(Reference(fit.problem, "float64").loss(), rel=1e-12)


def test_what_the_callback_hears_is_the_history() -> None:
    heard: list[tuple[int, Mapping[str, float]]] = []
    fit = cp.train(
        cp.load("lecture"), epochs=5, callbacks=[EachEpoch(lambda epoch, logs: heard.append((epoch, dict(logs))))]
    )
    assert [epoch for epoch, _ in heard] == [1, 2, 3, 4, 5]
    assert [logs["loss"] for _, logs in heard] == fit.history.loss[1:]
    assert [logs["learning_rate"] for _, logs in heard] == fit.history.rate == [0.6] * 5


def test_an_error_of_the_callback_is_not_swallowed_and_costs_nothing(tmp_path: Path) -> None:
    def stop(epoch: int, logs: Mapping[str, float]) -> None:
        if epoch == 3:
            raise StopIteration

    path = tmp_path / "m.safetensors"
    with pytest.raises(StopIteration):
        cp.train(cp.load("lecture"), epochs=5, callbacks=[EachEpoch(stop)], output=path, checkpoint=1000)
    saved = read_model(path).progress
    assert saved is not None
    assert (saved.position.epochs, saved.status) == (3, None)
    resumed = cp.train(cp.load("lecture"), epochs=5, output=path, resume=True)
    straight = cp.train(cp.load("lecture"), epochs=5)
    assert resumed.problem.parameters == straight.problem.parameters
    assert cp.load(path).parameters == straight.problem.parameters


# --- validation rows, early stopping, small gradients --------------------------------------------------


def test_early_stopping_keeps_the_weights_of_the_best_epoch() -> None:
    """Few rows and many weights: the validation loss falls, then rises."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(24, 5))
    y = (x[:, :1] + 0.8 * rng.normal(size=(24, 1)) > 0).astype(float)
    network = cp.Network(5, [cp.Dense(30, "tanh"), cp.Dense(1, "logistic")], "binary_cross_entropy")
    problem = with_rows_aside(cp.Problem(network, examples=cp.Examples(x, y)), list(range(0, 24, 3)))
    problem = replace(problem, optimizer=cp.Adam(0.02), settings=cp.Settings(patience=15, dtype="float64"))
    fit = cp.train(problem)
    best = int(np.argmin(fit.history.validation))
    assert (fit.status, fit.epochs) == (Status.EARLY_STOPPING, best + 15)
    assert best > 0
    assert f"the weights of epoch {best}, its lowest, are kept" in fit.reason
    assert fit.validation_loss == min(fit.history.validation) == fit.history.validation[best]
    assert fit.loss_after == fit.history.loss[best]
    straight = cp.train(problem, epochs=best, early_stopping=False)
    assert fit.problem.parameters == straight.problem.parameters
    # At the limit of epochs too the best are kept, unless that is turned off.
    limited = cp.train(problem, epochs=best + 5)
    assert limited.status is Status.EPOCH_LIMIT
    assert limited.problem.parameters == straight.problem.parameters
    for off in ({"early_stopping": False}, {"tolerance": 0.0}):
        last = cp.train(problem, epochs=best + 40, **off)
        assert (last.epochs, last.validation_loss) == (best + 40, last.history.validation[-1])
        assert last.problem.parameters != straight.problem.parameters


def test_validation_rows_are_never_learnt_from() -> None:
    iris = cp.load("iris")
    assert iris.examples is not None
    assert iris.examples.validation is not None
    inputs, targets = iris.examples.inputs.copy(), iris.examples.targets.copy()
    inputs[iris.examples.validation] = 7
    changed = replace(iris, examples=replace(iris.examples, inputs=inputs, targets=targets))
    one, other = (cp.train(each, epochs=5, early_stopping=False) for each in (iris, changed))
    assert one.problem.parameters == other.problem.parameters
    assert one.history.loss == other.history.loss
    assert one.history.validation != other.history.validation


def test_a_validation_loss_that_overflows_is_no_divergence() -> None:
    network = cp.Network(1, [cp.Dense(1, "exp(z)", bias=False)], "squared_error")
    problem = cp.Problem(network, examples=cp.Examples(np.array([[0.1], [1e5]]), np.array([[1.0], [1.0]])))
    fit = cp.train(with_rows_aside(problem, [1]), epochs=3, tolerance=0.0)
    assert fit.status is Status.EPOCH_LIMIT
    assert fit.history.validation[-1] == np.inf


def test_a_small_gradient_ends_it() -> None:
    fit = cp.train(cp.load("lecture"), gradient_tolerance=1e-3, dtype="float64")
    assert fit.status is Status.CONVERGED
    assert fit.reason.startswith("converged: the norm of the gradient is 0.000")
    assert fit.reason.endswith(", at most 0.001")
    gradient = cp.cycle(fit.problem, "all").gradients.of
    assert np.linalg.norm(gradient.vector[gradient.layout.trainable]) <= 1e-3


def test_no_improvement_on_the_lowest_loss_so_far() -> None:
    """The loss before training does not count; the lowest is the lowest, also where it is so by less than asked for."""
    losses = [0.1, 1.0, 0.5, 0.45, 0.42, 0.39, 0.3, 0.29, 0.28, 0.27]
    given: dict[str, Any] = {"convergence": "improvement", "tolerance": 0.1, "patience": 3}
    reason = "converged: the loss has not improved by 0.1 for 3 epochs"
    assert ended(losses, **given) == (5, "converged", reason)
    assert ended(losses, **{**given, "patience": 4}) == (6, "converged", reason.replace("3", "4"))
    assert ended(losses, **{**given, "tolerance": 0.02}) == (9, "converged", reason.replace("0.1", "0.02"))
    assert ended(losses, **given, relative=True) == (5, "converged", reason)
    # Any improvement counts.
    assert ended([1.0, 0.5, 0.5, 0.4, 0.41, 0.4], **{**given, "tolerance": 0.0}) is None
    assert ended([1.0, 0.5, 0.51, 0.52, 0.53], **{**given, "tolerance": 0.0}) is not None


def test_no_improvement_of_the_validation_loss() -> None:
    falling, rising = [1.0 / k for k in range(1, 50)], [0.1, 0.5, 0.4, 0.39, 0.38, 0.6]
    given: dict[str, Any] = {"convergence": "improvement", "tolerance": 0.05, "patience": 2}
    reason = "the validation loss has not improved by 0.05 for 2 epochs: the weights of epoch 3, its lowest, are kept"
    assert ended(falling, validation=[0.9, *rising[1:]], **given) == (4, "early_stopping", reason.replace("3", "4"))
    of_rows = ended(falling, validation=rising, **given, early_stopping=False)
    assert of_rows == (6, "converged", "converged: the loss has not improved by 0.05 for 2 epochs")


@pytest.mark.parametrize("patience", [1, 4])
def test_no_improvement_as_sklearn_counts_it(patience: int) -> None:
    pytest.importorskip("sklearn", minversion="1.7", reason="scikit-learn counts and weighs otherwise before 1.7")
    neural = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    theirs = neural.MLPClassifier(tol=0.02, n_iter_no_change=patience)
    theirs.best_loss_, theirs._no_improvement_count, theirs.loss_curve_ = np.inf, 0, []
    losses = (1 / np.arange(1, 60) + 0.05 * np.random.default_rng(2).normal(size=59)).tolist()
    for loss in losses:
        theirs.loss_curve_.append(loss)
        theirs._update_no_improvement_count(False, None, None, None)
        if theirs._no_improvement_count > patience:
            break
    found = ended([0.0, *losses], tolerance=0.02, patience=patience + 1, convergence="improvement")
    assert found is not None
    assert found[0] == len(theirs.loss_curve_) < 59
