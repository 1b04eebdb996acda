"""Going on with a training: the same bits as without the interruption, or a refusal that says why."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import DamagedModel, InvalidArgument
from clearprop.models.model import save_model
from clearprop.models.read import read_model
from clearprop.models.snapshot import Snapshot
from clearprop.rules.schedules import schedule
from clearprop.training.compiled_engine import Compiled
from clearprop.training.planned_steps import PlannedSteps
from clearprop.training.reference import Reference
from clearprop.types import Array

Run = Callable[..., cp.Fit]
GENERATOR = np.random.default_rng(5)
X = GENERATOR.normal(size=(23, 3))
Y = np.sin(X[:, :1]) + 0.1 * GENERATOR.normal(size=(23, 1))
COUNTS = GENERATOR.choice([0.0, 0.5, 1.0, 2.0], size=23)


def network(**options: Any) -> cp.Network:
    return cp.Network(3, [cp.Dense(5, "tanh", **options), cp.Dense(1)], "squared_error")


def on_rows(optimizer: Any = None, *, penalty: Any = None, hidden: Any = None, **settings: Any) -> Run:
    """A training on the rows of an array: it takes what differs from one part to the next."""
    problem = cp.Problem(
        network(**(hidden or {})), optimizer=optimizer or cp.SGD(0.05), penalty=penalty or cp.Penalty()
    )
    fixed = {"batch_size": 5, "epochs": 8, "tolerance": 0.0, **settings}
    return lambda **more: cp.train(problem, X, Y, **{**fixed, **more})


def on(name: str, optimizer: Any = None, **settings: Any) -> Run:
    """A training of a bundled example."""
    problem = cp.load(name)
    if optimizer is not None:
        problem = replace(problem, optimizer=optimizer)
    return lambda **more: cp.train(problem, **{**settings, **more})


def scheduled(name: str, **constants: Any) -> Any:
    return replace(cp.Adam(0.05), schedule=schedule(name, **constants))


RUNS: dict[str, Run] = {
    "sgd": on_rows(),
    "momentum": on_rows(cp.SGD(0.02, momentum=0.9, dampening=0.1, weight_decay=0.01)),
    "nesterov": on_rows(cp.SGD(0.02, momentum=0.9, nesterov=True)),
    "rmsprop": on_rows(cp.RMSprop(0.01, momentum=0.5, centered=True)),
    "adagrad": on_rows(cp.Adagrad(0.1, lr_decay=0.1, initial_accumulator_value=0.2)),
    "adam": on_rows(cp.Adam(0.02, betas=(0.8, 0.99))),
    "adamw": on_rows(cp.AdamW(0.02, weight_decay=0.1)),
    "step": on_rows(scheduled("step", size=2, gamma=0.5)),
    "exponential": on_rows(scheduled("exponential", gamma=0.9, warmup=7)),
    "cosine": on_rows(scheduled("cosine", epochs=8)),
    "plateau": on_rows(scheduled("plateau", patience=0, factor=0.3, threshold=0.05)),
    "plateau, validation": on_rows(scheduled("plateau", patience=1, factor=0.5, threshold=0.1), split=0.3),
    "invscaling": on_rows(scheduled("invscaling", power=0.4)),
    "adaptive": on_rows(scheduled("adaptive", patience=0, tolerance=0.05)),
    "order of scikit-learn": on_rows(shuffle="sklearn", seed=4),
    "dropout": on_rows(hidden={"dropout": 0.4}),
    "frozen biases": on_rows(hidden={"train_bias": False}),
    "shared bias": on_rows(cp.Adam(0.1), hidden={"bias": "shared"}),
    "clipped": on_rows(replace(cp.SGD(0.5), clip_norm=0.1, clip_value=0.05)),
    "penalty": on_rows(penalty=cp.Penalty(0.01, 0.02)),
    "weights": on_rows(cp.Adam(0.02), weights=COUNTS),
    "float64": on_rows(cp.Adam(0.02), dtype="float64", seed=4),
    "in order": on_rows(shuffle=False),
    "one batch": on_rows(cp.SGD(0.1, momentum=0.5), batch_size=23),
    "single rows": on_rows(batch_size=1, epochs=3),
    "early stopping": on_rows(cp.Adam(0.5), split=0.3, tolerance=1e-9, patience=2, epochs=40),
    "target loss": on_rows(cp.Adam(0.05), target_loss=0.2, epochs=200),
    "gradient": on_rows(cp.Adam(0.05), gradient_tolerance=0.3, epochs=200),
    "converged": on_rows(tolerance=0.01, patience=2, epochs=200),
    "diverged": on_rows(cp.SGD(30.0), epochs=200),
    "diverged, batch": on_rows(cp.SGD(1e6), batch_size=23, epochs=200),
    "lecture": on("lecture", epochs=40),
    "xor": on("xor", epochs=20, batch_size=3),
    "ring": on("ring", cp.Adam(0.05), epochs=10, batch_size=7, dtype="float64"),
    "iris": on("iris", epochs=6),
    "iris, stopped": on("iris", cp.Adam(0.3), epochs=60, patience=3),
    "penguins": on("penguins", epochs=4, batch_size=50),
    "reference": on_rows(cp.Adam(0.02), epochs=4, engine="reference"),
    "reference, one batch": on("xor", epochs=20, engine="reference"),
    "two threads": on("iris", epochs=4, threads=2),
}


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A function that lets so many steps pass, and makes the next one an interrupt, before or after it."""
    left = [0]

    def interrupting(usual: Callable[[Any, PlannedSteps], Array]) -> Callable[[Any, PlannedSteps], Array]:
        def run(self: Any, steps: PlannedSteps) -> Array:
            left[0] -= len(steps)
            if left[0] < 0 and left[0] % 2:
                raise KeyboardInterrupt
            found = usual(self, steps)
            if left[0] < 0:
                raise KeyboardInterrupt
            return found

        return run

    for engine in (Compiled, Reference):
        monkeypatch.setattr(engine, "run", interrupting(engine.run))
    return lambda steps: left.__setitem__(0, steps)


