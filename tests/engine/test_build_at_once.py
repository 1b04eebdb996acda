"""Programs built by several threads and processes at once, and around a fork."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engine.support.built import PARTS, built, trained
from tests.support import HANG, in_a_copy

from clearprop.engine import availability, machine
from clearprop.engine.build import Built
from clearprop.engine.machine import Code

pytestmark = pytest.mark.usefixtures("kept")

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


def test_threads_that_want_the_same_have_it_compiled_once(compilations: list[int]) -> None:
    found: list[Built] = [built() for _ in range(4)]
    threads = [threading.Thread(target=lambda of=of: of.training) for of in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compilations) == len(PARTS)
    for part in PARTS:
        assert len({id(of.training.code[part]) for of in found}) == 1


def test_what_goes_wrong_in_one_thread_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(machine, "compiled", fail)
        with pytest.raises(MemoryError):
            _ = built().function("train")
    thread = threading.Thread(target=lambda: built().training, daemon=True)
    thread.start()
    thread.join(HANG)
    assert not thread.is_alive()
    assert built().training.origin == "memory"


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_goes_on_with_the_code_it_has() -> None:
    expected = trained()

    def work() -> bool:
        same = trained() == expected
        return (
            same and built(last="relu").training.origin == "compiled" and callable(built(last="relu").function("train"))
        )

    assert in_a_copy(work)
    assert built(last="relu").training.origin == "disk"


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_forked_while_another_thread_compiles_can_compile_too(monkeypatch: pytest.MonkeyPatch) -> None:
    real, begun = machine.compiled, threading.Event()

    def slow(source: str, target: machine.Target) -> bytes:
        begun.set()
        time.sleep(0.2)  # most likely the fork comes meanwhile; whenever it comes, the copy can compile
        return real(source, target)

    monkeypatch.setattr(machine, "compiled", slow)
    thread = threading.Thread(target=lambda: built().function("train"))
    thread.start()
    assert begun.wait(HANG)
    assert in_a_copy(lambda: callable(built(last="relu").function("train")))
    thread.join()


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_that_does_not_wait_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault that the test before looks for: a lock that nobody in the child can open."""
    lock = threading.RLock()
    monkeypatch.setattr(machine, "lock", lock)  # one that forks know nothing of
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(HANG)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(HANG)

    def work() -> bool:
        signal.alarm(1)
        return callable(built().function("train"))

    assert not in_a_copy(work)
    done.set()
    thread.join()


# --- code that nobody needs -----------------------------------------------------------------------------------


def trial() -> Code:
    """Code that is made quickly."""
    return Code(machine.compiled(availability.TRIAL, machine.host()), ("trial",), machine.host())


class Marked:
    """Seen to be freed with the code that it is put into."""

    def __init__(self, at_end: Callable[[], object] = lambda: None) -> None:
        self.at_end = at_end

    def __del__(self) -> None:
        self.at_end()


def in_another_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_no_process_is_copied_while_code_is_freed() -> None:
    """LLVM locks itself for that, and in the copy nobody would open it again."""
    begun, go, codes = threading.Event(), threading.Event(), [trial()]

    def freed() -> None:
        begun.set()
        go.wait(HANG)

    vars(codes[0])["mark"] = Marked(freed)
    other = in_another_thread(codes.clear)
    assert begun.wait(HANG)
    held = not machine.lock.acquire(blocking=False)
    if not held:
        machine.lock.release()
    go.set()
    other.join()
    assert held


def test_code_waits_for_nobody_to_be_freed() -> None:
    """Where another thread uses LLVM it is freed later: who lets it go may hold what that thread waits for."""
    held, go, freed = threading.Event(), threading.Event(), threading.Event()

    def use() -> None:
        with machine.lock:
            held.set()
            go.wait(HANG)

    code, other = trial(), in_another_thread(use)
    vars(code)["mark"] = Marked(freed.set)
    assert held.wait(HANG)
    del code
    assert not freed.is_set()
    go.set()
    other.join()
    trial()
    assert freed.is_set()


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_forked_while_another_thread_frees_code_can_make_some() -> None:
    codes, begun = [trial() for _ in range(60)], threading.Event()

    def free() -> None:
        while codes:
            codes.pop()
            begun.set()

    other = in_another_thread(free)
    assert begun.wait(HANG)
    for _ in range(5):
        assert in_a_copy(lambda: trial().size > 0)
    other.join()


@pytest.mark.skipif(sys.platform == "win32", reason="the processes are started with a fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_that_start_together_all_get_right_code(kept: Path) -> None:
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                weights, error = trained()
                (kept.parent / f"result-{os.getpid()}").write_bytes(weights + np.float64(error).tobytes())
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert len({path.read_bytes() for path in kept.parent.glob("result-*")}) == 1
    assert len(os.listdir(kept)) == len(PARTS)
