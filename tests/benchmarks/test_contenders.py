"""The contenders of the benchmark, each in a process of its own: do they do the same work?"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.comparison.rounds import Length, measured
from benchmarks.comparison.worker import Failed, Worker, environment, workers
from benchmarks.contenders.entry import Entry, entries
from benchmarks.contenders.rows import Prediction, Training

from benchmarks import peak

TRAININGS = (Training((3, 8, 2), 4, 40), Training((5, 8, 3), 5, 50, "relu", 1e-3))
PREDICTION = Prediction((6, 8, 3), 10)

# What compiles for half a minute is left to the benchmark itself, which compares in the same way.
ENTRIES = [entry for entry in entries() if entry.threads == 1 and "compiled" not in entry.name]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_everyone_does_the_same_mathematics(entry: Entry, tmp_path: Path) -> None:
    if not entry.present:
        pytest.skip(f"{entry.needs} is not installed")
    with workers([entry], tmp_path) as ready:
        for task in (*TRAININGS, PREDICTION):
            (side,) = measured(task, ready, Length(2, 1e-4)).sides
            if entry.name == "scikit-learn" and task is TRAININGS[0]:
                assert side.remark == "other mathematics: identity units in the last layer"
                continue
            assert side.remark == ""
            assert side.counts
            assert len(side.seconds) == 2
            assert side.off is not None
            assert side.off < 1e-5
            if isinstance(task, Training):
                assert side.apart is not None
                # scikit-learn adds Adam's epsilon before the moments are set right.
                assert side.apart < (1e-2 if entry.name == "scikit-learn" else 1e-4)


def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = Entry("broken", "clearprop", "benchmarks.contenders.nobody:Nobody", 1)
    worker = Worker(broken, tmp_path)
    try:
        with pytest.raises(Failed, match="ModuleNotFoundError: No module named"):
            worker.begin(PREDICTION)
    finally:
        worker.close()
    with pytest.raises(Failed, match="its process ended"):
        worker.begin(PREDICTION)


def test_a_worker_that_dies_loses_one_row_and_no_other(tmp_path: Path) -> None:
    crashing = Entry("crashing", "clearprop", "tests.benchmarks.crashing:Crashing", 1)
    with workers([crashing, ENTRIES[0]], tmp_path) as ready:
        died, other = measured(TRAININGS[1], ready, Length(1, 1e-4)).sides
        again, _ = measured(TRAININGS[0], ready, Length(1, 1e-4)).sides
    assert died.remark == "failed: its process ended with code 3"
    assert other.counts
    assert again.counts


def test_the_environment_is_as_before() -> None:
    before = dict(os.environ)
    with environment({"CLEARPROP_TEST": "1", "PATH": "nowhere"}):
        assert os.environ["CLEARPROP_TEST"] == "1"
    assert dict(os.environ) == before


@pytest.mark.parametrize("width", peak.widths())
def test_the_loop_of_the_peak_does_all_that_is_counted(width: int) -> None:
    kernel = peak.kernel(width)
    lanes = width // 4
    assert kernel.flops == 2 * lanes * kernel.sums
    for times in (1, 2, 3, 10):
        # s ← s / 2 + 1 / 2 from 0, in every lane of every chain.
        assert kernel.run(times) == pytest.approx(lanes * kernel.sums * (1 - 0.5**times), rel=1e-6)


def test_no_thread_of_the_peak_outlives_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []

    def start(thread: threading.Thread, before: Callable[[threading.Thread], None] = threading.Thread.start) -> None:
        if started:
            raise KeyboardInterrupt
        started.append(thread)
        before(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(KeyboardInterrupt):
        peak.together(lambda: None, 2)
    started[0].join(5)
    assert not started[0].is_alive()


def test_the_peak_is_of_this_machine() -> None:
    found = peak.measure(seconds=0.002, runs=2)
    assert found.one_core > 1e8
    assert found.width in peak.widths()
