from __future__ import annotations

import numpy as np
import pytest
from tests.interop.models import torch_module

from clearprop.expressions import evaluate
from clearprop.interop import operators
from clearprop.interop.chain import Chain, NotAChain, Signal, Stage
from clearprop.rules.roles import Role

Z = np.linspace(-6.03, 6.07, 241)
FUNCTIONAL = {
    "relu": "relu", "relu6": "relu6", "sigmoid": "sigmoid", "tanh": "tanh", "selu": "selu", "silu": "silu",
    "mish": "mish", "softsign": "softsign", "hardsigmoid": "hardsigmoid", "hardswish": "hardswish",
    "logsigmoid": "logsigmoid", "tanhshrink": "tanhshrink", "hardtanh": "hardtanh",
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONAL)
def test_each_is_what_pytorch_computes(name: str) -> None:
    torch = torch_module()
    expected = getattr(torch.nn.functional, FUNCTIONAL[name])(torch.tensor(Z)).numpy()
    np.testing.assert_allclose(evaluate(operators.FIXED[name](), {Role.SUM: Z}), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "constants"),
    [
        ("leaky_relu", {"negative_slope": 0.3}),
        ("elu", {"alpha": 0.7}),
        ("celu", {"alpha": 1.4}),
        ("gelu", {"approximate": "tanh"}),
        ("softplus", {"beta": 2.0}),
        ("softshrink", {"lambd": 0.4}),
        ("hardshrink", {"lambd": 0.4}),
        ("threshold", {"threshold": 0.1, "value": 0.2}),
    ],
)
def test_constants_are_pytorchs(name: str, constants: dict[str, float]) -> None:
    torch = torch_module()
    expected = getattr(torch.nn.functional, name)(torch.tensor(Z), **constants).numpy()
    chain = Chain(single=False)
    signal = chain.linear(Signal(Stage()), np.eye(1), None, "one")
    tree = operators.applied(chain, signal, name, "here", **constants).tree
    np.testing.assert_allclose(evaluate(tree, {Role.SUM: Z}), expected, rtol=1e-9, atol=1e-12)


def test_an_unknown_one_is_refused_by_name() -> None:
    signal = Chain().linear(Signal(Stage()), np.eye(1), None, "one")
    with pytest.raises(NotAChain, match=r"^layer 3: the activation maxout cannot be taken$"):
        operators.applied(Chain(), signal, "maxout", "layer 3")
