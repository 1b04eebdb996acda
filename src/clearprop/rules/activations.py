"""Activations: the output of a unit as a function of its weighted sum z.

A new one is one entry in ``ACTIVATIONS``: its slope is found by differentiating the output,
never stated. ``shown_slope`` is how a lecture writes that slope,
in terms of the output y; it is only printed, and a test proves it equal to the derivative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from clearprop.cached import cached_property
from clearprop.expressions import Expression, Number, Slope, Symbol, bind, differentiate, evaluate, parse, simplify
from clearprop.expressions.tree import (
    absolute,
    erf,
    exp,
    expm1,
    greater,
    less,
    logistic,
    maximum,
    softplus,
    sqrt,
    tanh,
    where,
)
from clearprop.fields import accepted, string
from clearprop.rules.other_names import ACTIVATIONS as OTHERS
from clearprop.rules.other_names import own_name, unknown_rule
from clearprop.rules.roles import Role, y, z
from clearprop.rules.rule import Rule
from clearprop.types import Array

_total, _upstream = Symbol("total"), Symbol("upstream")


@dataclass(frozen=True, repr=False)
class Activation(Rule):
    """A function of one weighted sum, applied to each unit separately.

    ``output`` is stated in z, ``shown_slope`` in y, both with the ``constants`` as symbols.
    ``bounds`` is the open interval of its outputs, None where unknown; ``init`` the initializer
    that goes with it. Source: the formula's, in ``source``.

    >>> from clearprop.expressions import text
    >>> text(activation("logistic").slope.simplified)
    'logistic(z) * logistic(-z)'
    """

    name: str
    output: Expression
    source: str
    shown_slope: Expression | None = None
    constants: Mapping[str, float] = field(default_factory=dict)
    bounds: tuple[float, float] | None = (-math.inf, math.inf)
    init: str = "glorot_uniform"

    @cached_property
    def formula(self) -> Expression:
        """The output with the numbers of its constants, an expression in z."""
        return bind(self.output, self.constants)

    @cached_property
    def slope(self) -> Slope:
        """d(output)/dz: the rule's local derivative."""
        return differentiate(self.formula, Role.SUM)

    @cached_property
    def printed_slope(self) -> Expression:
        """The slope as a person writes it: in terms of z and the output y."""
        if self.shown_slope is None:
            return self.slope.written
        return simplify(bind(self.shown_slope, self.constants)) if self.constants else self.shown_slope

    @cached_property
    def reaches_all(self) -> bool:
        """Whether its outputs may be any number; of an expression, whether they are far from 0 on both sides.

        >>> activation("identity").reaches_all, activation("relu").reaches_all, activation("exp(z)").reaches_all
        (True, False, False)
        """
        if self.bounds is not None:
            return self.bounds == (-math.inf, math.inf)
        far = self.outputs(np.linspace(-50.0, 50.0, 101))
        return bool(far.min() < -10 and far.max() > 10)

    def outputs(self, sums: Array) -> Array:
        """Return the outputs of a layer, shape (examples, units), from its sums."""
        return np.broadcast_to(evaluate(self.formula, {Role.SUM: sums}), sums.shape)

    def slopes(self, sums: Array) -> Array:
        """Return the local derivatives ∂output/∂sum, shape (examples, units)."""
        return np.broadcast_to(evaluate(self.slope.simplified, {Role.SUM: sums}), sums.shape)

    def pull_back(self, sums: Array, upstream: Array) -> Array:
        """Return ∂E/∂sum from ∂E/∂output: the chain rule through this layer's activation."""
        return np.asarray(upstream * self.slopes(sums))


