"""Copies are shared by the threads that entered, and by nobody else."""

from __future__ import annotations

import threading

import numpy as np

from clearprop.engine.sharing import readable, shared_copies


def test_threads_that_enter_share_one_copy() -> None:
    values = np.arange(6.0).reshape(3, 2)
    seen: list[np.ndarray] = []

    def work() -> None:
        with enter():
            seen.append(readable(values, "float32"))

    with shared_copies() as enter:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert readable(values, "float32") is not seen[0]
    assert all(each is seen[0] for each in seen)
    assert np.array_equal(seen[0], values.ravel())


def test_an_array_is_read_as_it_is_if_nobody_can_write_to_it() -> None:
    values = np.zeros((2, 3), np.float32)
    assert readable(values, "float32") is not values
    values.flags.writeable = False
    assert readable(values, "float32") is values
    assert readable(values, "float64").dtype == np.float64
    for other in (values[:, ::2], values[1:], values.astype(">f4")):
        other.flags.writeable = False
        assert readable(other, "float32") is not other


def test_a_view_of_what_can_be_written_to_is_copied() -> None:
    values = np.zeros((2, 3), np.float32)
    view = values[:]
    view.flags.writeable = False
    assert readable(view, "float32") is not view
