"""Weights in scikit-learn's and clearprop's layouts, and the rules behind the parameters."""

from __future__ import annotations

import numpy as np
from tests.estimators.common import X, Y, fitted

from clearprop.estimators import MLPClassifier, description
from clearprop.expressions import text


def test_weights_there_and_back() -> None:
    estimator = fitted(MLPClassifier((3, 2), max_iter=1, random_state=0), X, Y)
    network = description.network_of(estimator)
    parameters = description.joined(network.layout, estimator.coefs_, estimator.intercepts_)
    assert parameters["w2"] == estimator.coefs_[0][1, 0]  # one row per unit
    coefs, intercepts = description.split(parameters)
    for ours, theirs in zip((*coefs, *intercepts), (*estimator.coefs_, *estimator.intercepts_), strict=True):
        assert np.array_equal(ours, theirs)
    packed = np.concatenate([each.ravel() for each in (*coefs, *intercepts)])
    assert np.array_equal(parameters.vector[description.order(network.layout)], packed)


def test_the_rules_are_scikit_learns() -> None:
    estimator = fitted(MLPClassifier((3,), solver="sgd", alpha=0.3, max_iter=1), X, Y)
    assert [text(line.expression) for line in description.optimizer_of(estimator).assignments] == [
        "momentum * b - rate * g",
        "w + (momentum * b - rate * g)",
    ]
    penalty = description.penalty_of(estimator)
    assert text(penalty.over(4).slope.simplified) == "0.075 * w"
    assert description.network_of(estimator).loss.over_examples == "weighted_mean"


def test_what_follows_from_parameters_is_made_once() -> None:
    """For what is compiled for it to be found again; of what can change, each time."""
    one, other = (fitted(MLPClassifier((3,), max_iter=1, random_state=seed), X, Y) for seed in (0, 1))
    assert description.network_of(one) is description.network_of(other)
    assert description.optimizer_of(one) is description.optimizer_of(other)
    assert description.optimizer_of(one.set_params(beta_1=0.8)) is not description.optimizer_of(other)
    one.set_params(solver_params={"betas": [0.8, 0.9]})
    assert description.optimizer_of(one).constants["beta2"] == 0.9
