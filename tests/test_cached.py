"""Values are computed once, and a fork leaves no lock behind that nobody can open."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from typing import Any

import pytest
from tests.support import HANG, in_a_copy

from clearprop.cached import cached_property


class Counted:
    computed = 0

    @cached_property
    def value(self) -> int:
        """Return how often it was computed."""
        self.computed += 1
        return self.computed


def test_a_value_is_computed_once() -> None:
    one, other = Counted(), Counted()
    assert (one.value, one.value, other.value, one.computed) == (1, 1, 1, 1)
    assert vars(one) == {"computed": 1, "value": 1}
    assert Counted.value.__doc__ == "Return how often it was computed."


def forked_meanwhile(cached: Any, seconds: int = HANG) -> bool:
    """Return whether a copy of this process has a value in that time while another thread computes that of another
    object."""
    begun, go = threading.Event(), threading.Event()

    class Slow:
        def __init__(self, waits: bool) -> None:
            self.waits = waits

        @cached  # type: ignore[untyped-decorator]
        def value(self) -> int:
            if self.waits:
                begun.set()
                go.wait(HANG)
            return 3

    def work() -> bool:
        signal.alarm(seconds)
        return bool(second.value == 3)

    first, second = Slow(True), Slow(False)
    thread = threading.Thread(target=lambda: first.value)
    thread.start()
    try:
        assert begun.wait(HANG)
        return in_a_copy(work)
    finally:
        go.set()
        thread.join()


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_copy_of_the_process_does_not_wait_for_a_thread_that_it_has_not() -> None:
    assert forked_meanwhile(cached_property)


@forks
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the standard library has no lock any more")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_lock_of_the_standard_library_would_be_noticed() -> None:
    assert not forked_meanwhile(functools.cached_property, 1)
