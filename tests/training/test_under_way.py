"""Many epochs in one call of the engine: nobody can tell, but by the time it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support import EachEpoch, with_rows_aside

import clearprop as cp
from clearprop.models.read import read_model
from clearprop.rules.schedules import schedule
from clearprop.training.compiled_engine import Compiled
from clearprop.training.engines import EngineName
from clearprop.training.intervals import Pace
from clearprop.training.planned_steps import PlannedSteps
from clearprop.training.reference import Reference
from clearprop.training.under_way import UnderWay


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of steps of the engine's calls. The pace does not depend on the clock: 60 steps."""
    made: list[int] = []

    def noting(usual: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Any, steps: PlannedSteps, *given: int) -> Any:
            made.append(len(steps))
            return usual(self, steps, *given)

        return run

    for engine in (Compiled, Reference):
        monkeypatch.setattr(engine, "run", noting(engine.run))
        monkeypatch.setattr(engine, "epochs", noting(engine.epochs))
    monkeypatch.setattr(Pace, "learn", lambda self, steps, seconds: setattr(self, "steps", 60))
    return made


def ring() -> cp.Problem:
    return replace(cp.load("ring"), penalty=cp.Penalty())


def validated() -> cp.Problem:
    """The ring with every third example set aside: the loss of these rises again."""
    return with_rows_aside(ring(), list(range(0, 16, 3)))


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each epoch in a call of its own."""
    monkeypatch.setattr(UnderWay, "_epochs_at_once", lambda self: 1)


def same(one: cp.Fit, other: cp.Fit) -> bool:
    return (
        one.problem.parameters == other.problem.parameters
        and one.history == other.history
        and (one.status, one.reason, one.epochs, one.steps) == (other.status, other.reason, other.epochs, other.steps)
        and (one.loss_after, one.validation_loss) == (other.loss_after, other.validation_loss)
    )


ENDS: dict[str, dict[str, Any]] = {
    "converged": {"tolerance": 1e-4, "patience": 3},
    "target": {"target_loss": 0.9},
    "limit": {"epochs": 25},
    "diverged": {"optimizer": cp.SGD(1e38), "epochs": 70},
    "later": {"optimizer": replace(cp.SGD(0.1), schedule=schedule("exponential", gamma=3.0)), "epochs": 200},
}


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("batch", [None, 4])
@pytest.mark.parametrize("name", ENDS)
def test_it_ends_in_the_same_epoch_with_the_same_bits(
    name: str, batch: int | None, engine: EngineName, calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"tolerance": 0.0, "batch_size": batch, "epochs": 300, "engine": engine, **ENDS[name]}
    together = cp.train(ring(), **given)
    assert max(calls) > 4 or name == "diverged"  # in its first epoch
    with monkeypatch.context() as patched:
        alone(patched)
        calls.clear()
        assert same(cp.train(ring(), **given), together)
        assert max(calls) <= 4
    expected = {"limit": "epoch_limit", "target": "target_loss", "later": "diverged"}
    assert together.status.value == expected.get(name, name)


ENDS_WITH_ROWS_ASIDE = {
    **ENDS,
    "early_stopping": {"tolerance": 1e-12, "patience": 30, "optimizer": cp.Adam(0.02), "epochs": 2000},
    "no better": {"convergence": "improvement", "tolerance": 1e-4, "patience": 5},
    "never early": {"early_stopping": False, "epochs": 130},
    "with memory": {"epochs": 70, "optimizer": cp.Adam(0.01), "dtype": "float64"},
    "by three threads": {**ENDS["later"], "threads": 3},
}


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("batch", [None, 4])
@pytest.mark.parametrize("name", ENDS_WITH_ROWS_ASIDE)
def test_rows_set_aside_are_looked_at_after_every_epoch_of_a_call(
    name: str, batch: int | None, engine: EngineName, calls: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"tolerance": 0.0, "batch_size": batch, "epochs": 300, "engine": engine}
    given |= ENDS_WITH_ROWS_ASIDE[name]
    together = cp.train(validated(), **given, output=tmp_path / "together.safetensors")
    assert max(calls) > 4 or name == "diverged"
    with monkeypatch.context() as patched:
        alone(patched)
        calls.clear()
        assert same(cp.train(validated(), **given, output=tmp_path / "alone.safetensors"), together)
        assert max(calls) <= 4
    one, other = (read_model(tmp_path / f"{name}.safetensors").progress for name in ("together", "alone"))
    assert one is not None
    assert other is not None
    assert one.position.best.parameters == other.position.best.parameters
    expected = {"target": "target_loss"} | dict.fromkeys(("diverged", "later", "by three threads"), "diverged")
    expected |= dict.fromkeys(("limit", "never early", "with memory"), "epoch_limit")
    assert together.status.value == expected.get(name, "early_stopping")


@pytest.mark.parametrize("batch", [None, 4])
def test_a_callback_is_called_after_every_epoch_and_ends_it_there(batch: int | None, calls: list[int]) -> None:
    losses: list[float] = []

    def note(epoch: int, logs: Any) -> bool:
        losses.append(logs["loss"])
        return epoch == 33

    fit = cp.train(ring(), batch_size=batch, callbacks=[EachEpoch(note)])
    assert max(calls) > 4
    assert (fit.status.value, fit.epochs) == ("stopped", 33)
    assert losses == fit.history.loss[1:]
    assert fit.problem.parameters == cp.train(ring(), batch_size=batch, epochs=33).problem.parameters


@pytest.mark.parametrize("batch", [None, 4])
@pytest.mark.parametrize("fault", [KeyboardInterrupt, ZeroDivisionError])
def test_what_a_callback_raises_keeps_the_epoch_it_was_called_after(
    batch: int | None, fault: type[BaseException], calls: list[int], tmp_path: Path
) -> None:
    def stop(epoch: int, logs: Any) -> None:
        if epoch == 33:
            raise fault

    path = tmp_path / "m.safetensors"
    given: dict[str, Any] = {"batch_size": batch, "output": path}
    if fault is KeyboardInterrupt:
        assert cp.train(ring(), callbacks=[EachEpoch(stop)], **given).epochs == 33
    else:
        with pytest.raises(fault):
            cp.train(ring(), callbacks=[EachEpoch(stop)], **given)
    progress = read_model(path).progress
    assert progress is not None
    assert progress.position.epochs == progress.history.epochs == 33
    whole, resumed = (
        cp.train(ring(), batch_size=batch, epochs=50),
        cp.train(ring(), epochs=50, resume=True, **given),
    )
    assert max(calls) > 4
    assert same(replace(whole, steps=resumed.steps), resumed)


def test_an_interrupt_while_epochs_are_judged_keeps_those_before_the_call(
    calls: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual = UnderWay._judge_each

    def interrupted(self: UnderWay, *given: Any) -> Any:
        if self.history.epochs > 20:
            self.history.loss.append(1.0)
            raise KeyboardInterrupt
        return usual(self, *given)

    monkeypatch.setattr(UnderWay, "_judge_each", interrupted)
    monkeypatch.setattr("clearprop.training.intervals.FIRST", 0.0)
    fit = cp.train(ring(), batch_size=4, output=tmp_path / "m.safetensors")
    assert fit.status.value == "interrupted"
    assert fit.history.epochs == fit.epochs
    assert fit.problem.parameters == cp.train(ring(), batch_size=4, epochs=fit.epochs).problem.parameters


@pytest.mark.parametrize(
    "given",
    [
        {"loss": "exact"},
        {"gradient_tolerance": 1e-9},
        {"metrics": True},
        {"optimizer": replace(cp.SGD(0.1), schedule=schedule("plateau"))},
        {"time_limit": 0.4},
    ],
    ids=str,
)
def test_where_each_epoch_is_looked_at_it_is_a_call(
    given: dict[str, Any], calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 0.0)  # the time limit is near and never comes
    cp.train(ring(), **{"batch_size": 4, "epochs": 20, **given})
    assert max(calls) <= 4


@pytest.mark.parametrize(("epochs", "last"), [(23, 4 * 22), (24, 4 * 8)])
def test_what_is_left_is_one_call_if_that_takes_hardly_longer(
    epochs: int, last: int, calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pace is 60 steps: 22 epochs are 88 steps, of 23 a call makes 8, the most that are a power of two."""
    monkeypatch.setattr("clearprop.training.intervals.FIRST", 0.0)  # a step at first
    cp.train(ring(), epochs=epochs, batch_size=4, tolerance=0)
    first = calls.index(3)  # the rest of the first epoch
    assert calls[first + 1] == last


@pytest.mark.parametrize("epochs", [1, 30])
def test_a_last_step_into_overflow_is_a_divergence(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No batch has met the weights after it: only the exact loss tells. What is kept is from before that epoch."""
    problem = ring()
    good = cp.train(problem, batch_size=4, epochs=epochs - 1)
    usual, seen = Compiled.loss, []

    def loss(self: Compiled) -> float:
        found = usual(self)
        seen.append(found)
        return np.inf if len(seen) == 2 else found

    monkeypatch.setattr(Compiled, "loss", loss)
    fit = cp.train(problem, batch_size=4, epochs=epochs)
    assert (fit.status.value, fit.epochs) == ("diverged", epochs - 1)
    assert fit.problem.parameters == good.problem.parameters
    assert fit.history == good.history
