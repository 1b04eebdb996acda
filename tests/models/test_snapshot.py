"""Trained parameters in float64: those that training did not change keep all their digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import clearprop as cp
from clearprop.models.read import read_model


def test_frozen_biases_keep_their_digits(tmp_path: Path) -> None:
    network = cp.Network(1, [cp.Dense(2, bias="shared", train_bias=False), cp.Dense(1)])
    parameters = cp.Parameters.of(network, [[[0.1], [0.2]], [[0.3, 0.4]]], [0.1, 0.7])
    problem = cp.Problem(network, parameters, examples=cp.Examples.of([[1.0]], [[2.0]]))
    cp.train(problem, epochs=2, output=tmp_path / "m.safetensors")
    found = read_model(tmp_path / "m.safetensors").problem.parameters
    assert found.biases(0).tolist() == [0.1]
    assert found.biases(1)[0] == np.float32(found.biases(1)[0])
