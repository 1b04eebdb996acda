"""The classifier: scikit-learn's ``MLPClassifier``, and what its users ask for besides."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import compute_sample_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from clearprop.estimators.perceptron import Perceptron, is_stochastic
from clearprop.types import Array


def binarizer_of(y: Array) -> LabelBinarizer:
    """Return what tells the classes of targets apart; whole numbers are looked at once, not four times."""
    found = LabelBinarizer()
    if y.ndim == 1 and y.dtype.kind in "iu":
        classes = np.unique(y)
        if 2 * len(classes) <= len(y):  # of more scikit-learn has something to say
            found.classes_, found.sparse_input_ = classes, False
            found.y_type_ = "multiclass" if len(classes) > 2 else "binary"
            return found
    return found.fit(y)


class MLPClassifier(ClassifierMixin, Perceptron):  # type: ignore[misc]
    """A multilayer perceptron that tells classes apart.

    Parameters, attributes, defaults and results are those of ``sklearn.neural_network.MLPClassifier``; its
    documentation describes them. What is more:

    - ``activation``: any activation of clearprop, an expression in z, or a tuple with one for each hidden layer.
    - ``solver``: also any optimizer of clearprop (``"rmsprop"``, ``"adagrad"``, ``"adamw"``), whose learning rate is
      ``learning_rate_init``; ``solver_params``: its further options, as a tuple of pairs or a dictionary.
    - ``loss``: ``"log_loss"``, the name of a loss of clearprop, or an expression in y and t.
    - ``dropout``: the share of outputs that hidden layers drop in training; a number, or one for each of them.
    - ``class_weight``: ``"balanced"``, or a dictionary with a weight for each class.
    - ``initial_coefs``, ``initial_intercepts``: the weights to start from, shaped like ``coefs_``, ``intercepts_``.
    - ``n_jobs``: the number of threads of a fit; None chooses it, -1 is all processors. Results do not depend on it.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(solver="lbfgs", hidden_layer_sizes=(5,), random_state=1).fit(X, y)
    >>> model.predict(X[:2]), model.n_features_in_
    (array([0, 0]), 4)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **Perceptron._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: str = "log_loss",
        solver_params: Any = None,
        dropout: Any = 0.0,
        class_weight: Any = None,
        initial_coefs: Any = None,
        initial_intercepts: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self._store(locals())

    def _validated(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=(np.float64, np.float32), reset=reset
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._label_binarizer = binarizer_of(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._require_known_classes(unique_labels(y))
        return X, y

    def _targets(self, y: Array) -> Array:
        # A truth value is one in any precision.
        binarizer = self._label_binarizer
        if y.ndim == 1 and binarizer.y_type_ in ("binary", "multiclass"):
            places = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
            if np.array_equal(self.classes_[places], y):
                shown = np.arange(len(self.classes_)) if binarizer.y_type_ == "multiclass" else 1
                return places[:, None] == shown
        return super()._targets(np.asarray(binarizer.transform(y), bool))

    def _require_known_classes(self, found: Array) -> None:
        if self.warm_start:
            if set(found) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {found}"
                )
        elif len(np.setdiff1d(found, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {found}."
            )

    def _example_weights(self, X: Array, y: Any, sample_weight: Any, incremental: bool) -> Array | None:
        weights = super()._example_weights(X, y, sample_weight, incremental)
        if self.class_weight is None:
            return weights
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which does not see all of y at once. "
                "Compute the weights with sklearn.utils.class_weight.compute_class_weight('balanced', classes=…, y=…) "
                "and give them as a dictionary."
            )
        of_classes = compute_sample_weight(self.class_weight, y)
        return _check_sample_weight(of_classes if weights is None else weights * of_classes, X, dtype=X.dtype)

    @property
    def _of_classes(self) -> bool:
        """Whether outputs are shares of classes that exclude each other."""
        return bool(self._label_binarizer.y_type_ == "multiclass")

    def predict(self, X: Any) -> Array:
        """Return the class of each row; for several labels, 1 for those that it has, shape (rows, classes)."""
        check_is_fitted(self)
        return self._classes_of(self._outputs(self._rows(X)))

    def _classes_of(self, outputs: Array) -> Array:
        if self._of_classes:
            return np.asarray(self.classes_.take(outputs.argmax(axis=1)))
        found: Array = self._label_binarizer.inverse_transform(outputs.ravel() if self.n_outputs_ == 1 else outputs)
        return found

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, shape (rows, classes), in the order of ``classes_``."""
        check_is_fitted(self)
        found = self._outputs(self._rows(X))
        if not self._of_classes:
            # A share rounded to 0 or 1 would be certainty, and its logarithm infinite.
            limits = np.finfo(found.dtype)
            found = found.clip(limits.tiny, 1 - limits.epsneg)
        return np.hstack([1 - found, found]) if self.n_outputs_ == 1 else found

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of ``predict_proba``."""
        found = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(found, out=found))

    def _score_of(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        """Return the accuracy: the share of rows, or of their weights, whose classes are right."""
        if self._of_classes:
            right = outputs.argmax(axis=1) == targets.argmax(axis=1)
        else:
            right = ((outputs > 0.5) == targets.astype(bool)).all(axis=1)
        return float(np.average(right, weights=weights))

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch on these rows; ``classes``, all that will ever be seen, is needed in the first call."""
        if _check_partial_fit_first_call(self, classes):
            several = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if several else classes)
        return self._trained(X, y, sample_weight, incremental=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
