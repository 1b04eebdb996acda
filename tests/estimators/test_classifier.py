"""Classes: one output, several, several labels a row; their weights; and what partial_fit needs to know of them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.estimators.common import X, Y, both, fitted, numbers

from clearprop.estimators import MLPClassifier

LABELS = np.stack([Y > 0, Y > 1], axis=1).astype(int)


@pytest.mark.parametrize("targets", [Y, Y > 0, LABELS, np.array(["a", "b", "c"])[Y]], ids=["3", "2", "labels", "words"])
def test_probabilities_and_classes_are_scikit_learns(targets: object) -> None:
    ours, theirs = both(MLPClassifier, {"random_state": 0, "max_iter": 10}, X, targets)
    assert np.array_equal(ours.classes_, theirs.classes_)
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert ours.predict_proba(X) == pytest.approx(theirs.predict_proba(X), rel=1e-9)
    assert ours.predict_log_proba(X) == pytest.approx(theirs.predict_log_proba(X), rel=1e-9)
    assert ours.score(X, targets) == theirs.score(X, targets)


def test_no_share_is_rounded_to_certainty() -> None:
    estimator = fitted(MLPClassifier(solver="lbfgs", alpha=0, random_state=0), 100 * X, Y > 0)
    shares = estimator.predict_proba(100 * X)
    assert shares.min() > 0
    assert shares.max() < 1
    assert np.isfinite(estimator.predict_log_proba(100 * X)).all()


def test_weights_of_classes_are_weights_of_their_rows() -> None:
    for given, of_rows in (({0: 3.0}, np.where(Y == 0, 3.0, 1.0)), ("balanced", 1 / np.bincount(Y)[Y] * len(Y) / 3)):
        by_class = fitted(MLPClassifier(class_weight=given, random_state=0, max_iter=5), X, Y)
        by_row = fitted(MLPClassifier(random_state=0, max_iter=5), X, Y, sample_weight=of_rows)
        assert numbers(by_class) == pytest.approx(numbers(by_row), rel=1e-12)


def test_balanced_weights_need_all_rows_at_once() -> None:
    with pytest.raises(ValueError, match=r"^class_weight 'balanced' is not supported for partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


def test_other_classes_are_refused_in_scikit_learns_words() -> None:
    estimator = MLPClassifier(solver="sgd").partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"^`y` has classes not in `self.classes_`. `self.classes_` has \[0 1 2\]"):
        estimator.partial_fit(X, Y + 1)
    with pytest.raises(ValueError, match=r"^warm_start can only be used where `y` has the same classes"):
        fitted(MLPClassifier(max_iter=1, warm_start=True), X, Y).fit(X, Y + 1)


def test_lbfgs_has_no_partial_fit() -> None:
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