@dataclass(frozen=True, repr=False)
class Softmax(Rule):
    """y_k = e^z_k / Σ_j e^z_j: the one activation that looks at its whole layer.

    A vector rule beside the scalar language, stated as expressions of one unit each. ``total`` is
    a sum over the layer: of ``term`` in ``output``, of ``share`` in ``signal``. The Jacobian
    ∂y_k/∂z_j is ``diagonal`` for j = k and ``off_diagonal`` otherwise, where ``other`` is y_j.
    ``signal`` is ∂E/∂z from ``upstream``, ∂E/∂y: the Jacobian's product without the Jacobian, as
    a test proves. Every reading computes ``term`` of z - max z, so that no exponential overflows.
    Source: Bridle, "Probabilistic interpretation of feedforward classification network
    outputs", Neurocomputing (1990).
    """

    name: str = "softmax"
    source: str = "Bridle 1990"
    constants: Mapping[str, float] = field(default_factory=dict)
    bounds: tuple[float, float] | None = (0.0, 1.0)
    init: str = "glorot_uniform"
    reaches_all: ClassVar[bool] = False
    term: ClassVar[Expression] = exp(z)
    output: ClassVar[Expression] = Symbol("term") / _total
    diagonal: ClassVar[Expression] = y * (1 - y)
    off_diagonal: ClassVar[Expression] = -(y * Symbol("other"))
    share: ClassVar[Expression] = y * _upstream
    signal: ClassVar[Expression] = y * (_upstream - _total)

    def outputs(self, sums: Array) -> Array:
        """Return the outputs of a layer, shape (examples, units), from its sums."""
        terms = evaluate(self.term, {Role.SUM: shifted(sums)})
        return evaluate(self.output, {"term": terms, "total": over_layer(terms)})

    def pull_back(self, sums: Array, upstream: Array) -> Array:
        """Return ∂E/∂z_j = Σ_k ∂E/∂y_k · ∂y_k/∂z_j, shape (examples, units)."""
        values = {Role.OUTPUT: self.outputs(sums), "upstream": upstream}
        return evaluate(self.signal, {**values, "total": over_layer(evaluate(self.share, values))})


def shifted(sums: Array) -> Array:
    """Return z - max z per example: softmax is the same for both, and e^z cannot overflow."""
    return np.asarray(sums - sums.max(axis=-1, keepdims=True))


def over_layer(values: Array) -> Array:
    """Return the sum over the units of a layer, shape (examples, 1)."""
    return np.asarray(values.sum(axis=-1, keepdims=True))


AnyActivation = Activation | Softmax

_alpha, _scale, _lambd = Symbol("alpha"), Symbol("scale"), Symbol("lambd")
# Flat on both sides: at the kinks too, as PyTorch has it.
_hard_sigmoid = where(less(z, 3), where(greater(z, -3), z / 6 + Number(1.0) / 2, 0), 1)

