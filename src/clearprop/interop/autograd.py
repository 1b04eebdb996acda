"""The numbers of a live PyTorch module: its own forward pass, its own loss, its own autograd, its own optimizer."""

from __future__ import annotations

import copy
from typing import Any, Literal

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.interop.cycle_numbers import Numbers
from clearprop.interop.live import from_torch
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import cycle
from clearprop.types import Array


def numbers_of_module(
    module: Any, problem: Problem, example: int | Literal["all"], loss: Any, optimizer: Any
) -> Numbers:
    """Return what a module gives for the rows of a problem, and what its autograd finds.

    Raises:
        InvalidArgument: no module, or no loss to differentiate.
    """
    read = from_torch(module, loss=loss)
    if loss is None or isinstance(loss, str):
        raise InvalidArgument("compare: give the module's own loss, such as loss=torch.nn.MSELoss()")
    if read.network.sizes != problem.network.sizes:
        raise InvalidArgument(
            f"compare: the module has {'-'.join(map(str, read.network.sizes))} units, the network "
            f"{'-'.join(map(str, problem.network.sizes))}"
        )
    import torch

    rows = cycle(problem, example).examples
    module, optimizer = copy.deepcopy((module, optimizer))
    first = next(iter(module.parameters()))
    inputs = torch.tensor(rows.inputs, dtype=first.dtype, device=first.device)
    given = module(inputs)
    targets = _targets(torch, loss, rows.targets, first)
    error = loss(given, targets)
    module.zero_grad()
    error.backward()
    kind = type(loss).__name__
    outputs = {"BCEWithLogitsLoss": torch.sigmoid, "CrossEntropyLoss": lambda z: torch.softmax(z, 1),
               "NLLLoss": torch.exp}.get(kind, lambda z: z)(given)  # fmt: skip
    gradients = _vector(torch, module, problem, "grad")
    updated = None
    if optimizer is not None and gradients is not None:
        optimizer.step()
        updated = _vector(torch, module, problem, "data")
    return Numbers(
        read.parameters.vector, outputs.detach().cpu().numpy().astype(float), np.array([float(error.detach())]),
        gradients, updated,
    )  # fmt: skip


def _targets(torch: Any, loss: Any, targets: Array, like: Any) -> Any:
    kind = type(loss).__name__
    if kind in ("CrossEntropyLoss", "NLLLoss") and np.isin(targets, (0.0, 1.0)).all():
        return torch.tensor(targets.argmax(axis=1), device=like.device)
    return torch.tensor(targets, dtype=like.dtype, device=like.device)


def _vector(torch: Any, module: Any, problem: Problem, which: str) -> Array | None:
    """Return a number for each parameter in the order of the problem's, or None where layers were folded."""
    linear = [each for each in module.modules() if isinstance(each, torch.nn.Linear)]
    found = []
    for each in linear:
        for name in ("weight", "bias"):
            values = getattr(each, name)
            values = None if values is None else getattr(values, which)
            if values is not None:
                found.append(values.detach().cpu().numpy().astype(float).ravel())
    whole = np.concatenate(found) if found else np.zeros(0)
    return whole if whole.size == problem.parameters.vector.size else None
