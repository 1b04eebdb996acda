from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument


def test_what_is_no_problem_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="problem: expected a Problem"):
        cp.to_torch(3)  # type: ignore[arg-type]


def test_activations_have_pytorchs_own_modules() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    layers = [cp.Dense(2, name) for name in ("relu", "gelu", "logistic", "z * tanh(z)")]
    module = cp.to_torch(cp.Problem(cp.Network(2, layers)))
    kinds = [type(each).__name__ for each in module if type(each).__name__ != "Linear"]
    assert kinds == ["ReLU", "GELU", "Sigmoid", "Expressed"]
    assert "z * tanh(z)" in repr(module)
