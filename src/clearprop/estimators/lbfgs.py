"""L-BFGS: scipy's, on the loss and gradient of all rows as the engine computes them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import scipy.optimize
from sklearn.utils.optimize import _check_optimize_result
from threadpoolctl import threadpool_limits

from clearprop.errors import InvalidArgument
from clearprop.estimators import description
from clearprop.estimators.description import Perceptron
from clearprop.estimators.scikit import Watch
from clearprop.estimators.threads import threads_of
from clearprop.propagation.forward import penalty_error
from clearprop.training.engines import engine_for
from clearprop.types import Array


def fit(estimator: Perceptron, X: Array, targets: Array, weights: Array | None, watch: Watch) -> None:
    """Move the weights to where the loss is smallest; in float64, whatever the precision of X."""
    if description.options_of(estimator.solver_params):
        raise InvalidArgument('solver_params: solver="lbfgs" has none; it obeys tol, max_iter and max_fun')
    if np.any(estimator.dropout):
        raise InvalidArgument('dropout: not with solver="lbfgs", which compares losses of the same network')
    dtype = estimator.coefs_[0].dtype
    settings = description.settings_of(estimator, "float64", len(X))
    problem = description.training(estimator, X, targets, weights, settings)
    engine = engine_for(problem, threads=threads_of(estimator.n_jobs))
    assert problem.examples is not None
    rows, order, vector = (
        problem.examples.learnt,
        description.order(problem.network.layout),
        problem.parameters.vector.copy(),
    )

    def loss_and_gradient(packed: Array) -> tuple[float, Array]:
        vector[order] = packed
        engine.put(vector)
        gradient = engine.gradient(rows)[order]  # before the loss, which first would have steps compiled too
        return engine.loss(), gradient

    def coefs(packed: Array) -> dict[str, Any]:
        vector[order] = packed
        made = description.split(problem.parameters.with_vector(vector.astype(dtype)))
        return dict(zip(("coefs_", "intercepts_"), made, strict=True))

    done = 0

    def iterated(intermediate_result: Any) -> None:
        nonlocal done
        done += 1
        if estimator.verbose:
            print(f"Iteration {done}, loss = {intermediate_result.fun:.8f}")
        if watch.ends(lambda: coefs(intermediate_result.x) | {"n_iter_": done, "loss_": intermediate_result.fun}):
            raise StopIteration
        watch.begins()

    watch.begins()
    # Its vectors are short: the threads of a library would wait for one another longer than they compute. The limit is
    # the whole process's: of fits side by side one would take it for what stood before, and leave it behind.
    alone = threading.current_thread() is threading.main_thread()
    with threadpool_limits(1 if alone else None, user_api="blas"):
        found = scipy.optimize.minimize(
            loss_and_gradient,
            vector[order],
            method="L-BFGS-B",
            jac=True,
            options={"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol},
            callback=iterated if estimator.verbose or watch.active else None,
        )
    estimator.n_iter_ = _check_optimize_result("lbfgs", found, estimator.max_iter)
    estimator.__dict__.update(coefs(found.x))
    total = float(len(X)) if weights is None else float(weights.sum(dtype=float))
    penalty = float(penalty_error(problem.penalty, problem.parameters.with_vector(vector))) / total
    estimator.loss_ = (float(found.fun) - penalty) * description.shown_share(estimator) + penalty