def in_pieces(run: Run, path: Path, stop: Callable[[int], None], lengths: list[int]) -> cp.Fit:
    for number, steps in enumerate(lengths):
        # Every other part is interrupted after its last step was made, but before that was noted.
        stop(steps + number % 2)
        fit = run(output=path, resume=True, checkpoint=0)
        # The first parts at least are shorter than any training.
        assert fit.status.value == "interrupted" or number > 1
        assert read_model(path).progress is not None
    stop(10**9)
    return run(output=path, resume=True, checkpoint=0)


@pytest.mark.parametrize("name", RUNS)
def test_in_pieces_it_ends_in_the_same_bits(name: str, tmp_path: Path, stop: Callable[[int], None]) -> None:
    run, whole, parts = RUNS[name], tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    stop(10**9)
    expected = run(output=whole)
    assert expected.status.value != "interrupted"
    found = in_pieces(run, parts, stop, [0, 1, 5, 2])
    assert found.history == expected.history
    assert (found.status, found.reason, found.epochs) == (expected.status, expected.reason, expected.epochs)
    assert found.problem == expected.problem
    assert parts.read_bytes() == whole.read_bytes()
    again = run(output=parts, resume=True)
    assert (again.status, again.loss_after) == (expected.status, expected.loss_after)
    assert parts.read_bytes() == whole.read_bytes()


