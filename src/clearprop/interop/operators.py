"""The elementwise operators that frameworks have, each as an expression in z; where clearprop has the rule, it is the
rule's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clearprop.expressions import Apply, Expression, Number, Operator
from clearprop.expressions.tree import (
    RELATIONS,
    absolute,
    cos,
    erf,
    exp,
    expm1,
    floor,
    greater,
    log,
    log1p,
    maximum,
    minimum,
    sin,
    softplus,
    sqrt,
    tanh,
    where,
)  # fmt: skip
from clearprop.interop.chain import Chain, NotAChain, Signal
from clearprop.rules.activations import Activation, activation
from clearprop.rules.roles import z

UNARY: Mapping[str, Operator] = {
    "exp": exp, "log": log, "log1p": log1p, "expm1": expm1, "sqrt": sqrt, "sin": sin, "cos": cos, "tanh": tanh,
    "erf": erf, "abs": absolute, "floor": floor, "neg": Operator.NEGATE,
}  # fmt: skip
BINARY: Mapping[str, Operator] = {
    "add": Operator.ADD, "sub": Operator.SUBTRACT, "mul": Operator.MULTIPLY, "div": Operator.DIVIDE,
    "pow": Operator.POWER, "max": maximum, "min": minimum,
    "less": Operator.LESS, "lessorequal": Operator.LESS_EQUAL,
    "greater": Operator.GREATER, "greaterorequal": Operator.GREATER_EQUAL,
}  # fmt: skip


SAME = 20.0
"""PyTorch's usual threshold of softplus, above which it differs from z by less than any tolerance."""


def rule(name: str, **constants: float) -> Expression:
    """Return the formula of a named rule.

    >>> rule("leaky_relu", slope=0.2)
    where(>(z, 0.0), z, *(0.2, z))
    """
    found = activation(name, **constants)
    assert isinstance(found, Activation)
    return found.formula


def is_condition(tree: Expression) -> bool:
    """Return whether an expression is true or false."""
    return isinstance(tree, Apply) and tree.operator in RELATIONS


def as_number(tree: Expression) -> Expression:
    """Return 1 where a condition holds, else 0."""
    return where(tree, 1, 0)


def clip(low: float | None, high: float | None) -> Expression:
    """Return z within bounds."""
    tree: Expression = z
    if low is not None:
        tree = maximum(tree, low)
    return tree if high is None else minimum(tree, high)


def elu(alpha: float = 1.0, scale: float = 1.0, inner: float = 1.0) -> Expression:
    """Return z above 0, and below it alpha · (e^(inner · z) - 1), both times scale."""
    below: Expression = expm1(z if inner == 1 else inner * z)
    tree = where(greater(z, 0), z, below if alpha == 1 else alpha * below)
    return tree if scale == 1 else Number(scale) * tree


def softplus_of(beta: float = 1.0, threshold: float = SAME) -> Expression:
    """Return log(1 + e^(beta · z)) / beta; z itself where beta · z is above a threshold at which they differ."""
    inner = z if beta == 1 else beta * z
    smooth = softplus(inner) if beta == 1 else softplus(inner) / beta
    return smooth if threshold >= SAME else where(greater(inner, threshold), z, smooth)


FIXED: Mapping[str, Callable[[], Expression]] = {
    "identity": lambda: z,
    "linear": lambda: z,
    "relu": lambda: rule("relu"),
    "relu6": lambda: rule("relu6"),
    "sigmoid": lambda: rule("logistic"),
    "tanh": lambda: rule("tanh"),
    "selu": lambda: rule("selu"),
    "silu": lambda: rule("silu"),
    "swish": lambda: rule("silu"),
    "mish": lambda: rule("mish"),
    "softsign": lambda: rule("softsign"),
    "hardsigmoid": lambda: rule("hard_sigmoid"),
    "hardswish": lambda: rule("hard_swish"),
    "logsigmoid": lambda: rule("log_sigmoid"),
    "tanhshrink": lambda: rule("tanhshrink"),
    "exponential": lambda: rule("exp"),
    "hardtanh": lambda: rule("hard_tanh"),
    "sparseplus": lambda: where(greater(z, 1), z, where(greater(z, -1), (z + 1) ** 2 / 4, 0)),
    "squareplus": lambda: (z + sqrt(z**2 + 4)) / 2,
    "sparsesigmoid": lambda: minimum(maximum((z + 1) / 2, 0), 1),
}
"""Activations without constants that several frameworks have, by their name in small letters without ``_``."""


def applied(chain: Chain, signal: Signal, name: str, place: str, **constants: Any) -> Signal:
    """Return an activation by a framework's name applied to a signal.

    Raises:
        NotAChain: there is no such activation.
    """
    plain = name.lower().replace("_", "")
    if plain in ("softmax", "softmaxv2"):
        return chain.softmax(signal, place)
    if plain in FIXED:
        return signal if plain in ("identity", "linear") else chain.elementwise(signal, FIXED[plain](), place)
    tree = _with_constants(plain, constants)
    if tree is None:
        raise NotAChain(f"{place}: the activation {name} cannot be taken")
    return chain.elementwise(signal, tree, place)


def _with_constants(plain: str, given: Mapping[str, Any]) -> Expression | None:
    def constant(*names: str, usual: float) -> float:
        return next((float(given[each]) for each in names if given.get(each) is not None), usual)

    match plain:
        case "leakyrelu":
            return rule("leaky_relu", slope=constant("negative_slope", "slope", "alpha", usual=0.01))
        case "elu":
            return rule("elu", alpha=constant("alpha", usual=1.0))
        case "celu":
            return rule("celu", alpha=constant("alpha", usual=1.0))
        case "gelu":
            return rule("gelu_tanh" if given.get("approximate") in ("tanh", True) else "gelu")
        case "softplus":
            return softplus_of(constant("beta", usual=1.0), constant("threshold", usual=SAME))
        case "softshrink":
            return rule("softshrink", lambd=constant("lambd", "threshold", usual=0.5))
        case "hardshrink":
            return rule("hardshrink", lambd=constant("lambd", "threshold", usual=0.5))
        case "threshold":
            return rule("threshold", threshold=constant("threshold", usual=0.0), value=constant("value", usual=0.0))
        case "hardsigmoidof":
            return minimum(maximum(constant("alpha", usual=0.2) * z + constant("beta", usual=0.5), 0), 1)
        case "thresholdedrelu":
            return rule("threshold", threshold=constant("theta", usual=1.0), value=0.0)
    return None
