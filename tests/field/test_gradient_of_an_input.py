"""The gradient of the error by an input, and its parts by error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp


def found(cycle: cp.Cycle, *names: str) -> dict[str, float]:
    derivations = cp.explain(cycle, *names).structure()["derivations"]
    return {name: derivation["gradient"] for name, derivation in derivations.items()}


def test_of_the_lecture() -> None:
    expected = {
        "∂E_total/∂i1": 0.003788537728661492,
        "∂E_total/∂i2": 0.008685133417304348,
        "∂E_1/∂i1": 0.005389429423514091,
        "∂E_2/∂i1": -0.0016008916948525992,
    }
    cycle = cp.cycle(cp.load("lecture"))
    assert found(cycle, "dE_total/di1", "dE_total/di2", "dE_1/di1", "dE_2/di1") == pytest.approx(expected, rel=1e-12)


def test_of_softmax(case: Callable[[str], Path]) -> None:
    cycle = cp.cycle(cp.load(case("gradient-of-an-input") / "network.toml"))
    expected = {"∂L/∂x1": -0.001023004763317394, "∂L/∂x2": -0.0005683359796207745}
    assert found(cycle, "dL/dx1", "∂L/∂x2") == pytest.approx(expected, rel=1e-12)
    text = cp.explain(cycle, "dL/dx1").text()
    assert "∂L_1/∂x1 + ∂L_2/∂x1 = 0   (because t_1 = 0, t_2 = 0)\n" in text
    assert "path 1 = ∂L_3/∂z_h1 · ∂z_h1/∂x1 = -0.00568 · 0.18 = -0.00102\n" in text
