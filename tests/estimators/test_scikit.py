"""Callbacks of scikit-learn: called for every epoch, with an estimator as it would be then; True ends the fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.estimators.common import X, Y, fitted, numbers

from clearprop.estimators import MLPClassifier, MLPRegressor

callback = pytest.importorskip("sklearn.callback", reason="this scikit-learn knows no callbacks")


class Recorder:
    """Keeps the score after each epoch, and ends the fit after some."""

    def __init__(self, epochs: int | None = None) -> None:
        self.epochs, self.scores, self.called = epochs, [], []  # type: ignore[var-annotated]

    def setup(self, estimator: Any, context: Any) -> None:
        self.called.append("setup")

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.called.append("begin")

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None, fitted_estimator: Any = None
    ) -> bool:
        self.called.append("end")
        if context.task_name == "epoch":
            self.scores.append(fitted_estimator.score(X, y))
        return len(self.scores) == self.epochs

    def teardown(self, estimator: Any, context: Any) -> None:
        self.called.append("teardown")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_callback_sees_every_epoch_and_may_end_the_fit(kind: Any, solver: str) -> None:
    parameters = {"solver": solver, "random_state": 0, "hidden_layer_sizes": (5,)}
    recorder = Recorder(3)
    watched = fitted(kind(max_iter=20, **parameters).set_callbacks(recorder), X, Y)
    alone = fitted(kind(max_iter=3, **parameters), X, Y)
    assert watched.n_iter_ == 3
    assert np.array_equal(numbers(watched), numbers(alone))
    assert recorder.scores[-1] == alone.score(X, Y)
    assert (recorder.called[0], recorder.called[-1]) == ("setup", "teardown")


def test_scikit_learns_scoring_monitor() -> None:
    monitor = callback.ScoringMonitor(scoring="accuracy")
    fitted(MLPClassifier(max_iter=4, random_state=0).set_callbacks(monitor), X, Y)
    scores = [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(scores) == 4
