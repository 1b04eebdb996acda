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
from tests.engine.support.programs import Doubled, program
from tests.support import HANG, in_a_copy

import clearprop as cp
from clearprop.engine import build, cache, machine, plan
from clearprop.engine.build import Built
from clearprop.engine.fingerprint import Part, fingerprint
from clearprop.engine.native import Native
from clearprop.engine.program import Program
from clearprop.expressions.tree import maximum
from clearprop.network.examples import Examples
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


def entry(of: Built, folder: Path, part: Part = "train") -> Path:
    return folder / f"{fingerprint(of.program, of.target, part)}.code"


PARTS = Built.TRAINING


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all that LLVM was given to compile: each time a part."""
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
    native.run(np.arange(8), np.array([0, 4, 8]), np.array([1, 2]), np.array([0.1, 0.1]))
    return native.vector.tobytes(), native.error(np.arange(8))


# --- where code comes from -----------------------------------------------------------------------------------


def test_code_is_compiled_once(compilations: list[int], kept: Path) -> None:
    first = built()
    assert first.training.origin == "compiled"
    assert first.training.size == sum(
        len(machine.compiled(build.source(first.program, part), first.target)) for part in PARTS
    )
    del compilations[:]
    assert built().training.origin == "memory"
    assert built().training.code == first.training.code
    build.forget()
    assert built().training.origin == "disk"
    assert not set(built().training.code.values()) & set(first.training.code.values())
    assert compilations == []
    assert sorted(os.listdir(kept)) == sorted(entry(first, kept, part).name for part in PARTS)


def test_code_from_the_disk_gives_the_same_bits(compilations: list[int]) -> None:
    first = trained()
    assert len(compilations) == len(PARTS)
    assert trained() == first
    build.forget()
    assert trained() == first
    assert len(compilations) == len(PARTS)


def test_it_says_how_long_it_took() -> None:
    compiled, from_memory = built().training.seconds, built().training.seconds
    build.forget()
    from_disk = built().training.seconds
    assert 0 < from_memory < compiled
    assert 0 < from_disk < compiled


def test_switched_off_nothing_is_kept_anywhere(
    compilations: list[int], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.PLACE, "off")
    assert [built().training.origin for _ in range(2)] == ["compiled", "compiled"]
    assert len(compilations) == 2 * len(PARTS)
    assert not kept.exists()


def test_where_nothing_can_be_kept_memory_still_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.PLACE, str(tmp_path / "file"))
    assert [built().training.origin for _ in range(2)] == ["compiled", "memory"]
    build.forget()
    assert built().training.origin == "compiled"


def test_what_is_not_known_is_compiled_every_time(compilations: list[int], kept: Path) -> None:
    """The kernels, which know no rule, are known."""
    strange = Doubled("strange", maximum(z, 0), "a test")
    problem = cp.Problem(cp.Network(2, [cp.Dense(1, strange)], "squared_error"))
    for number in range(2):
        of = Built(plan.program(problem, "float32", machine.host(), 1), machine.host())
        assert of.training.origin == "compiled"
        assert callable(of.train)
        assert len(compilations) == 3 + 2 * number
    assert os.listdir(kept) == [entry(of, kept, "kernels").name]


def test_code_of_sources_that_have_changed_since_is_not_kept(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was made by those that were imported, and would be found by those that stand there now."""
    with monkeypatch.context() as patch:
        patch.setattr("clearprop.engine.fingerprint.hashed", lambda root: "other")
        assert built().training.origin == "compiled"
        assert not kept.exists()
    build.forget()
    assert built().training.origin == "compiled"
    assert entry(built(), kept).exists()


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("damage", [_truncated, _flipped, lambda content: b"", lambda content: b"text"])
def test_damaged_code_is_compiled_again_and_replaced(
    damage: Callable[[bytes], bytes], part: Part, compilations: list[int], kept: Path
) -> None:
    """What is sound is taken, but for code that is to be linked to the kernels: without these it waits."""
    of = built()
    assert callable(of.train)
    path = entry(of, kept, part)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    build.forget()
    del compilations[:]
    assert built().training.origin == "compiled"
    assert len(compilations) == (3 if part == "kernels" else 1)
    assert path.read_bytes() == whole
    build.forget()
    assert built().training.origin == "disk"


@pytest.mark.parametrize("part", PARTS)
def test_what_this_llvm_does_not_take_is_compiled_again(part: Part, kept: Path) -> None:
    of = built()
    mark = fingerprint(of.program, of.target, part)
    assert mark is not None
    cache.write(mark, str(of.target), b"whole, but no object code")
    assert of.training.origin == "compiled"
    build.forget()
    assert built().training.origin == "disk"


@pytest.mark.parametrize("part", PARTS)
def test_what_has_other_functions_is_compiled_again(part: Part, kept: Path) -> None:
    """Code that is sound, and does not have what its part must have, or needs what the kernels have not."""
    expected = trained()
    of = built()
    assert of.training.code
    mark = fingerprint(of.program, of.target, part)
    assert mark is not None
    others: dict[Part, Part] = {"kernels": "kernels", "train": "errors", "errors": "predict"}
    source = build.source(small(widths=(2,)) if part == "kernels" else of.program, others[part])
    cache.write(mark, str(of.target), machine.compiled(source, of.target))
    build.forget()
    assert built().training.origin == "compiled"
    build.forget()
    assert built().training.origin == "disk"
    assert trained() == expected


