"""The contenders of the benchmark, each in a process of its own: do they do the same work?"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from benchmarks.compared import compared
from benchmarks.entries import ENGINE, OURS, Entry, entries
from benchmarks.measure import Failed, Length
from benchmarks.reference import orders
from benchmarks.rows import Prediction, Task, Training
from benchmarks.work import Array, Begun, Round, made
from benchmarks.worker import Desk, Worker, workers

# Steps so long that the order of the rows shows in the loss.
LOGISTIC, RELU = Training((3, 8, 2), 4, 40, rate=1.0), Training((5, 8, 3), 5, 50, kind="relu", rate=1e-3)
PREDICTION = Prediction((6, 8, 3), 10)
SHORT = Length(2, 1e-4)

# What compiles for half a minute is left to the benchmark itself, which compares in the same way.
ENTRIES = [entry for entry in entries() if entry.threads in (None, 1) and "compiled" not in entry.name]


class Timed(Desk):
    """Its clock goes by the work alone: on a busy machine, many short epochs may take no longer than one."""

    def _timed(self, count: int) -> float:
        super()._timed(count)
        return 1e-4 * count


class Here(Worker):
    """A worker in this process, where PyTorch and scikit-learn are imported anyway."""

    desks: type[Desk] = Timed

    def begin(self, task: Task, orders: tuple[Array, ...]) -> Begun:
        module, _, name = self.entry.home.partition(":")
        self.desk = self.desks(getattr(import_module(module), name)(None))
        return self.desk.begin(task, orders)

    def round(self, count: int) -> Round:
        return self.desk.round(count)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.label)
def test_everyone_does_the_same_mathematics(entry: Entry, tmp_path: Path) -> None:
    if entry.missing:
        pytest.skip(entry.missing)
    # JAX starts threads, with which no process may be forked.
    worker = Worker(entry, tmp_path) if entry.needs == "jax" else Here(entry, tmp_path)
    try:
        tasks: list[Task] = [LOGISTIC, RELU, PREDICTION]
        for task in tasks[:2] if entry.name == ENGINE else tasks:
            (side,) = compared(task, [worker], SHORT).sides
            if entry.name == "scikit-learn" and task is LOGISTIC:
                assert side.remark == "failed: it has no half squared error after logistic units"
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
    finally:
        worker.close()


def test_both_ways_of_jax_and_the_engine_are_among_the_entries() -> None:
    names = {entry.name: entry for entry in entries()}
    assert {OURS, ENGINE, "JAX", "JAX, reductions apart", "JAX 0.4.31", "scikit-learn"} < names.keys()
    assert names["JAX, reductions apart"].environment["XLA_FLAGS"].endswith("ynn_fusion_type=-reduce")
    assert names["JAX 0.4.31"].python != Path(sys.executable)
    assert names["JAX"].environment["NPROC"] == str(names["JAX"].threads)


# --- planted faults ----------------------------------------------------------------------------------------


def faulty(name: str) -> Entry:
    return Entry(name, "clearprop", f"tests.benchmarks.faulty:{name}", 1)


@pytest.mark.parametrize("name", ["Untold", "Forgetful"])
def test_who_trains_otherwise_is_found_out(name: str, tmp_path: Path) -> None:
    (side,) = compared(LOGISTIC, [Here(faulty(name), tmp_path)], SHORT).sides
    assert side.remark.startswith("disagrees: off by ")
    assert not side.counts


class Astray(Here):
    """Another rate, other batches, or another order than what is compared."""

    fault = ""

    def begin(self, task: Task, orders: tuple[Array, ...]) -> Begun:
        assert isinstance(task, Training)
        if self.fault == "order":
            return super().begin(task, orders[1:])
        return super().begin(replace(task, rate=2.0) if self.fault == "rate" else replace(task, batch=5), orders)


@pytest.mark.parametrize("fault", ["rate", "batch", "order"])
def test_other_steps_are_found_out(fault: str, tmp_path: Path) -> None:
    worker = Astray(faulty("Slower"), tmp_path)
    worker.fault = fault
    (side,) = compared(LOGISTIC, [worker], SHORT).sides
    assert side.remark.startswith("disagrees: off by ")


def test_a_planted_difference_is_measured_and_what_a_training_costs_once_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    monkeypatch.setattr(Here, "desks", Desk)
    (side,) = compared(LOGISTIC, [Here(faulty("Slower"), tmp_path)], Length(3, 0.1)).sides
    assert side.first == pytest.approx(0.005 + 0.002)
    assert side.seconds == pytest.approx([0.002 / LOGISTIC.units] * 3)


def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    worker = Worker(Entry("broken", "clearprop", "benchmarks.contenders.nobody:Nobody", 1), tmp_path)
    try:
        with pytest.raises(Failed, match="ModuleNotFoundError: No module named"):
            worker.begin(PREDICTION, ())
    finally:
        worker.close()


def test_a_worker_that_dies_loses_one_row_and_no_other(tmp_path: Path) -> None:
    with workers([faulty("Crashing"), faulty("Slower")], tmp_path) as ready:
        died, other = compared(RELU, ready, Length(1, 1e-4)).sides
        again, _ = compared(LOGISTIC, ready, Length(1, 1e-4)).sides
    assert died.remark == "failed: its process ended with code 3"
    assert other.counts
    assert again.counts


# --- the work ----------------------------------------------------------------------------------------------


def test_flops_are_those_of_the_products_that_are_needed() -> None:
    batch, counted = 7, 0
    for layer, (inputs, units) in enumerate(((5, 4), (4, 3), (3, 2))):
        forward = backward = weights = 2 * batch * inputs * units
        counted += forward + weights + (backward if layer else 0)
    assert Training((5, 4, 3, 2), batch, 7).flops == counted


def test_every_epoch_sees_every_row_once_and_in_an_order_of_its_own() -> None:
    work = made(LOGISTIC, orders(LOGISTIC))
    for epoch in range(5):
        assert sorted(work.batches(epoch).ravel()) == list(range(40))
    assert not np.array_equal(work.batches(0), work.batches(1))
    assert work.batches(0).shape == (10, 4)
    assert work.inputs.dtype == work.targets.dtype == np.float32


def test_rows_come_in_whole_batches() -> None:
    with pytest.raises(ValueError, match="expected whole batches of 3, found 10 rows"):
        Training((2, 2, 2), 3, 10)
