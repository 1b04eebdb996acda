"""Callbacks hear what happens, and may end it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support import EachEpoch

import clearprop as cp
from clearprop.errors import InvalidArgument, Unwritable
from clearprop.training.callbacks import Logs
from clearprop.training.stopping import Status


class Recorder(cp.Callback):
    """Writes down all that it is told."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.heard: list[tuple[object, ...]] = []
        self.stop_at = stop_at

    def on_train_begin(self, problem: cp.Problem, epochs: int) -> None:
        self.heard.append(("begin", problem.name, epochs))

    def on_epoch_end(self, epoch: int, logs: Logs) -> bool:
        self.heard.append(("epoch", epoch, dict(logs)))
        return epoch == self.stop_at

    def on_train_end(self, logs: Logs) -> None:
        self.heard.append(("end", dict(logs)))


def test_what_is_heard_in_which_order() -> None:
    recorder = Recorder()
    fit = cp.train(cp.load("iris"), epochs=3, callbacks=[recorder], tolerance=0.0)
    assert recorder.heard[0] == ("begin", "iris", 0)
    assert recorder.heard[-1] == ("end", {"loss": fit.loss_after, "validation_loss": fit.validation_loss})
    for epoch in (1, 2, 3):
        numbers = {"loss": fit.history.loss[epoch], "validation_loss": fit.history.validation[epoch]}
        assert recorder.heard[epoch] == ("epoch", epoch, {**numbers, "learning_rate": 0.01})


def test_metrics_are_heard_if_asked_for() -> None:
    recorder = Recorder()
    fit = cp.train(cp.load("iris"), epochs=1, callbacks=[recorder], metrics=True, early_stopping=False)
    training, validation = fit.metrics(), fit.metrics("validation")
    assert training is not None
    assert validation is not None
    logs = recorder.heard[1][2]
    assert isinstance(logs, dict)
    # Heard in the precision of the training, where one output close to another may change sides.
    assert logs["accuracy"] == pytest.approx(training.accuracy, abs=2 / 120)
    assert logs["validation_accuracy"] == pytest.approx(validation.accuracy, abs=1 / 30)
    recorder = Recorder()
    cp.train(cp.load("penguins"), epochs=1, callbacks=[recorder], metrics=True)
    logs = recorder.heard[1][2]
    assert isinstance(logs, dict)
    assert {"r2", "rmse", "validation_r2", "validation_rmse"} <= set(logs)


def test_true_ends_the_training() -> None:
    first, second = Recorder(stop_at=4), Recorder()
    fit = cp.train(cp.load("lecture"), callbacks=[first, second])
    assert (fit.status, fit.epochs, fit.reason) == (Status.STOPPED, 4, "a callback asked to stop after epoch 4")
    # Those that come after the one that stops hear of the epoch too.
    assert [entry[1] for entry in second.heard if entry[0] == "epoch"] == [1, 2, 3, 4]
    assert cp.train(cp.load("lecture"), callbacks=[EachEpoch(lambda epoch, logs: epoch == 2)]).epochs == 2
    # One that returns something else by accident does not.
    assert cp.train(cp.load("lecture"), epochs=3, callbacks=[EachEpoch(lambda epoch, logs: epoch)]).epochs == 3


def test_only_callbacks_are_called() -> None:
    with pytest.raises(InvalidArgument, match=r"^callbacks: expected objects of a class derived"):
        cp.train(cp.load("lecture"), callbacks=[lambda epoch, logs: None])  # type: ignore[list-item]


def test_a_checkpoint_that_fails_is_a_warning_unless_somebody_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    class Teller(cp.Callback):
        def __init__(self) -> None:
            self.told: list[str] = []

        def on_checkpoint_failed(self, error: Unwritable) -> bool:
            self.told.append(str(error))
            return True

    monkeypatch.setattr("os.fsync", full)
    path = tmp_path / "m.safetensors"
    with pytest.warns(RuntimeWarning, match=r"^training continues, but .*m.safetensors: cannot be written: No space"):
        fit = cp.train(cp.load("lecture"), epochs=3, output=path, checkpoint=0)
    assert (fit.epochs, str(fit.unsaved).endswith("choose another place with --output")) == (3, True)
    teller = Teller()
    fit = cp.train(cp.load("lecture"), epochs=3, output=path, checkpoint=0, callbacks=[teller])
    assert len(teller.told) == 2  # after the first two epochs; the end is in the result
    assert fit.unsaved is not None
    assert list(tmp_path.iterdir()) == []
