"""Copies are shared by the threads that entered, and by nobody else."""

from __future__ import annotations

import threading

import numpy as np

from clearprop.engine.sharing import copied, shared_copies


def test_threads_that_enter_share_one_copy() -> None:
    values = np.arange(6.0).reshape(3, 2)
    seen: list[np.ndarray] = []

    def work() -> None:
        with enter():
            seen.append(copied(values, "float32"))

    with shared_copies() as enter:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert copied(values, "float32") is not seen[0]
    assert all(each is seen[0] for each in seen)
    assert np.array_equal(seen[0], values.ravel())
