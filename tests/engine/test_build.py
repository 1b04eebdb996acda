"""Built programs: compiled once, from the disk and from memory the same bits, in threads and after a fork."""

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
from tests.engine.test_fingerprint import Doubled, program

import clearprop as cp
from clearprop.engine import build, cache, machine, plan
from clearprop.engine.build import Built
from clearprop.engine.fingerprint import fingerprint
from clearprop.engine.native import Native
from clearprop.engine.program import Program
from clearprop.expressions.tree import maximum
from clearprop.network.examples import Examples
from clearprop.propagation.turns import Turn
from clearprop.propagation.update import initial_state
from clearprop.rules.roles import z

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


def small(**changes: Any) -> Program:
    """A program that is compiled quickly, for this machine."""
    return program(
        **{"sizes": (2, 2), "last": "tanh", "loss": "squared_error", "triple": machine.host().triple} | changes
    )


def built(**changes: Any) -> Built:
    return Built(small(**changes), machine.host())


def entry(of: Built, folder: Path) -> Path:
    return folder / f"{fingerprint(of.program, of.target, 'training')}.code"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all that LLVM was given to compile."""
    lengths: list[int] = []
    real = machine.compiled

    def counted(source: str, target: machine.Target) -> bytes:
        lengths.append(len(source))
        return real(source, target)

    monkeypatch.setattr(machine, "compiled", counted)
    return lengths


def trained() -> tuple[bytes, float]:
    """The weights after some steps of native code, bit for bit, and the error then."""
    random = np.random.default_rng(1)
    examples = Examples(random.normal(size=(8, 3)), random.normal(size=(8, 2)))
    problem = cp.Problem(cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(2)]), examples=examples)
    native = Native(
        problem, "float32", 4, problem.parameters.vector, initial_state(problem.optimizer, problem.parameters), 1
    )
    native.run([Turn(np.arange(4), 1, 0.1), Turn(np.arange(4, 8), 2, 0.1)])
    return native.vector.tobytes(), native.error(np.arange(8))


# --- where code comes from -----------------------------------------------------------------------------------


def test_code_is_compiled_once(compilations: list[int], kept: Path) -> None:
    first = built()
    assert first.loaded.origin == "compiled"
    assert first.training.size == len(machine.compiled(first.source, first.target))
    del compilations[:]
    assert built().loaded.origin == "memory"
    assert built().training is first.training
    build.forget()
    assert built().loaded.origin == "disk"
    assert built().training is not first.training
    assert compilations == []
    assert os.listdir(kept) == [entry(first, kept).name]


def test_code_from_the_disk_gives_the_same_bits(compilations: list[int]) -> None:
    first = trained()
    assert len(compilations) == 1
    assert trained() == first
    build.forget()
    assert trained() == first
    assert len(compilations) == 1


def test_it_says_how_long_it_took() -> None:
    compiled, from_memory = built().loaded.seconds, built().loaded.seconds
    build.forget()
    from_disk = built().loaded.seconds
    assert 0 < from_memory < compiled
    assert 0 < from_disk < compiled


def test_switched_off_nothing_is_kept_anywhere(
    compilations: list[int], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.PLACE, "off")
    assert [built().loaded.origin for _ in range(2)] == ["compiled", "compiled"]
    assert len(compilations) == 2
    assert not kept.exists()


def test_where_nothing_can_be_kept_memory_still_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.PLACE, str(tmp_path / "file"))
    assert [built().loaded.origin for _ in range(2)] == ["compiled", "memory"]
    build.forget()
    assert built().loaded.origin == "compiled"


def test_what_is_not_known_is_compiled_every_time(kept: Path) -> None:
    strange = Doubled("strange", maximum(z, 0), "a test")
    problem = cp.Problem(cp.Network(2, [cp.Dense(1, strange)], "squared_error"))
    for _ in range(2):
        of = Built(plan.program(problem, "float32", machine.host(), 1), machine.host())
        assert of.loaded.origin == "compiled"
        assert callable(of.train)
    assert not kept.exists()


def test_code_of_sources_that_have_changed_since_is_not_kept(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was made by those that were imported, and would be found by those that stand there now."""
    with monkeypatch.context() as patch:
        patch.setattr("clearprop.engine.fingerprint.hashed", lambda root: "other")
        assert built().loaded.origin == "compiled"
        assert not kept.exists()
    build.forget()
    assert built().loaded.origin == "compiled"
    assert entry(built(), kept).exists()


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


@pytest.mark.parametrize("damage", [_truncated, _flipped, lambda content: b"", lambda content: b"text"])
def test_damaged_code_is_compiled_again_and_replaced(damage: Callable[[bytes], bytes], kept: Path) -> None:
    of = built()
    assert callable(of.train)
    path = entry(of, kept)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    build.forget()
    assert built().loaded.origin == "compiled"
    assert path.read_bytes() == whole
    build.forget()
    assert built().loaded.origin == "disk"


