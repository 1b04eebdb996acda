"""Update: the new weights, all at once, from gradients that were all taken at the old ones.

    new_w = w - n · ∂E_total/∂w                 (stochastic gradient descent, the lecture's rule)

and in general the assignments of the optimizer, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from clearprop.expressions import evaluate
from clearprop.network.layout import Layout
from clearprop.network.parameters import Parameters
from clearprop.rules.optimizers import Optimizer
from clearprop.rules.roles import Role
from clearprop.types import Array


@dataclass(frozen=True)
class Update:
    """New parameters and the optimizer's new state.

    ``gradient`` is the gradient after clipping, if any, and ``clip_factors`` the factors of clipping by norm, by
    their names; ``assigned`` holds the value of each of the optimizer's assignments, for every parameter.
    """

    parameters: Parameters
    state: Mapping[str, Array]
    gradient: Array
    clip_factors: Mapping[str, float]
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
    given, clip_factors = clipped(optimizer, gradient.vector, parameters.layout)
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
    return Update(parameters.with_vector(new), kept, given, clip_factors, assigned)


class Together(NamedTuple):
    """Parameters whose gradients are clipped by one norm; the names of that and of its factor."""

    norm: str
    factor: str
    span: slice


def clipped_together(optimizer: Optimizer, layout: Layout) -> Iterator[Together]:
    """Yield what clipping by norm takes together: all parameters, or each layer's weights, and its biases."""
    if optimizer.clip_norm is None:
        return
    if optimizer.clip_norm_per == "all":
        yield Together("norm", "clip_factor", slice(0, layout.size))
        return
    for layer in range(len(layout.weights)):
        for kind, span in {"weights": layout.weights[layer], "biases": layout.biases[layer]}.items():
            if layout.trainable[span].any():
                yield Together(f"norm_{kind}_{layer + 1}", f"clip_factor_{kind}_{layer + 1}", span)


def clipped(optimizer: Optimizer, gradient: Array, layout: Layout) -> tuple[Array, dict[str, float]]:
    """Return the gradient with each entry bounded by ``clip_value``, then its norms by ``clip_norm``.

    Only trained parameters count in a norm, not frozen biases.
    """
    factors: dict[str, float] = {}
    if optimizer.clip_value is not None:
        gradient = evaluate(optimizer.bounded, {Role.GRADIENT: gradient})
    if optimizer.clip_norm is not None:
        gradient = gradient.copy()
    for _, name, span in clipped_together(optimizer, layout):
        trained = gradient[span][layout.trainable[span]]
        norm = float(np.sqrt(np.sum(np.square(trained, dtype=float))))
        factors[name] = float(evaluate(optimizer.clip_factor, {"norm": norm}))
        gradient[span] *= gradient.dtype.type(factors[name])
    return gradient, factors
