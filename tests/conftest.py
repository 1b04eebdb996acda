"""Deterministic Hypothesis: the same examples in every run; the profile is printed by pytest. And a cache of
compiled code that belongs to the run."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Generator, Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from tests.support import HANG

settings.register_profile(
    "deterministic",
    derandomize=True,
    deadline=None,
    print_blob=True,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("deterministic"), max_examples=500)
settings.load_profile("deterministic")


def pytest_configure() -> None:
    """A run that a shell began in the background ignores Ctrl-C, and so would all that tests interrupt. And a copy of
    this process that hangs comes to an end: while it lives, nobody learns that the process itself has ended."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=partial(signal.alarm, HANG))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collecting makes stays until the end: nothing of it is garbage, then or later. And old objects are looked
    through more seldom: there are millions, of the libraries that tests compare with."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(5_000, 20, 50)
        gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """What a test writes need not outlast a failure of the machine. That the disk is told is seen by calls."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _time_to_read() -> Iterator[None]:
    """The process that reads an HDF5 file is not late because the machine is busy."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("clearprop.interop.hdf5.SECONDS", float(HANG))
        yield


@pytest.fixture(autouse=True, scope="session")
def _cache_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is read from the user's cache, or left in it; the workers of a run share one."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "clearprop-cache"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLEARPROP_CACHE_DIR", str(folder))
        # A whole run makes more than a user has: what is compiled for one test is still there for the others.
        patched.setattr("clearprop.engine.cache.MOST_FILES", 5000)
        yield
