"""Initializers: the random values that training starts from.

Each is a distribution and its spread, an expression in the number of inputs (fan_in) and
units (fan_out) of the layer: the limit of a uniform distribution, or the standard deviation
of a normal one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clearprop.expressions import Expression, Number, evaluate
from clearprop.expressions.tree import sqrt
from clearprop.fields import accepted, one_of
from clearprop.rules.other_names import INITIALIZERS as OTHERS
from clearprop.rules.other_names import own_name
from clearprop.rules.roles import Role, fan_in, fan_out
from clearprop.types import Array


@dataclass(frozen=True)
class Initializer:
    """Random values: ``uniform`` within ± the spread, or ``normal`` with it as deviation."""

    name: str
    distribution: str
    spread: Expression
    source: str

    def values(self, units: int, inputs: int, generator: np.random.Generator) -> Array:
        """Return a matrix of initial weights, shape (units, inputs)."""
        spread = float(evaluate(self.spread, {Role.FAN_IN: float(inputs), Role.FAN_OUT: float(units)}))
        if self.distribution == "uniform":
            return generator.uniform(-spread, spread, (units, inputs))
        return generator.standard_normal((units, inputs)) * spread


INITIALIZERS: Mapping[str, Initializer] = {
    rule.name: rule
    for rule in (
        Initializer("glorot_uniform", "uniform", sqrt(6 / (fan_in + fan_out)), "Glorot and Bengio 2010"),
        Initializer("glorot_normal", "normal", sqrt(2 / (fan_in + fan_out)), "Glorot and Bengio 2010"),
        Initializer("he_uniform", "uniform", sqrt(6 / fan_in), "He et al. 2015"),
        Initializer("he_normal", "normal", sqrt(2 / fan_in), "He et al. 2015"),
        Initializer("lecun_normal", "normal", sqrt(1 / fan_in), "LeCun et al. 1998"),
        Initializer("normal", "normal", Number(0.05), "a small spread, whatever the layer"),
        Initializer("uniform", "uniform", Number(0.05), "a small spread, whatever the layer"),
        Initializer("zeros", "uniform", Number(0.0), "all weights zero: units of a layer stay alike"),
    )
}


def initializer(name: str) -> Initializer:
    """Return the initializer of that name."""
    return INITIALIZERS[accepted(one_of("initializer", INITIALIZERS), own_name(name, INITIALIZERS, OTHERS))]
