"""Native code touches its own arrays and nothing else, whatever it is given.

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
from tests.engine.support.networks import by_engine, drawn, epoch_of, native, outputs, problem_of, same
from tests.engine.support.planted import compile_anew, planted
from tests.support import HANG

import clearprop as cp
from clearprop.engine.fingerprint import Part
from clearprop.engine.predictor import Predictor
from clearprop.types import Array

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "fuzz_engine.py"

guards_only = pytest.mark.skipif(not AVAILABLE, reason="pages are guarded by what POSIX has for that")


# --- random networks --------------------------------------------------------------------------------


@guards_only
@pytest.mark.parametrize(("first", "more"), [(0, []), (20, []), (0, ["--same-rules"])])
def test_random_networks_touch_nothing_outside(first: int, more: list[str]) -> None:
    """And agree with the reference, though what they write before they read was NaN."""
    networks = 40 if more else 20
    line = [sys.executable, str(SCRIPT), "--networks", str(networks), "--seed", str(first), "--weights", "15000", *more]
    done = subprocess.run(line, capture_output=True, text=True, timeout=HANG, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(
        rf"^{networks} networks in \d+ s, (\d+) of them ill-conditioned: .*; wrong: none$", done.stdout, re.MULTILINE
    )
    assert found, done.stdout
    assert int(found[1]) <= 4


@pytest.fixture
def script() -> ModuleType:
    """The long run, as a module."""
    spec = importlib.util.spec_from_file_location("fuzz_engine", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        ("the norm adds up everything in one place", False),
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
                        predictor._some(inputs[-count:], outputs[-count:])
                        predictor._some(inputs[:count], outputs[:count])
                    assert guards.intact
                    found.append(outputs.copy())
            assert np.array_equal(found[0], found[1])


# --- what a user gives ----------------------------------------------------------------------------------------


def every_other(values: Array) -> Array:
    return np.repeat(values, 2, axis=0)[::2]


def columns_apart(values: Array) -> Array:
    return np.repeat(values, 3, axis=1)[:, ::3]


def backwards(values: Array) -> Array:
    return np.ascontiguousarray(values[::-1, ::-1])[::-1, ::-1]


def read_only(values: Array) -> Array:
    kept = values.copy()
    kept.flags.writeable = False
    return kept


def unaligned(values: Array) -> Array:
    raw = np.empty(values.nbytes + 1, np.uint8)[1:].view(values.dtype).reshape(values.shape)
    raw[:] = values
    assert not raw.flags.aligned
    return raw


def other_end_first(values: Array) -> Array:
    return values.astype(values.dtype.newbyteorder())


def over_and_over(values: Array) -> Array:
    """Rows that stand in the same place."""
    return np.broadcast_to(values[:1], values.shape)


LAYOUTS = [every_other, columns_apart, backwards, np.asfortranarray, read_only, unaligned, other_end_first]
LAYOUTS += [over_and_over, np.ndarray.tolist, lambda values: values.astype(np.longdouble)]


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


@pytest.mark.parametrize(
    "laid", [*LAYOUTS[:8], lambda values: values.astype(np.float32), lambda values: values.astype(np.int16)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictors_copy_what_they_cannot_read_in_place(laid: Callable[[Array], Any], dtype: str) -> None:
    problem = problem_of((3, 5, 2), 8, 8)
    predictor = Predictor(problem, problem.parameters, dtype)
    inputs = laid(np.random.default_rng(4).normal(size=(300, 3)).astype(dtype))
    assert np.array_equal(predictor(inputs)[0], predictor(np.array(inputs, dtype, order="C"))[0])


@pytest.mark.parametrize("rows", [1, 7, 8, 130, 1000])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_predictors_say_whether_all_is_finite(rows: int, bad: float) -> None:
    """Also where an output is, because a unit is off."""
    problem = problem_of((20, 5, 2), 8, 8, "relu")
    still = replace(problem, parameters=problem.parameters.with_vector(0 * problem.parameters.vector))
    for each in (problem, still):
        predictor = Predictor(each, each.parameters, "float32", threads=2)
        inputs = np.random.default_rng(5).normal(size=(rows, 20)).astype(np.float32)
        assert predictor(inputs)[1]
        for row, column in ((0, 0), (rows - 1, 19), (rows // 2, 7)):
            inputs[row, column], before = bad, inputs[row, column]
            assert not predictor(inputs)[1]
            inputs[row, column] = before
        assert predictor(inputs)[1]
    inputs[rows - 1] = 3e38
    huge = Predictor(problem, problem.parameters.with_vector(1e5 + 0 * problem.parameters.vector), "float32", threads=2)
    assert not huge(inputs)[1]


def test_predictors_refuse_other_shapes() -> None:
    problem = problem_of((3, 5, 2), 8, 8)
    predictor = Predictor(problem, problem.parameters, "float32")
    for shape in [(4, 2), (4, 4), (3,), (2, 3, 1)]:
        with pytest.raises(ValueError, match=r"\d"):
            predictor(np.zeros(shape))
    assert predictor(np.zeros((0, 3)))[0].shape == (0, 2)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (np.array([0, 8]), IndexError),
        (np.array([-1, 3]), IndexError),
        (np.array([2**63], np.uint64), IndexError),
        (np.array([-(2**63)]), IndexError),
        (np.array([0.0, 1.0]), TypeError),
        (np.array([True] * 8), TypeError),
        (np.array([[0, 1]]), TypeError),
        (np.array(["1"]), TypeError),
        (np.array([0, None]), TypeError),
    ],
)
def test_numbers_of_examples_that_do_not_exist_are_refused(rows: Array, error: type[Exception]) -> None:
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    before = engine.vector
    one, bounds = np.ones(1, int), np.array([0, 4])
    for refuses in (engine.error, engine.gradient, lambda rows: engine.run(rows[:4], bounds, one, one)):
        with pytest.raises(error):
            refuses(rows)
    assert np.array_equal(engine.vector, before)


def test_numbers_of_examples_in_any_layout() -> None:
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    rows = np.array([7, 0, 3, 3], np.int64)
    expected = engine.gradient(rows), engine.error(rows)
    for other in (
        rows.astype(np.uint8),
        rows.astype(">i4"),
        np.repeat(rows, 3)[::3],
        rows[::-1].copy()[::-1],
        read_only(rows),
    ):
        assert np.array_equal(engine.gradient(other), expected[0])
        assert engine.error(other) == expected[1]


def test_steps_that_do_not_fit_are_refused() -> None:
    """More examples than a batch has room for, or none; bounds that are not those of the order."""
    engine = native(problem_of((3, 5, 2), 8, 4), "float64")
    before = engine.vector
    rows = np.arange(5)
    for order, bounds, count in (
        (rows, [0, 5], 1),
        (rows[:2], [0, 2, 2], 2),
        (rows, [0, 4, 3, 5], 3),
        (rows, [0, 3, 7], 2),
        (rows, [-3, 0, 3], 2),
        (rows, [2, 5], 1),
        (rows[:0], [0, 0], 1),
        (rows[:4], [0, 4], 3),
        (rows[:4], [0, 2, 4], 1),
    ):
        with pytest.raises(ValueError, match=r"expected .* found"):
            engine.run(order, np.array(bounds), np.arange(1, count + 1), np.ones(count))
    with pytest.raises(ValueError, match=r"expected .* rates, found"):
        engine.run(rows[:4], np.array([0, 4]), np.array([1]), np.ones(2))
    for ends, step in ((np.array([0.0, 4.0]), 1), (np.array([0, 4]), 1.0)):
        with pytest.raises(TypeError, match="expected whole numbers, found float64"):
            engine.run(rows[:4], ends, np.array([step]), np.ones(1))
    engine.run(rows[:0], np.array([0]), np.array([], int), np.array([]))
    with pytest.raises(ValueError, match="expected at least one example, found none"):
        engine.gradient(rows[:0])
    for size in (0, 31, 33):
        with pytest.raises(ValueError, match=r"expected a gradient of shape \(32,\), found"):
            engine.apply(np.ones(size), 1, 0.1)
    assert np.array_equal(engine.vector, before)


def test_examples_of_other_shapes_are_refused() -> None:
    """They are checked where they are read; native code does not rely on that."""
    problem = problem_of((3, 5, 2), 8, 4)
    assert problem.examples is not None
    for name, other in (
        ("inputs", np.zeros((8, 4))),
        ("inputs", np.zeros((1, 3))),
        ("targets", np.zeros((1, 2))),
        ("targets", np.zeros((8, 1))),
        ("weights", np.ones(7)),
    ):
        kept = getattr(problem.examples, name)
        object.__setattr__(problem.examples, name, other)
        with pytest.raises(ValueError, match=r"\d"):
            native(problem, "float64")
        object.__setattr__(problem.examples, name, kept)
    assert same(by_engine(native(problem, "float64")), by_engine(native(problem, "float64")))


def test_what_was_given_may_change_afterwards() -> None:
    """The engine has its own copy of the examples, of the weights, and of the numbers of examples."""
    problem = problem_of((3, 5, 2), 8, 4)
    assert problem.examples is not None
    expected = by_engine(native(problem, "float64"))
    engine = native(problem, "float64")
    steps = epoch_of(problem)
    problem.parameters.vector[:] = 0
    problem.examples.inputs[:] = 0
    engine.run(*steps.arrays)
    assert np.array_equal(engine.vector, expected.vector)
