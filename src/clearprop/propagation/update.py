"""Update: the new weights, all at once, from gradients that were all taken at the old ones.

    new_w = w - n · ∂E_total/∂w                 (stochastic gradient descent, the lecture's rule)

and in general the assignments of the optimizer, in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.expressions import evaluate
from clearprop.network.parameters import Parameters
from clearprop.rules.optimizers import Optimizer
from clearprop.rules.roles import Role
from clearprop.types import Array


@dataclass(frozen=True)
class Update:
    """New parameters and the optimizer's new state.

    ``gradient`` is the gradient after clipping, if any, and ``clip_factor`` the factor of clipping by
    norm; ``assigned`` holds the value of each of the optimizer's assignments, for every parameter.
    """

    parameters: Parameters
    state: Mapping[str, Array]
    gradient: Array
    clip_factor: float
    assigned: Mapping[str, Array]


def initial_state(optimizer: Optimizer, parameters: Parameters) -> dict[str, Array]:
    """Return the optimizer's state before the first step."""
    return {name: np.full_like(parameters.vector, value) for name, value in optimizer.state.items()}


def update(
    optimizer: Optimizer,
    parameters: Parameters,
    gradient: Parameters,
    state: Mapping[str, Array],
    step: int = 1,
    rate: float | None = None,
) -> Update:
    """Make one step of the optimizer; ``step`` counts from 1, ``rate`` is the scheduled learning rate."""
    trainable = parameters.layout.trainable
    given, clip_factor = clipped(optimizer, gradient.vector, trainable)
    values: dict[Any, Any] = {
        Role.WEIGHT: parameters.vector,
        Role.GRADIENT: given,
        Role.RATE: optimizer.learning_rate if rate is None else rate,
        Role.STEP: float(step),
        **optimizer.constants,
        **state,
    }
    dtype = parameters.vector.dtype
    for symbol, expression in optimizer.assignments:
        values[symbol.key] = evaluate(expression, values).astype(dtype, copy=False)
    assigned = {str(symbol.key): values[symbol.key] for symbol, _ in optimizer.assignments[:-1]}
    new = np.where(trainable, values[Role.WEIGHT], parameters.vector)
    # A frozen bias is left alone, and so is what is remembered of it: its start.
    kept = {name: np.where(trainable, assigned[name], state[name]) for name in optimizer.state}
    assigned |= kept
    return Update(parameters.with_vector(new), kept, given, clip_factor, assigned)


def clipped(optimizer: Optimizer, gradient: Array, trainable: Array) -> tuple[Array, float]:
    """Return the gradient with each entry bounded by ``clip_value``, then its norm by ``clip_norm``.

    Only trained parameters count in the norm, not frozen biases.
    """
    factor = 1.0
    if optimizer.clip_value is not None:
        gradient = evaluate(optimizer.bounded, {Role.GRADIENT: gradient})
    if optimizer.clip_norm is not None:
        norm = float(np.sqrt(np.sum(np.square(gradient[trainable], dtype=float))))
        factor = float(evaluate(optimizer.clip_factor, {"norm": norm}))
        gradient = gradient * gradient.dtype.type(factor)
    return gradient, factor
