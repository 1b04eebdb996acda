from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument


def test_what_is_no_problem_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="problem: expected a Problem"):
        cp.to_keras(3)  # type: ignore[arg-type]


def test_an_expression_is_refused_with_what_to_do() -> None:
    pytest.importorskip("keras", reason="Keras is not installed")
    with pytest.raises(InvalidArgument, match=r"Keras has no activation z \* tanh\(z\), .* write .onnx"):
        cp.to_keras(cp.Problem(cp.Network(2, [cp.Dense(1, "z * tanh(z)")])))
