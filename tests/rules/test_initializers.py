"""Initial weights have the spread that their source gives."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clearprop.rules.initializers import INITIALIZERS, initializer


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_have_their_spread(name: str) -> None:
    units, inputs = 300, 200
    deviation = {
        "glorot_uniform": (2 / 500) ** 0.5, "glorot_normal": (2 / 500) ** 0.5, "he_uniform": (2 / 200) ** 0.5,
        "he_normal": (2 / 200) ** 0.5, "lecun_normal": (1 / 200) ** 0.5, "normal": 0.05,
        "uniform": 0.05 / 3**0.5, "zeros": 0.0, "pytorch": (1 / 600) ** 0.5, "sklearn": (2 / 500) ** 0.5,
        "sklearn_logistic": (2 / 1500) ** 0.5,
    }[name]  # fmt: skip
    values = initializer(name).values(units, inputs, np.random.default_rng(0))
    assert values.shape == (units, inputs)
    assert values.std() == pytest.approx(deviation, rel=0.02, abs=1e-12)
    assert abs(values.mean()) <= 0.02 * deviation + 1e-12


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize(("units", "inputs"), [(400, 100), (30, 900), (1, 20_000)])
def test_spread_and_shape_of_initial_weights(name: str, units: int, inputs: int) -> None:
    variance = {
        "glorot_uniform": 2 / (units + inputs), "glorot_normal": 2 / (units + inputs), "he_uniform": 2 / inputs,
        "he_normal": 2 / inputs, "lecun_normal": 1 / inputs, "normal": 0.05**2, "uniform": 0.05**2 / 3, "zeros": 0.0,
        "pytorch": 1 / 3 / inputs, "sklearn": 2 / (units + inputs), "sklearn_logistic": 2 / 3 / (units + inputs),
    }[name]  # fmt: skip
    values = initializer(name).values(units, inputs, np.random.default_rng(1))
    assert values.shape == (units, inputs)
    assert float(values.var()) == pytest.approx(variance, rel=0.06, abs=1e-300)
    if variance == 0:
        return
    scaled = values.ravel() / math.sqrt(variance)
    # The fourth moment tells a uniform distribution (9/5) from a normal one (3).
    assert float((scaled**4).mean()) == pytest.approx(3 if name.endswith("normal") else 1.8, rel=0.08)
    if not name.endswith("normal"):
        assert float(np.abs(scaled).max()) <= math.sqrt(3) * (1 + 1e-12)