ACTIVATIONS: Mapping[str, AnyActivation] = {
    rule.name: rule
    for rule in (
        Activation("identity", z, "the weighted sum itself", shown_slope=Number(1.0)),
        Activation("logistic", logistic(z), "lecture: Logistic unit", shown_slope=y * (1 - y), bounds=(0.0, 1.0)),
        Activation("tanh", tanh(z), "hyperbolic tangent", shown_slope=1 - y**2, bounds=(-1.0, 1.0)),
        Activation(
            "relu",
            maximum(z, 0),
            "Nair and Hinton 2010",
            shown_slope=where(greater(z, 0), 1, 0),
            bounds=(0.0, math.inf),
            init="he_normal",
        ),
        Activation(
            "leaky_relu",
            where(greater(z, 0), z, Symbol("slope") * z),
            "Maas, Hannun and Ng 2013",
            constants={"slope": 0.01},
            init="he_normal",
        ),
        Activation(
            "elu",
            where(greater(z, 0), z, _alpha * expm1(z)),
            "Clevert, Unterthiner and Hochreiter 2015",
            shown_slope=where(greater(z, 0), 1, y + _alpha),
            constants={"alpha": 1.0},
            init="he_normal",
        ),
        Activation(
            "selu",
            _scale * where(greater(z, 0), z, _alpha * expm1(z)),
            "Klambauer et al. 2017",
            shown_slope=where(greater(z, 0), _scale, y + _scale * _alpha),
            constants={"scale": 1.0507009873554805, "alpha": 1.6732632423543772},
            init="he_normal",
        ),
        Activation("softplus", softplus(z), "Dugas et al. 2000", bounds=(0.0, math.inf)),
        Activation("exp", exp(z), "the inverse of a log link", shown_slope=y, bounds=(0.0, math.inf)),
        Activation(
            "gelu",
            z / 2 * (1 + erf(z / sqrt(2))),
            "Hendrycks and Gimpel 2016, the exact form",
            shown_slope=(1 + erf(z / sqrt(2))) / 2 + z * exp(-(z**2) / 2) / sqrt(2 * Number(math.pi)),
            init="he_normal",
        ),
        Activation(
            "silu",
            z * logistic(z),
            "Elfwing, Uchibe and Doya 2017",
            shown_slope=y + logistic(z) * (1 - y),
            init="he_normal",
        ),
        Activation(
            "gelu_tanh",
            z / 2 * (1 + tanh(sqrt(2 / Number(math.pi)) * (z + 0.044715 * z**3))),
            "Hendrycks and Gimpel 2016, the approximation by tanh",
            init="he_normal",
        ),
        Activation("mish", z * tanh(softplus(z)), "Misra 2019", init="he_normal"),
        Activation(
            "celu",
            where(greater(z, 0), z, _alpha * expm1(z / _alpha)),
            "Barron 2017",
            shown_slope=where(greater(z, 0), 1, y / _alpha + 1),
            constants={"alpha": 1.0},
            init="he_normal",
        ),
        Activation(
            "relu6", where(less(z, 6), maximum(z, 0), 6), "Krizhevsky 2010", bounds=(0.0, 6.0), init="he_normal"
        ),
        Activation(
            "hard_tanh",
            where(less(z, 1), where(greater(z, -1), z, -1), 1),
            "Collobert 2004",
            bounds=(-1.0, 1.0),
        ),
        Activation("hard_sigmoid", _hard_sigmoid, "Courbariaux et al. 2015", bounds=(0.0, 1.0)),
        Activation("hard_swish", z * _hard_sigmoid, "Howard et al. 2019", init="he_normal"),
        Activation(
            "softsign",
            z / (1 + absolute(z)),
            "Turian et al. 2009",
            shown_slope=(1 - absolute(y)) ** 2,
            bounds=(-1.0, 1.0),
        ),
        Activation("log_sigmoid", -softplus(-z), "the logarithm of the logistic function", bounds=(-math.inf, 0.0)),
        Activation("tanhshrink", z - tanh(z), "PyTorch's Tanhshrink", shown_slope=(z - y) ** 2),
        Activation(
            "softshrink",
            where(greater(z, _lambd), z - _lambd, where(less(z, -_lambd), z + _lambd, 0)),
            "Donoho 1995",
            constants={"lambd": 0.5},
        ),
        Activation(
            "hardshrink",
            where(greater(absolute(z), _lambd), z, 0),
            "Donoho and Johnstone 1994",
            constants={"lambd": 0.5},
        ),
        Activation(
            "threshold",
            where(greater(z, Symbol("threshold")), z, Symbol("value")),
            "PyTorch's Threshold; ONNX's ThresholdedRelu",
            constants={"threshold": 1.0, "value": 0.0},
            bounds=None,
        ),
        Softmax(),
    )
}


def activation(name: str, /, **constants: float) -> AnyActivation:
    """Return the activation of that name, or the one that an expression in z describes.

    Raises:
        UnknownName: no such activation or constant.
        InvalidExpression: the text is neither a name nor an expression.

    >>> from clearprop.expressions import text
    >>> text(activation("leaky_relu", slope=0.1).formula)
    'where(z > 0, z, 0.1 * z)'
    >>> text(activation("z * logistic(z)").slope.simplified)
    'logistic(z) + z * logistic(z) * logistic(-z)'
    """
    name = accepted(string, name, "activation")
    rule = ACTIVATIONS.get(own_name(name, ACTIVATIONS, OTHERS))
    if rule is None:
        if name.isidentifier() and name != "z":
            raise unknown_rule("activation", name, [*ACTIVATIONS, *OTHERS])
        rule = Activation(name, parse(name, {"z": Role.SUM}), "given as an expression", bounds=None)
    return rule.with_constants(constants)
