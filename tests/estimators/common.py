"""Small sets of data for the tests of estimators, and scikit-learn's own estimators beside clearprop's."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from clearprop.estimators import MLPClassifier, MLPRegressor

X, Y = load_iris(return_X_y=True)
ORDER = np.random.RandomState(3).permutation(len(X))
X, Y = X[ORDER], Y[ORDER]
WEIGHTS = np.random.RandomState(1).uniform(0.1, 2.0, len(X))
THEIRS = {MLPClassifier: TheirClassifier, MLPRegressor: TheirRegressor}


def fitted(estimator: Any, *given: Any, **options: Any) -> Any:
    """Fit; that 20 epochs are few is no news, nor what SciPy says of older scikit-learns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "scipy.optimize: The `disp`", DeprecationWarning)
        return estimator.fit(*given, **options)


def both(kind: Any, parameters: dict[str, Any], *given: Any, **options: Any) -> tuple[Any, Any]:
    """Fit clearprop's and scikit-learn's with the same parameters."""
    options = {name: value for name, value in options.items() if value is not None}
    if "sample_weight" in options and not has_fit_parameter(THEIRS[kind], "sample_weight"):
        pytest.skip("this scikit-learn's MLPs know no weights of rows")
    ours = fitted(kind(**parameters), *given, **options)
    # Threads would wait for one another longer than they compute.
    with threadpool_limits(1, user_api="blas"):
        return ours, fitted(THEIRS[kind](**parameters), *given, **options)


def numbers(estimator: Any) -> Any:
    """All weights and biases in one array."""
    return np.concatenate([each.ravel() for each in (*estimator.coefs_, *estimator.intercepts_)])
