"""Native code touches the arrays of its memory and nothing else, whatever it is given.

`tests/engine/support/guarded.py` has the memory that ends a process when something outside is touched; so these
runs are processes of their own.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.engine.support.guarded import AVAILABLE, Guards, guarded, poison
from tests.engine.support.layouts import LAYOUTS
from tests.engine.support.networks import SEEDS, by_engine, drawn, native, outputs, problem_of
from tests.engine.support.planted import compile_anew, planted
from tests.support import HANG, in_a_copy

import clearprop as cp
from clearprop.engine.calling import address
from clearprop.engine.fingerprint import Part
from clearprop.engine.predictor import Predictor
from clearprop.types import Array

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "fuzz_engine.py"

guards_only = pytest.mark.skipif(not AVAILABLE, reason="pages are guarded by what POSIX has for that")


# --- random networks --------------------------------------------------------------------------------


@pytest.fixture
def script() -> ModuleType:
    """The long run, as a module."""
    spec = importlib.util.spec_from_file_location("fuzz_engine", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@guards_only
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("seed", [seed for seed in SEEDS if seed // 2 % 2 == seed % 2][:12])
def test_a_random_network_touches_nothing_outside(script: ModuleType, seed: int) -> None:
    """And agrees with the reference, though what it writes before it reads was NaN. Its code is there already: the
    tests of agreement have it in the same precision."""

    def work() -> bool:
        np.seterr(all="ignore")
        found = script.one(seed, 15_000)
        return found is None or found.startswith("hard")

    assert in_a_copy(work)


@guards_only
@pytest.mark.parametrize(("networks", "more"), [(3, []), (8, ["--same-rules"])])
def test_random_networks_run_in_processes_of_their_own(networks: int, more: list[str]) -> None:
    line = [sys.executable, str(SCRIPT), "--networks", str(networks), "--weights", "15000", *more]
    done = subprocess.run(line, capture_output=True, text=True, timeout=HANG, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(
        rf"^{networks} networks in \d+ s, (\d+) of them ill-conditioned: .*; wrong: none$", done.stdout, re.MULTILINE
    )
    assert found, done.stdout
    assert int(found[1]) <= 2


def test_the_long_run_reports_a_network_that_ends_its_process(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """And goes on with the next one; the seeds of others that are wrong are reported as well."""
    child = """
import os, sys
for seed in range(int(sys.argv[1]), int(sys.argv[2])):
    print("begin", seed, flush=True)
    if seed == 4:
        os.abort()
    if seed in (5, 7):
        print("found", seed, "hard: far" if seed == 5 else "far", flush=True)
