"""Initializers: the random values that training starts from.

Each is a distribution and its spread, an expression in the number of inputs (fan_in) and
units (fan_out) of the layer: the limit of a uniform distribution, or the standard deviation
of a normal one. Biases begin at zero, unless their spread is stated too.

Those of scikit-learn draw the same numbers as its MLPs do with ``random_state`` as the seed: layer after layer from one
stream, the weights input by input, then the biases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clearprop.expressions import Expression, Number, evaluate
from clearprop.expressions.tree import sqrt
from clearprop.fields import accepted, one_of
from clearprop.rules.other_names import INITIALIZERS as OTHERS
from clearprop.rules.other_names import own_name
from clearprop.rules.roles import Role, fan_in, fan_out
from clearprop.types import Array

if TYPE_CHECKING:  # numpy.random is loaded when something is drawn
    Generator = np.random.Generator | np.random.RandomState


@dataclass(frozen=True)
class Initializer:
    """Random values: ``uniform`` within ± the spread, or ``normal`` with it as deviation.

    ``of_biases`` is the spread of biases, ``one_stream`` whether the layers draw one after the other from
    NumPy's ``RandomState``; all others draw from streams of their own.
    """

    name: str
    distribution: str
    spread: Expression
    source: str
    of_biases: Expression | None = None
    one_stream: bool = False

    def values(self, units: int, inputs: int, generator: Generator) -> Array:
        """Return a matrix of initial weights, shape (units, inputs)."""
        if self.one_stream:
            return self._drawn(self.spread, (inputs, units), inputs, units, generator).T
        return self._drawn(self.spread, (units, inputs), inputs, units, generator)

    def biases(self, count: int, units: int, inputs: int, generator: Generator) -> Array:
        """Return initial biases, shape (count,)."""
        if self.of_biases is None:
            return np.zeros(count)
        return self._drawn(self.of_biases, (count,), inputs, units, generator)

    def _drawn(self, tree: Expression, shape: tuple[int, ...], inputs: int, units: int, generator: Generator) -> Array:
        spread = float(evaluate(tree, {Role.FAN_IN: float(inputs), Role.FAN_OUT: float(units)}))
        if self.distribution == "uniform":
            return generator.uniform(-spread, spread, shape)
        return generator.standard_normal(shape) * spread


_sklearn, _sklearn_logistic = (sqrt(factor / (fan_in + fan_out)) for factor in (6, 2))

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
        Initializer("pytorch", "uniform", sqrt(1 / fan_in), "PyTorch's Linear", sqrt(1 / fan_in)),
        Initializer("sklearn", "uniform", _sklearn, "scikit-learn's MLPClassifier", _sklearn, one_stream=True),
        Initializer(
            "sklearn_logistic",
            "uniform",
            _sklearn_logistic,
            "scikit-learn's MLPClassifier with logistic hidden layers",
            _sklearn_logistic,
            one_stream=True,
        ),
    )
}


def initializer(name: str) -> Initializer:
    """Return the initializer of that name."""
    return INITIALIZERS[accepted(one_of("initializer", INITIALIZERS), own_name(name, INITIALIZERS, OTHERS))]
