"""joblib's backends with real engines: the same results under each, and an orderly end when a worker dies."""

from __future__ import annotations

import os
import warnings
from typing import Any

import joblib
import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.model_selection import cross_validate
from tests.estimators.common import X, Y

from clearprop.errors import MissingExtra
from clearprop.estimators import MLPClassifier, backends

# What engines say of themselves is not clearprop's.
pytestmark = pytest.mark.filterwarnings("ignore")
MODEL = MLPClassifier(solver="lbfgs", hidden_layer_sizes=(4,), max_iter=20, random_state=0)


def weights(**options: Any) -> list[Any]:
    """The first weights of each fold's fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = cross_validate(MODEL, X, Y, cv=3, return_estimator=True, error_score="raise", **options)
    return [estimator.coefs_[0] for estimator in found["estimator"]]


def require_same(found: list[Any]) -> None:
    assert all(np.array_equal(one, other) for one, other in zip(found, weights(), strict=True))


def test_threads() -> None:
    with joblib.parallel_config("threading"):
        require_same(weights(n_jobs=2))


def test_two_processes_of_dask_over_loopback() -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        require_same(weights())


def test_ray() -> None:
    """Also without its own ``register_ray``."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    try:
        with joblib.parallel_config("ray"):
            require_same(weights())
    finally:
        ray.shutdown()


def test_a_worker_that_dies_is_joblibs_own_error_and_the_next_processes_fit() -> None:
    jobs = (joblib.delayed(os._exit)(1) for _ in range(2))
    with pytest.raises(TerminatedWorkerError):
        joblib.Parallel(n_jobs=2)(jobs)
    with joblib.parallel_config("loky"):
        require_same(weights(n_jobs=2))


@pytest.mark.parametrize(("name", "package"), backends.PACKAGES.items())
def test_a_backend_that_is_not_installed_names_the_extra(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda _: None)
    monkeypatch.setattr(joblib.parallel, "BACKENDS", known := {**joblib.parallel.BACKENDS})
    known.pop(name, None)
    backends.register()
    with pytest.raises(MissingExtra) as raised:
        joblib.parallel_config(name, inner_max_num_threads=1)
    assert str(raised.value) == f'joblib\'s backend "{name}" needs {package} (extra “{name}”): pip install {package}'


def test_what_somebody_has_registered_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda _: "found")
    monkeypatch.setitem(joblib.parallel.BACKENDS, "ray", list)
    backends.register()
    assert joblib.parallel.BACKENDS["ray"] is list