def test_more_epochs_go_on_as_if_there_had_always_been_so_many(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    on_rows(cp.Adam(0.02), epochs=9)(output=whole)
    for epochs in (0, 2, 3, 1, 9):
        fit = on_rows(cp.Adam(0.02), epochs=epochs)(output=parts, resume=True)
        assert fit.status.value == "epoch_limit"
    assert parts.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("room", ["replace", "fsync"])
@pytest.mark.parametrize("after", [False, True])
def test_an_interrupt_while_writing_leaves_a_whole_file(
    room: str, after: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, whole, parts = RUNS["adam"], tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    run(output=whole)
    usual, calls = getattr(os, room), [0]

    def interrupted(*arguments: Any) -> None:
        if room == "fsync" and not stat.S_ISREG(os.fstat(*arguments).st_mode):
            return
        calls[0] += 1
        if after:
            usual(*arguments)
        # The tenth checkpoint, then the first and the second attempt to save at the end.
        if calls[0] >= 10:
            raise KeyboardInterrupt
        if not after:
            usual(*arguments)

    monkeypatch.setattr(os, room, interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(output=parts, checkpoint=0)
    assert calls == [12]
    progress = read_model(parts).progress
    assert progress is not None
    assert progress.position.steps == (10 if after and room == "replace" else 9)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["parts.safetensors", "whole.safetensors"]
    monkeypatch.undo()
    run(output=parts, resume=True)
    assert parts.read_bytes() == whole.read_bytes()


def test_one_interrupt_while_writing_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempt to save at the end is interrupted: the second saves all the same."""
    usual, calls = os.fsync, [0]

    def interrupted(descriptor: int) -> None:
        calls[0] += stat.S_ISREG(os.fstat(descriptor).st_mode)
        if calls[0] == 1:
            raise KeyboardInterrupt
        usual(descriptor)

    monkeypatch.setattr(os, "fsync", interrupted)
    fit = RUNS["adam"](output=tmp_path / "m.safetensors")
    assert (fit.status.value, calls) == ("epoch_limit", [2])
    progress = read_model(tmp_path / "m.safetensors").progress
    assert progress is not None
    assert progress.status == "epoch_limit"


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_what_was_remembered_of_frozen_biases_does_not_matter(engine: Any, tmp_path: Path) -> None:
    """Models that were made when something still was go on to the same parameters."""
    run = on_rows(cp.Adam(0.02), hidden={"train_bias": False}, engine=engine)
    path, expected = tmp_path / "m.safetensors", run()
    run(output=path, epochs=3)
    model = read_model(path)
    assert model.progress is not None
    at, frozen = model.progress.position.present, ~model.problem.parameters.layout.trainable
    assert frozen.sum() == 5
    moved = {name: np.where(frozen, 0.5, values) for name, values in at.state.items()}
    assert all(not values[frozen].any() for values in at.state.values())
    before = Snapshot.of(at.parameters, {name: values.astype("float32") for name, values in moved.items()})
    position = replace(model.progress.position, present=before, whole=before)
    save_model(replace(model, progress=replace(model.progress, position=position)), path)
    resumed = run(output=path, resume=True)
    assert resumed.epochs == 8
    assert resumed.problem == expected.problem
    assert resumed.history == expected.history


# --- what is refused -----------------------------------------------------------------------------------

PROBLEM = cp.Problem(network(), optimizer=cp.Adam(0.02))
FIRST = "layers[1]: different initial weights or biases"
SECOND = "layers[2]: different initial weights or biases"
OTHER_WEIGHTS = PROBLEM.parameters.with_vector(PROBLEM.parameters.vector + np.eye(1, len(PROBLEM.parameters))[0])


def changed(**fields: Any) -> dict[str, Any]:
    return {"problem": replace(PROBLEM, **fields)}


def of_layers(*layers: cp.Dense) -> dict[str, Any]:
    return {"problem": cp.Problem(cp.Network(3, layers, "squared_error"), optimizer=cp.Adam(0.02))}


def start(path: Path, problem: cp.Problem = PROBLEM, inputs: Any = X, targets: Any = Y, **more: Any) -> cp.Fit:
    settings = {"batch_size": 5, "epochs": 3, "tolerance": 0.0, **more}
    return cp.train(problem, inputs, targets, output=path, resume=True, **settings)


CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "rate": ({"optimizer": cp.Adam(0.03)}, ["optimizer.learning_rate: 0.02 then, 0.03 now"]),
    "optimizer": ({"optimizer": cp.SGD(0.02)}, ['optimizer.name: "adam" then, "sgd" now']),
    "hyperparameter": ({"optimizer": cp.Adam(0.02, eps=0.1)}, ["optimizer.eps: not given then, 0.1 now"]),
    "schedule": (
        {"optimizer": replace(cp.Adam(0.02), schedule=schedule("cosine", epochs=3))},
        ['optimizer.schedule: not given then, {"name": "cosine", "epochs": 3, "minimu… now'],
    ),
    "penalty": (changed(penalty=cp.Penalty(0.1)), ['penalty: not given then, {"l2": 0.1, "l1": 0.0} now']),
    "batch size": ({"batch_size": 6}, ["training.batch_size: 5 then, 6 now"]),
    "seed": ({"seed": 1}, ["training.seed: 0 then, 1 now"]),
    "shuffle": ({"shuffle": False}, ["training.shuffle: true then, false now"]),
    "dtype": ({"dtype": "float64"}, ['training.dtype: "float32" then, "float64" now']),
    "activation": (
        changed(network=cp.Network(3, [cp.Dense(5, "relu"), cp.Dense(1)], "squared_error")),
        ['layers[1].activation: "tanh" then, "relu" now'],
    ),
    "dropout": (changed(network=network(dropout=0.5)), ["layers[1].dropout: not given then, 0.5 now"]),
    "units": (of_layers(cp.Dense(4, "tanh"), cp.Dense(1)), ["layers[1].units: 5 then, 4 now", FIRST, SECOND]),
    "a layer more": (
        of_layers(cp.Dense(5, "tanh"), cp.Dense(1), cp.Dense(1)),
        ["layers: a list of 2 then, a list of 3 now", "layers[3]: different initial weights or biases"],
    ),
    "loss": (
        changed(network=cp.Network(3, network().layers, "absolute_error")),
        ['loss.name: "squared_error" then, "absolute_error" now'],
    ),
    "initial weights": (changed(parameters=OTHER_WEIGHTS), [FIRST]),
    "rows": ({"inputs": X[1:], "targets": Y[1:]}, ["the data: 23 rows then, 22 now"]),
    "inputs": ({"inputs": X + np.array([0.0, 1e-9, 0.0])}, ['the data: different values in "x2"']),
    "targets": ({"targets": Y * 2}, ["the data: different targets"]),
    "weights": ({"weights": COUNTS}, ["the data: different example weights"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_training_is_refused_and_what_changed_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    start(path)
    before = path.read_bytes()
    more, expected = CHANGES[name]
    with pytest.raises(InvalidArgument) as caught:
        start(path, **more)
    lines = str(caught.value).split("\n")
    assert lines[0] == f"{path}: cannot be resumed, because the training would differ:"
    assert lines[-1] == "Undo the change, or train again without --resume."
    assert lines[1:-1] == [f"  {change}" for change in expected]
    assert caught.value.exit_code == 2
    assert path.read_bytes() == before


def test_another_split_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    start(path, split=0.2)
    with pytest.raises(InvalidArgument) as caught:
        start(path, split=0.3)
    listed = str(caught.value).split("\n")[1:-1]
    assert listed == [
        "  data.split: 0.2 then, 0.3 now",
        "  the data: different training rows",
        "  the data: different validation rows",
    ]


NAMES_OF_ITS_OWN = """
[inputs]
names = ["p", "q"]
[[layers]]
units = 1
[data]
file = "table.csv"
target = "t"
"""


def test_columns_in_another_order_are_refused(tmp_path: Path) -> None:
    """Where inputs have names of their own, a column's place decides which weights it gets."""
    table, network = tmp_path / "table.csv", tmp_path / "net.toml"
    network.write_text(NAMES_OF_ITS_OWN)
    path = tmp_path / "m.safetensors"
    table.write_text("a,b,t\n" + "".join(f"{row},{row * row % 7},{3 * row}\n" for row in range(10)))
    cp.train(cp.load(network), epochs=2, output=path)
    before = path.read_bytes()
    table.write_text("b,a,t\n" + "".join(f"{row * row % 7},{row},{3 * row}\n" for row in range(10)))
    with pytest.raises(InvalidArgument) as caught:
        cp.train(cp.load(network), epochs=2, output=path, resume=True)
    assert str(caught.value).split("\n")[1:-1] == ["  the data: its columns are in another order"]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "limit",
    [
        {"epochs": 5},
        {"tolerance": 1e-9},
        {"patience": 3},
        {"target_loss": 0.5},
        {"time_limit": 60.0},
        {"gradient_tolerance": 0.1},
        {"early_stopping": False},
    ],
    ids=str,
)
def test_limits_may_change(limit: dict[str, Any], tmp_path: Path) -> None:
    before = start(tmp_path / "m.safetensors", split=0.2).history
    after = start(tmp_path / "m.safetensors", split=0.2, **limit).history
    assert after.loss[: len(before.loss)] == before.loss


def test_a_model_without_its_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    start(tmp_path / "other.safetensors").save(path)
    with pytest.raises(InvalidArgument) as caught:
        start(path)
    assert str(caught.value) == f"{path}: a model without the state of its training cannot be resumed; train it again"


def test_without_a_file_it_starts_from_the_beginning(tmp_path: Path) -> None:
    assert start(tmp_path / "m.safetensors").steps == 15
    with pytest.raises(InvalidArgument, match="resume: name the model to continue with output"):
        cp.train(PROBLEM, X, Y, resume=True)


def test_what_is_no_model_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"not a model")
    with pytest.raises(DamagedModel):
        start(path)
    assert path.read_bytes() == b"not a model"


def test_settings_of_numpy_go_on_too(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    before = start(path, seed=np.int64(3), shuffle=np.True_, batch_size=np.int32(4))
    after = start(path, seed=3, batch_size=4, epochs=np.int64(4))
    assert (before.epochs, after.epochs) == (3, 4)
    assert after.history.loss[:4] == before.history.loss


def test_class_weights_by_numbers_of_numpy_go_on_too(tmp_path: Path) -> None:
    path, classes = tmp_path / "m.safetensors", (X[:, 0] > 0).astype(int)
    problem = cp.Problem(cp.Network(3, [cp.Dense(2, "softmax")]))
    for weights in ({np.int64(0): 1.0, np.int64(1): 2.0}, {0: 1.0, 1: 2.0}):
        fit = start(path, problem, X, classes, class_weights=weights)
        assert (fit.status.value, fit.epochs) == ("epoch_limit", 3)


@pytest.mark.parametrize("name", ["m.onnx", "my m.PT", "m.h5", "m.csv"])
def test_a_model_is_not_saved_under_the_name_of_another_kind(tmp_path: Path, name: str) -> None:
    """Other programs, and people, would take it for what it is not; a model that was read from there would be lost."""
    path = tmp_path / name
    path.write_bytes(b"theirs")
    own = path.with_suffix(".safetensors")
    then = f", then type: clearprop convert {shlex.quote(str(own))} {shlex.quote(str(path))}"
    with pytest.raises(InvalidArgument) as caught:
        cp.train(cp.load("xor"), epochs=1, output=path)
    assert str(caught.value) == (
        f"output: a model of clearprop is a .safetensors file, found a file that ends in {path.suffix.lower()}; save "
        f"it as {own}" + (then if path.suffix.lower() in (".onnx", ".pt") else "")
    )
    assert path.read_bytes() == b"theirs"
