"""Networks of any shape that have the same rules: a few families, whose members share their code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from tests.engine.support.networks import BATCHES, EDGES, examples_for, single

import clearprop as cp
from clearprop.network.problem import Problem, Settings
from clearprop.rules.optimizers import optimizer


@dataclass(frozen=True)
class Family:
    """What members have in common."""

    hidden: tuple[str, ...]
    """The rules of hidden layers: the first ones in this order, then any of them."""
    last: str
    loss: str
    optimizer: tuple[str, float, Mapping[str, Any]]
    dtype: str
    dropout: float = 0.0
    bias: str = "unit"
    weighted: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)

    def member(self, seed: int, *, weights: int = 40_000) -> Problem:
        """One of 1 to 6 layers of 1 to 300 units, with batches of 1 to 257 examples, and at most so many weights."""
        rng = np.random.default_rng([seed, 22])
        sizes = [0]
        while sizes == [0] or sum(one * other for one, other in pairwise(sizes)) > weights:
            wide = rng.random(2 + int(rng.integers(6))) < 0.4
            sizes = [int(rng.integers(1, 301)) if each else int(rng.choice(EDGES)) for each in wide]
        rules = [
            self.hidden[k] if k < len(self.hidden) else str(rng.choice(self.hidden)) for k in range(len(sizes) - 2)
        ]
        layers = [cp.Dense(size, rule, bias=self.bias, dropout=self.dropout if k % 2 == 0 else 0.0)  # type: ignore[arg-type]
                  for k, (size, rule) in enumerate(zip(sizes[1:-1], rules, strict=True))]  # fmt: skip
        over = [("sum", "mean")[int(rng.integers(2))] for _ in range(2)]
        last = cp.Dense(sizes[-1], self.last, bias=bool(rng.random() < 0.7))
        objective = cp.Objective(cp.loss(self.loss), *over)  # type: ignore[arg-type]
        network = cp.Network(sizes[0], [*layers, last], objective)
        batch = int(rng.choice(BATCHES)) if rng.random() < 0.5 else int(rng.integers(1, 258))
        examples, batch = examples_for(rng, network, batch)
        counted = single(rng.choice([0.5, 1.0, 2.75], len(examples))) if self.weighted else None
        name, rate, options = self.optimizer
        problem = Problem(
            network,
            cp.Parameters.random(network, seed),
            optimizer=optimizer(name, learning_rate=rate, **options),
            examples=replace(examples, weights=counted),
            settings=Settings(epochs=1, batch_size=batch, seed=seed),
            **self.more,
        )
        problem.parameters.vector[:] = single(problem.parameters.vector)
        return problem


FAMILIES: Mapping[str, Family] = {
    "fused, and its rule inside": Family(
        ("tanh", "relu", "logistic"),
        "logistic",
        "binary_cross_entropy",
        ("adam", 0.003, {}),
        "float64",
        dropout=0.25,
        bias="shared",
    ),
    "softmax above softmax": Family(
        ("softmax",),
        "softmax",
        "categorical_cross_entropy",
        ("sgd", 0.05, {"momentum": 0.9, "clip_norm": 0.5}),
        "float32",
        weighted=True,
    ),
    "penalized": Family(
        ("leaky_relu",),
        "0.2 * z + tanh(z)",
        "huber",
        ("rmsprop", 0.003, {"momentum": 0.5}),
        "float64",
        more={"penalty": cp.Penalty(0.003, 0.01)},
    ),
    "softmax inside": Family(
        ("gelu", "softmax"), "identity", "half_squared_error", ("adagrad", 0.02, {}), "float32", weighted=True
    ),
}
