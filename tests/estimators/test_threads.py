"""The number of threads of a fit: what is asked for, and what a worker of joblib is given."""

from __future__ import annotations

import joblib
import pytest

from clearprop.engine import processors
from clearprop.errors import InvalidArgument
from clearprop.estimators import threads
from clearprop.estimators.threads import threads_of
from clearprop.training.engines import MOST_THREADS


def test_as_joblib_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "processors", lambda: 4)
    assert [threads_of(n) for n in (None, 1, 3, -1, -2, -9)] == [None, 1, 3, 4, 3, 1]
    assert threads_of(10_000) == MOST_THREADS
    with pytest.raises(
        InvalidArgument, match=r"^n_jobs: expected a number of threads, or -1 for all processors, found 0$"
    ):
        threads_of(0)


def test_a_fit_in_one_of_joblibs_threads_has_one() -> None:
    with joblib.parallel_config("threading", n_jobs=2):
        assert joblib.Parallel()(joblib.delayed(threads_of)(None) for _ in range(3)) == [1, 1, 1]
    assert threads_of(None) is None


def test_a_process_of_joblib_grants_processors_through_its_environment() -> None:
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        assert joblib.Parallel()(joblib.delayed(processors.processors)() for _ in range(2)) == [1, 1]
