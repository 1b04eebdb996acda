"""scikit-learn's own tests of its perceptrons, as they lie in its wheel, with clearprop's for the two names."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from clearprop import estimators  # noqa: E402

THEIRS = "sklearn.neural_network.tests.test_mlp"

PRIVATE = {
    "test_gradient": "calls _loss_grad_lbfgs, scikit-learn's own backward pass",
    "test_learning_rate_warmstart": "reads _optimizer.learning_rate of scikit-learn's own optimizers",
    "test_adaptive_learning_rate": "reads _optimizer.learning_rate of scikit-learn's own optimizers",
}
"""Tests that reach into private attributes; what they test is tested in ``test_against_scikit_learn.py``."""


def with_clearprops() -> ModuleType:
    """Import their tests so that both names stand for clearprop's estimators; the library itself is left as it is."""
    import sklearn.neural_network as library

    theirs = library.MLPClassifier, library.MLPRegressor
    library.MLPClassifier, library.MLPRegressor = estimators.MLPClassifier, estimators.MLPRegressor
    try:
        return importlib.import_module(THEIRS)
    finally:
        library.MLPClassifier, library.MLPRegressor = theirs


tests = with_clearprops()
assert tests.MLPClassifier is estimators.MLPClassifier
vars().update({name: value for name, value in vars(tests).items() if name.startswith("test_")})
for name, reason in PRIVATE.items():
    vars()[name] = pytest.mark.skip(reason=reason)(vars(tests)[name])

# Their configuration lets warnings pass.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def global_random_seed() -> int:
    return 42