print("end")
"""
    report = script.fuzz(3, 9, lambda first, last: [sys.executable, "-c", child, str(first), str(last)])
    assert (report.networks, report.hard, report.wrong) == (6, [5], [4, 7])
    assert "seed 4: the process ended with " in capsys.readouterr().out


# --- the guards themselves ----------------------------------------------------------------------------


def ends_by(work: Callable[[], Any]) -> int:
    """The signal that ends a copy of this process which does that, or 0 where it comes to its end."""
    child = os.fork()
    if child == 0:
        # Nothing is to be told about the end that is expected.
        import faulthandler

        faulthandler.disable()
        try:
            work()
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def touch(address: int, *, write: bool) -> None:
    import ctypes

    cell = ctypes.c_ubyte.from_address(address)
    if write:
        cell.value = 1
    else:
        assert cell.value >= 0


FAULTS_OF_MEMORY = (signal.SIGSEGV, signal.SIGBUS)


@guards_only
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("count", [0, 1, 1000, 1024, 5000])
def test_guards_end_a_process_that_goes_outside(count: int) -> None:
    for at_end in (True, False):
        guards = Guards(at_end=at_end)  # an array of nothing would not keep its pages
        array = guards.zeros(count, np.float32)
        assert not array.any()
        assert array.size == count
        # An array of nothing may say that it stands anywhere.
        piece = guards.pieces[-1]
        first = piece.memory.ctypes.data + piece.start
        outside = first + array.nbytes if at_end else first - 1
        inside = first + (array.nbytes - 1 if at_end else 0)
        for write in (True, False):
            assert ends_by(partial(touch, outside, write=write)) in FAULTS_OF_MEMORY
            assert not count or ends_by(partial(touch, inside, write=write)) == 0


@guards_only
def test_guards_see_what_is_written_on_the_other_side() -> None:
    guards = Guards(at_end=True)
    array = guards.zeros(3, np.float64)
    assert guards.intact
    assert guards.holds(array)
    touch(array.__array_interface__["data"][0] - 1, write=True)
    assert not guards.intact


@guards_only
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    ("fault", "at_end"),
    [
        ("gathering begins one row too far", True),
        ("gathering begins one row too early", False),
        ("gathering takes the next example", True),
        ("weights are transposed to the wrong row", True),
        ("an update changes a row too many", True),
        ("an update begins one row too early", False),
        ("outputs are written a row too far", True),
        ("what is remembered stands a row too far", True),
        ("dropout takes the hash of the next unit", True),
        ("a gradient takes one example too many", True),
    ],
)
def test_planted_faults_end_the_process(fault: str, at_end: bool) -> None:
    """At sizes at which nothing fills the pages up."""
    problem = problem_of((32, 32, 32), 48, 48, activation="identity")  # whole tiles of 6 or 8
    if "norm" in fault or "remembered" in fault:
        problem = replace(problem, optimizer=replace(cp.SGD(0.1, momentum=0.9), clip_norm=1.0))
    if "dropout" in fault:
        layers = tuple(replace(layer, dropout=0.5) for layer in problem.network.layers)
        problem = replace(problem, network=replace(problem.network, layers=layers))
    function: Part = "predict" if "outputs" in fault else "train"

    def work() -> None:
        with guarded(at_end=at_end):
            engine = native(problem, "float32")
            with planted(fault):
                compile_anew(engine, function)
            if function == "train":
                by_engine(engine, error=False)
            else:
                outputs(engine, np.arange(48))

    assert ends_by(work) in FAULTS_OF_MEMORY


@guards_only
def test_what_is_read_before_it_is_written_shows() -> None:
    """Planted: sums that go on from what stood there."""
    engine = native(problem_of((5, 17, 3), 40, 20), "float64")
    with planted("a gradient goes on from an old one"):
        compile_anew(engine, "train")
    poison(engine)
    by_engine(engine, error=False)
    assert not engine.finite


@guards_only
def test_predictions_stay_inside() -> None:
    rng = np.random.default_rng(1)
    for seed in range(3):
        problem = drawn(seed, weights=15_000)
        for dtype in ("float32", "float64"):
            found: list[Array] = []
            for at_end in (True, False):
                with guarded(at_end=at_end) as guards:
                    predictor = Predictor(problem, problem.parameters, dtype, threads=2)
                    rows = 260
                    inputs = guards.zeros(rows * problem.network.sizes[0], dtype).reshape(rows, -1)
                    inputs[:] = np.random.default_rng(seed).normal(size=inputs.shape)
                    outputs = guards.zeros(rows * problem.network.sizes[-1], dtype).reshape(rows, -1)
                    for count in (1, 127, 128, 129, int(rng.integers(1, rows)), rows):
                        predictor._run(address(inputs[-count:]), address(outputs[-count:]), count)
                        predictor._run(address(inputs[:count]), address(outputs[:count]), count)
                    assert guards.intact
                    found.append(outputs.copy())
            assert np.array_equal(found[0], found[1])


@guards_only
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("sizes", "batch"), [((2, 2, 2), 1), ((5, 17, 3), 10)], ids=str)
def test_epochs_that_are_looked_at_and_orders_stay_inside(sizes: tuple[int, ...], batch: int, threads: int) -> None:
    """Of a network that is computed in registers, and of another one."""
    problem = problem_of(sizes, 23, batch, chosen=cp.Adam(0.1))
    bounds = np.append(0, np.add.outer(23 * np.arange(3), [*range(batch, 23, batch), 23]))
    steps = np.arange(1, len(bounds))
    found: list[Array] = []
    for at_end in (True, False):
        with guarded(at_end=at_end) as guards:
            engine = native(problem, "float32", threads)
            order = engine.permutations([7, 1, 2**32 - 1, 3, 5], range(4, 7), 23)
            _, errors, kept = engine.epochs(order.ravel(), bounds, steps, 0.1 / steps, np.arange(260) % 23, 3)
            engine.error(np.arange(23))
            assert guards.intact
            found.append(np.append(errors, kept))
    assert np.array_equal(found[0], found[1])


# --- what a user gives ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("laid", LAYOUTS, ids=lambda each: each.__name__)
def test_arrays_in_any_layout_are_read_as_they_are(laid: Callable[[Array], Any]) -> None:
    rng = np.random.default_rng(4)
    inputs, targets = rng.normal(size=(40, 3)), rng.uniform(size=(40, 2))
    given = laid(inputs), laid(targets)
    plain = tuple(np.array(each, dtype=float, order="C") for each in given)
    network = cp.Network(3, [cp.Dense(5, "tanh"), cp.Dense(2, "logistic")])
    more = (
        {"epochs": 2, "batch_size": 16, "seed": 1, "weights": laid(targets)[:, 0]}
        if laid is not np.ndarray.tolist
        else {"epochs": 2}
    )
    fits = [cp.train(network, *each, **more) for each in (given, plain)]
    assert fits[0].problem.parameters == fits[1].problem.parameters
    assert fits[0].history.loss == fits[1].history.loss
    for dtype in (np.float32, np.float64):
        asked = laid(inputs.astype(dtype))
        # Arrays of float32 are computed in float32, everything else in float64.
        precision = np.float32 if getattr(asked, "dtype", None) == np.float32 else float
        expected = cp.predict(fits[1].problem, np.array(asked, dtype=precision, order="C"))
        assert np.array_equal(cp.predict(fits[0].problem, asked), expected)