def test_code_that_needs_a_kernel_which_is_not_there_is_compiled_again(kept: Path) -> None:
    """The steps of a network with wide panels, kept as those of one with narrow ones."""
    narrow, wide = built(), built(widths=(1, 2))
    mark = fingerprint(narrow.program, narrow.target, "train")
    assert mark is not None
    wrong = machine.compiled(build.source(wide.program, "train"), wide.target)
    assert callable(narrow.train)
    cache.write(mark, str(narrow.target), wrong)
    build.forget()
    assert built().training.origin == "compiled"
    build.forget()
    assert built().training.origin == "disk"


def test_code_for_other_features_is_not_taken(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    if not machine.host().has("fma"):
        pytest.skip("there is nothing to leave unused")
    assert callable(built().train)
    monkeypatch.setenv(machine.SWITCH, "-fma")
    assert built().training.origin == "compiled"
    assert len(os.listdir(kept)) == 2 * len(PARTS)


def test_only_so_many_parts_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MOST_KEPT", 5)
    first, second = built(), built(last="logistic")
    assert callable(first.train)
    assert callable(second.train)
    assert built().training.origin == "memory"  # used last now
    assert callable(built(last="relu").train)
    assert built().training.origin == "memory"
    assert built(last="logistic").training.origin == "disk"
    assert second.training.code["train"].addresses  # whoever has code keeps it


# --- parts ---------------------------------------------------------------------------------------------------


def test_all_functions_of_a_training_are_compiled_at_once(compilations: list[int]) -> None:
    of = built()
    assert callable(of.errors)
    assert len(compilations) == len(PARTS)
    assert callable(of.train)
    assert len(compilations) == len(PARTS)
    assert callable(of.predict)
    assert len(compilations) == len(PARTS) + 1
    assert of.inference.code["kernels"] is of.training.code["kernels"]


def test_prediction_alone_is_spared_the_training(compilations: list[int]) -> None:
    of = built()
    assert callable(of.predict)
    assert len(compilations) == 2
    assert set(of.inference.code) == {"kernels", "predict"}
    assert callable(built(optimizer="adam", loss="absolute_error").predict)  # however it was trained
    assert len(compilations) == 2
    assert callable(of.train)
    assert len(compilations) == 4


def test_networks_with_the_same_rules_share_their_code(compilations: list[int], kept: Path) -> None:
    """Whatever their sizes, and on disk as well as in memory."""
    first = built(sizes=(2, 5, 3), activation="relu")
    assert callable(first.train)
    files = sorted(os.listdir(kept))
    del compilations[:]
    for sizes in [(200, 1, 3), (1, 7, 7, 1, 300), (3, 5, 2)]:
        other = built(sizes=sizes, activation="relu")
        assert callable(other.train)
        assert other.training.origin == "memory"
        assert other.training.code == first.training.code
    build.forget()
    assert built(sizes=(9, 9, 9), activation="relu").training.origin == "disk"
    assert compilations == []
    assert sorted(os.listdir(kept)) == files


def test_other_rules_share_the_kernels(compilations: list[int]) -> None:
    kernels = built().training.code["kernels"]
    del compilations[:]
    for changes in ({"last": "relu"}, {"optimizer": "adam"}, {"loss": "absolute_error"}):
        assert built(**changes).training.code["kernels"] is kernels
    # All but the kernels; where only the steps are others, only these.
    assert len(compilations) == 2 + 1 + 2


def test_code_keeps_the_kernels_that_it_is_linked_to() -> None:
    of = built()
    code = of.training.code
    assert code["train"].needs is code["kernels"]
    assert code["errors"].needs is code["kernels"]
    assert code["kernels"].needs is None
    build.forget()  # and yet it can be run
    again = trained()
    assert trained() == again


def test_assembly_is_to_be_read() -> None:
    of = built()
    for name in ("train", "errors", *of.program.kernels):
        assert f"{name}:" in of.assembly.replace(f"_{name}:", f"{name}:")


def test_building_leaves_the_collector_as_it_was() -> None:
    import gc

    assert gc.isenabled()
    assert build.source(small(), "train")
    assert gc.isenabled()
    gc.disable()
    try:
        assert build.source(small(), "train")
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
    assert len(compilations) == len(PARTS)
    for part in PARTS:
        assert len({id(of.training.code[part]) for of in found}) == 1


def test_what_goes_wrong_in_one_thread_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(machine, "compiled", fail)
        with pytest.raises(MemoryError):
            _ = built().train
    thread = threading.Thread(target=lambda: built().train, daemon=True)
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
        return same and built(last="relu").training.origin == "compiled" and callable(built(last="relu").train)

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
    thread = threading.Thread(target=lambda: built().train)
    thread.start()
    assert begun.wait(HANG)
    assert in_a_copy(lambda: callable(built(last="relu").train))
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
            done.wait(HANG)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(HANG)

    def work() -> bool:
        signal.alarm(1)
        return callable(built().train)

    assert not in_a_copy(work)
    done.set()
    thread.join()


@pytest.mark.skipif(sys.platform == "win32", reason="the processes are started with a fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_that_start_together_all_get_right_code(kept: Path) -> None:
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            signal.alarm(HANG)
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