def test_what_this_llvm_does_not_take_is_compiled_again(kept: Path) -> None:
    of = built()
    mark = fingerprint(of.program, of.target, "training")
    assert mark is not None
    cache.write(mark, str(of.target), b"whole, but no object code")
    assert of.loaded.origin == "compiled"
    build.forget()
    assert built().loaded.origin == "disk"


def test_code_for_other_features_is_not_taken(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    if not machine.host().has("fma"):
        pytest.skip("there is nothing to leave unused")
    assert callable(built().train)
    monkeypatch.setenv(machine.SWITCH, "-fma")
    assert built().loaded.origin == "compiled"
    assert len(os.listdir(kept)) == 2


def test_only_so_many_programs_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MOST_KEPT", 2)
    first, second = built(), built(sizes=(2, 3))
    assert callable(first.train)
    assert callable(second.train)
    assert built().loaded.origin == "memory"  # used last now
    assert callable(built(sizes=(3, 2)).train)
    assert built().loaded.origin == "memory"
    assert built(sizes=(2, 3)).loaded.origin == "disk"
    assert second.training.addresses  # whoever has code keeps it


# --- training and prediction ---------------------------------------------------------------------------------


def test_all_functions_of_a_training_are_compiled_at_once(compilations: list[int]) -> None:
    of = built()
    assert callable(of.errors)
    assert callable(of.train)
    assert callable(of.predict)
    assert len(compilations) == 1
    assert of.inference is of.training


def test_prediction_alone_is_spared_the_training(compilations: list[int]) -> None:
    of = built()
    assert callable(of.predict)
    (alone,) = compilations
    assert set(of.inference.addresses) == {"predict", "errors"}
    assert callable(built(optimizer="adam").predict)  # however it was trained
    assert len(compilations) == 1
    assert callable(of.train)
    assert compilations[1] > alone


def test_assembly_is_to_be_read() -> None:
    of = built()
    assert "train:" in of.assembly.replace("_train:", "train:")
    assert 'define void @"train"' in of.source


def test_building_leaves_the_collector_as_it_was() -> None:
    import gc

    assert gc.isenabled()
    assert built().source
    assert gc.isenabled()
    gc.disable()
    try:
        assert built().source
        assert not gc.isenabled()
    finally:
        gc.enable()


# --- threads and forks ---------------------------------------------------------------------------------------


def test_threads_that_want_the_same_have_it_compiled_once(compilations: list[int]) -> None:
    found: list[Built] = [built() for _ in range(4)]
    threads = [threading.Thread(target=lambda of=of: of.train) for of in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compilations) == 1
    assert len({id(of.training) for of in found}) == 1


def test_what_goes_wrong_in_one_thread_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(machine, "compiled", fail)
        with pytest.raises(MemoryError):
            _ = built().train
    thread = threading.Thread(target=lambda: built().train, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert built().loaded.origin == "memory"


def in_child(work: Callable[[], bool]) -> bool:
    """What a forked child finds, within a minute."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        status = 1
        try:
            status = 0 if work() else 2
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_goes_on_with_the_code_it_has() -> None:
    expected = trained()

    def work() -> bool:
        same = trained() == expected
        return same and built(sizes=(3, 3)).loaded.origin == "compiled" and callable(built(sizes=(3, 3)).train)

    assert in_child(work)
    assert built(sizes=(3, 3)).loaded.origin == "disk"


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_forked_while_another_thread_compiles_can_compile_too(monkeypatch: pytest.MonkeyPatch) -> None:
    real, begun = machine.compiled, threading.Event()

    def slow(source: str, target: machine.Target) -> bytes:
        begun.set()
        time.sleep(0.2)
        return real(source, target)

    monkeypatch.setattr(machine, "compiled", slow)
    thread = threading.Thread(target=lambda: built().train)
    thread.start()
    assert begun.wait(60)
    assert in_child(lambda: callable(built(sizes=(3, 3)).train))
    thread.join()


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_that_does_not_wait_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault that the test before looks for: a lock that nobody in the child can open."""
    lock = threading.RLock()
    monkeypatch.setattr(build, "_lock", lock)  # one that forks know nothing of
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)

    def work() -> bool:
        signal.alarm(1)
        return callable(built().train)

    assert not in_child(work)
    done.set()
    thread.join()


@pytest.mark.skipif(sys.platform == "win32", reason="the processes are started with a fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_that_start_together_all_get_right_code(kept: Path) -> None:
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            signal.alarm(60)
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
    assert len(os.listdir(kept)) == 1
