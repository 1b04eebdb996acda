"""Which engine makes the steps, how many at a time, and what is said where the compiled one cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from tests.support import process

import clearprop as cp
from clearprop.engine import availability
from clearprop.engine.native import Native
from clearprop.errors import InvalidArgument
from clearprop.rules.optimizers import OPTIMIZERS, optimizer
from clearprop.training.arguments import requested
from clearprop.training.batching import Memory, planned
from clearprop.training.compiled_engine import Compiled
from clearprop.training.engines import EngineName, SlowerEngine, engine_for
from clearprop.training.reference import Reference
from clearprop.training.replay import replay
from clearprop.types import Array
from clearprop.verification import engines


def test_the_compiled_engine_is_the_usual_one() -> None:
    iris = replay(cp.load("iris"), 0).problem
    assert isinstance(engine_for(iris), Compiled)
    assert isinstance(engine_for(iris, name="reference"), Reference)
    assert isinstance(replay(cp.load("iris"), 3).engine, Compiled)
    # By hand, one would not round to float32.
    assert isinstance(replay(cp.load("lecture"), 3).engine, Reference)


def test_without_it_numpy_does_the_work_and_a_warning_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = cp.train(cp.load("xor"), epochs=3, engine="reference")
    monkeypatch.setattr(availability, "_missing", lambda: "the compiled engine needs a machine that can be programmed")
    with pytest.warns(
        SlowerEngine, match=r"^the compiled engine needs a machine that can be programmed; training continues"
    ):
        found = cp.train(cp.load("xor"), epochs=3)
    assert found.problem.parameters == expected.problem.parameters
    assert engines.check_engine(cp.cycle(cp.load("lecture"))) == []
    assert cp.predict(cp.load("lecture"), [[0.1, 0.5]]).round(5).tolist() == [[0.73493, 0.77955]]


def test_without_llvmlite_nothing_else_is_missing(tmp_path: Path) -> None:
    (tmp_path / "llvmlite.py").write_text("raise ImportError('not here')\n")
    environment = {"PYTHONPATH": str(tmp_path)}
    done = process("engine", "lecture", env=environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the compiled engine needs llvmlite, which cannot be imported (" in done.stderr
    assert "not here" in done.stderr
    assert "Traceback" not in done.stderr
    done = process("train", "lecture", "--epochs", "2", env=environment)
    assert done.returncode == 0
    assert done.stderr.startswith("clearprop: the compiled engine needs llvmlite, which cannot be imported (")
    assert done.stderr.splitlines()[0].endswith("; training continues in NumPy, slower")
    assert "NumPy" not in process("train", "lecture", "--epochs", "2", "--quiet", env=environment).stderr
    assert process("explain", "lecture", "w5", env=environment).returncode == 0
    assert "compiled engine" not in process("verify", "lecture", env=environment).stdout


@pytest.mark.parametrize("threads", [0, -1, 257, 1.5, "2"])
def test_a_number_of_threads_that_makes_no_sense(threads: object) -> None:
    with pytest.raises(InvalidArgument, match=r"^threads: expected a whole number from 1 to 256, found"):
        cp.train(cp.load("lecture"), threads=threads)  # type: ignore[arg-type]


def test_an_engine_that_is_not_there() -> None:
    with pytest.raises(InvalidArgument, match=r'^engine: expected "compiled" or "reference", found "gpu"'):
        cp.train(cp.load("lecture"), engine="gpu")  # type: ignore[arg-type]


# --- halves of a step -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["compiled", "reference"])
@pytest.mark.parametrize("chosen", OPTIMIZERS)
def test_a_step_is_its_gradient_applied(chosen: str, name: EngineName) -> None:
    """To the same bits, with every optimizer."""
    problem = replace(cp.load("iris"), optimizer=optimizer(chosen, clip_norm=0.5))
    whole, halves = (engine_for(problem, name=name, threads=1) for _ in range(2))
    steps = planned(problem, 0, Memory(problem))[:3]
    assert np.isfinite(whole.run(steps)).all()
    for step in steps:
        assert halves.apply(halves.gradient(step.rows, step.number), step.number, step.rate)
    one, other = whole.snapshot(), halves.snapshot()
    assert one.parameters == other.parameters
    assert all(np.array_equal(one.state[key], other.state[key]) for key in one.state)
    assert whole.loss() == halves.loss()


@pytest.mark.parametrize("name", ["compiled", "reference"])
def test_an_update_says_whether_all_is_finite_and_refuses_other_shapes(name: EngineName) -> None:
    engine = engine_for(cp.load("lecture"), name=name)
    with pytest.raises(ValueError, match=r"expected a gradient of shape \(10,\), found \(9,\)"):
        engine.apply(np.ones(9), 1, 0.1)
    assert engine.apply(np.ones(10), 1, 0.1)
    assert not engine.apply(np.full(10, np.inf), 2, 0.1)


# --- what is explained is what ran ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["compiled", "reference"])
def test_parameters_that_are_put_are_those_of_a_new_engine(name: EngineName) -> None:
    problem = cp.load("iris")
    problem = requested(problem, dtype="float64")
    engine, other = (engine_for(problem, name=name) for _ in range(2))
    rows = np.arange(7)
    assert other.apply(other.gradient(rows), 1, 0.1)
    engine.put(other.snapshot().parameters.vector)
    assert engine.loss() == other.loss()
    assert np.array_equal(engine.gradient(rows), other.gradient(rows))
    with pytest.raises(ValueError, match=r"^expected parameters of shape \(131,\), found \(3,\)$"):
        engine.put(np.zeros(3))


def test_an_explained_step_shows_the_engine_s_own_weights() -> None:
    fit = cp.train(cp.load("iris"), epochs=3, tolerance=0.0)
    moment = replay(cp.load("iris"), fit.steps)
    assert moment.problem.parameters == fit.problem.parameters
    done = moment.cycle(7)
    assert done.engine is not None
    assert done.engine.dtype == "float32"
    assert 0 < done.engine.difference < 1e-6
    double = replay(replace(cp.load("iris"), settings=cp.Settings(dtype="float64")), 5).cycle("all")
    assert double.engine is not None
    assert double.engine.difference < 1e-13


def test_verify_finds_an_engine_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    done = cp.cycle(cp.load("deep"))
    assert all(each.agrees for each in engines.check_engine(done))
    real = Native.gradient

    def off(self: Native, rows: Array, step: int = 1) -> Array:
        found = real(self, rows, step)
        found[3] *= 1.001
        return found

    monkeypatch.setattr(Native, "gradient", off)
    assert [each.agrees for each in engines.check_engine(done)] == [False, False]


def test_clipping_dropout_and_weights_are_compared_too() -> None:
    network = cp.Network(3, [cp.Dense(6, "tanh", dropout=0.3, bias="shared"), cp.Dense(2, train_bias=False)])
    rng = np.random.default_rng(1)
    examples = replace(
        cp.Examples.of(rng.normal(size=(9, 3)), rng.normal(size=(9, 2))), weights=rng.uniform(0.5, 2, size=9)
    )
    problem = cp.Problem(network, penalty=cp.Penalty(l2=0.1), examples=examples)
    chosen: tuple[int | Literal["all"], ...] = ("all", 4)
    for example in chosen:
        for each in engines.check_engine(cp.cycle(problem, example, step=3)):
            assert each.agrees, each
