from __future__ import annotations

import re
from typing import Any

import pytest
from tests.interop.models import assert_same, outputs, torch_module

import clearprop as cp
from clearprop.interop.chain import NotAChain


def own(forward: Any, extra: Any = None) -> Any:
    """A module with code of its own."""
    torch = torch_module()
    torch.manual_seed(0)

    class Own(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = torch.nn.Linear(3, 4), torch.nn.Linear(4, 4)
            if extra is not None:
                self.extra = extra

        def forward(self, x: Any) -> Any:
            return forward(self, x)

    return Own().double().eval()


FORWARDS: dict[str, Any] = {
    "functional": lambda m, x: m.two(torch_module().nn.functional.gelu(m.one(x))),
    "by hand": lambda m, x: m.two(_quick(m.one(x))),
    "clamp": lambda m, x: m.two(m.one(x).clamp(-0.5, 0.7)),
    "where": lambda m, x: m.two(_where(m.one(x))),
    "rsub": lambda m, x: m.two(_bell(m.one(x))),
    "shared": lambda m, x: m.two(m.two(m.one(x)).tanh()).relu(),
    "matmul": lambda m, x: (x @ m.one.weight.t() + m.one.bias).softmax(dim=-1),
    "view": lambda m, x: m.two(m.one(x).view(-1, 4).flatten(1).tanh()),
}


def _quick(z: Any) -> Any:
    return z * torch_module().sigmoid(1.702 * z)


def _where(z: Any) -> Any:
    return torch_module().where(z > 0, z, 0.2 * z + 0.1)


def _bell(z: Any) -> Any:
    return 1 - torch_module().exp(-(z**2)) / 2


@pytest.mark.parametrize("name", FORWARDS)
def test_code_of_its_own_is_read_by_its_exported_program(name: str) -> None:
    module = own(FORWARDS[name])
    assert_same(cp.from_torch(module), outputs(module))


REFUSED: dict[str, tuple[Any, str]] = {
    "residual": (lambda m, x: m.two(m.one(x).relu()) + m.one(x), "an operator in a branch joins the outputs"),
    "norm": (lambda m, x: torch_module().nn.functional.layer_norm(m.one(x), (4,)), "a layer norm, cannot be taken"),
    "cat": (lambda m, x: torch_module().cat([m.one(x), m.one(x)], 1), "a branch, cannot be taken"),
    "floor": (lambda m, x: m.two(torch_module().div(m.one(x), 0.5, rounding_mode="floor")), "rounds to whole numbers"),
    "whole": (lambda m, x: m.two(m.one(x).int().double()), "(to.dtype): rounds to whole numbers"),
    "rsub": (lambda m, x: m.two(torch_module().rsub(m.one(x), 1.0, alpha=2)), "(rsub.Scalar) cannot be taken"),
    "weights": (
        lambda m, x: x @ (2 * m.one.weight).T,
        "computes weights, as weight and spectral norm do; take it away",
    ),
    "dim": (lambda m, x: m.one(x).softmax(dim=0), "over axis 0; only over a layer's units it can be taken"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_is_named(name: str) -> None:
    forward, message = REFUSED[name]
    with pytest.raises(NotAChain, match=re.escape(message)):
        cp.from_torch(own(forward))


def test_a_batch_norm_in_training_is_refused_as_such() -> None:
    torch = torch_module()
    module = torch.nn.Sequential(own(FORWARDS["functional"]), torch.nn.BatchNorm1d(4).double()).train()
    with pytest.raises(NotAChain, match=r"in training it uses the mean of each batch; call model.eval\(\) first"):
        cp.from_torch(module)
