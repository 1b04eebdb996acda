"""Model files: they read back equal, by us and by anyone, and nothing that is damaged is believed."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file
from tests.support import EachEpoch, apart, problems, trained

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.models import model as room
from clearprop.models.model import Model, content, save_model
from clearprop.models.read import read_model

OPTIMIZERS = [
    cp.SGD(0.01, momentum=0.9),
    cp.RMSprop(0.01, centered=True, momentum=0.1),
    cp.Adagrad(0.01),
    cp.Adam(0.01),
    cp.AdamW(0.01),
]


# --- there and back ------------------------------------------------------------------------------------


@given(problems(weights=True), st.sampled_from(OPTIMIZERS), st.sampled_from(["float32", "float64"]), st.integers(0, 3))
def test_every_problem_reads_back_equal(problem: cp.Problem, optimizer: Any, dtype: Any, epochs: int) -> None:
    problem = replace(problem, optimizer=optimizer, settings=cp.Settings(dtype=dtype, epochs=epochs, tolerance=0.0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        try:
            fit = cp.train(problem, output=path)
        except InvalidArgument:  # weights of which none counts
            return
        model, before = read_model(path), path.read_bytes()
        assert model.problem == fit.problem
        assert model.progress is not None
        assert model.progress.history == fit.history
        assert (model.progress.status, model.progress.reason) == (fit.status.value, fit.reason)
        assert content(model) == before
        fit.save(path)
        assert read_model(path) == Model(fit.problem)


def test_what_was_assumed_of_another_framework_s_file_is_kept(tmp_path: Path) -> None:
    said = ("from: PyTorch", "assumed: loss squared_error", "folded: a batch norm")
    problem = replace(cp.load("lecture"), remarks=said)
    save_model(Model(problem), tmp_path / "m.safetensors")
    again = read_model(tmp_path / "m.safetensors").problem
    assert problem.of_others
    assert not again.of_others  # it is a model here; what PyTorch makes of its file is nothing to ask for
    assert again.remarks == ("made from: PyTorch", *said[1:])
    save_model(Model(again), tmp_path / "n.safetensors")
    assert read_model(tmp_path / "n.safetensors").problem.remarks == again.remarks


def test_anyone_s_reader_reads_it(tmp_path: Path) -> None:
    fit = cp.train(cp.load("iris"), epochs=2, output=tmp_path / "m.safetensors")
    tensors = load_file(tmp_path / "m.safetensors")
    for layer in range(2):
        np.testing.assert_array_equal(tensors[f"layers.{layer + 1}.weights"], fit.problem.parameters.weights(layer))
        np.testing.assert_array_equal(tensors[f"layers.{layer + 1}.biases"], fit.problem.parameters.biases(layer))
    assert tensors["layers.1.weights"].dtype == np.float32
    assert tensors["training.history.loss"].tolist() == fit.history.loss
    with safe_open(tmp_path / "m.safetensors", framework="numpy") as file:
        metadata = file.metadata()
    assert list(metadata) == ["clearprop"]
    assert list(json.loads(metadata["clearprop"])) == ["format", "network", "preprocessing", "training", "checksum"]


def test_the_same_run_writes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (
        trained(tmp_path / f"{index}.safetensors", "iris", epochs=3, seed=seed) for index, seed in enumerate((0, 0, 1))
    )
    assert first == again
    assert first != other


def test_a_training_that_diverges_at_once_reads_back(tmp_path: Path) -> None:
    network = cp.Network(1, [cp.Dense(1)], "squared_error")
    parameters = cp.Parameters.of(network, [[[1e300]]])
    problem = cp.Problem(network, parameters, examples=cp.Examples.of([[1.0]], [[2.0]]))
    for _ in range(2):
        fit = cp.train(problem, output=tmp_path / "m.safetensors", resume=True)
        assert fit.status.value == "diverged"
        assert read_model(tmp_path / "m.safetensors").problem.parameters == parameters


def test_weights_that_only_float32_cannot_hold_read_back(tmp_path: Path) -> None:
    """They are infinite in float32, and the loss is finite all the same."""
    network = cp.Network(1, [cp.Dense(1, "logistic"), cp.Dense(1)], "squared_error")
    parameters = cp.Parameters.of(network, [[[1e300]], [[0.5]]])
    problem = cp.Problem(network, parameters, examples=cp.Examples.of([[1.0]], [[2.0]]))
    for epochs in (0, 3):
        cp.train(problem, output=tmp_path / "m.safetensors", resume=True, epochs=epochs)
        assert read_model(tmp_path / "m.safetensors").problem.parameters == parameters


@pytest.mark.parametrize("more", [{"time_limit": float("inf")}, {"epochs": 10**30}])
def test_what_could_not_be_read_is_refused_before_the_first_step(more: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        cp.train(cp.load("lecture"), output=tmp_path / "m.safetensors", **more)
    assert list(tmp_path.iterdir()) == []


def test_more_names_than_fit_are_refused_before_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is the header, in which every quotation mark takes two characters."""
    fit, path = cp.train(cp.load("lecture"), epochs=1), tmp_path / "m.safetensors"
    fit.save(path)
    size = len(json.dumps(json.dumps(apart(path.read_bytes())[0], separators=(",", ":")))) - 2
    monkeypatch.setattr(room, "MAX_DESCRIPTION", size)
    fit.save(path)
    with pytest.raises(InvalidArgument, match="lecture: its names take 0 MB, too much for a model file"):
        cp.train(cp.load("lecture"), output=path, callbacks=[EachEpoch(lambda epoch, logs: pytest.fail("too late"))])
    monkeypatch.setattr(room, "MAX_DESCRIPTION", size - 1)
    with pytest.raises(InvalidArgument, match="too much for a model file"):
        fit.save(path)


def test_parameters_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    problem = cp.load("lecture")
    problem.parameters.vector[2] = np.nan
    with pytest.raises(InvalidArgument, match="the value of w2 is not a finite number; a model file holds finite"):
        save_model(Model(problem), tmp_path / "m.safetensors")
