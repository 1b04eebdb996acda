"""The number of threads of a fit."""

from __future__ import annotations

import threading

from joblib.parallel import get_active_backend

from clearprop.engine.processors import processors
from clearprop.errors import InvalidArgument
from clearprop.training.engines import MOST_THREADS


def threads_of(n_jobs: int | None) -> int | None:
    """Return the threads for ``n_jobs``; None leaves the choice to the engine.

    A fit in one of joblib's threads has one for itself: the others are taken by the fits beside it. One in a process of
    joblib, Dask or Ray has the processors that the environment of the process grants.

    Raises:
        InvalidArgument: 0 threads.
    """
    if n_jobs == 0:
        raise InvalidArgument("n_jobs: expected a number of threads, or -1 for all processors, found 0")
    if n_jobs is not None:
        # As joblib counts: -2 is all but one.
        return min(int(n_jobs), MOST_THREADS) if n_jobs > 0 else max(1, processors() + 1 + int(n_jobs))
    backend, _ = get_active_backend()
    nested = getattr(backend, "nesting_level", 0) or 0
    return 1 if nested and threading.current_thread() is not threading.main_thread() else None
