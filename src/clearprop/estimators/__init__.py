"""scikit-learn's multilayer perceptrons, fitted by clearprop's engine.

Change one import, and pipelines, cross-validation and searches have the same results sooner:

>>> from clearprop.estimators import MLPClassifier
>>> MLPClassifier(hidden_layer_sizes=(50,), random_state=0)
MLPClassifier(hidden_layer_sizes=(50,), random_state=0)
"""

from __future__ import annotations

from clearprop.errors import MissingExtra

try:
    import sklearn  # noqa: F401
except ImportError:
    raise MissingExtra("clearprop.estimators", "scikit-learn", "sklearn") from None

from clearprop.estimators.backends import register
from clearprop.estimators.classifier import MLPClassifier
from clearprop.estimators.regressor import MLPRegressor

register()

__all__ = ["MLPClassifier", "MLPRegressor"]
