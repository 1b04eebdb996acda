"""The language in mpmath: each operator from its definition, to as many digits as one likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath

from clearprop.expressions import (
    Apply,
    Expression,
    Number,
    Operator,
    Symbol,
)

ORACLE: dict[Operator, Callable[..., Any]] = {
    Operator.ADD: lambda *terms: mpmath.fsum(terms),
    Operator.SUBTRACT: lambda u, v: u - v,
    Operator.MULTIPLY: lambda *factors: mpmath.fprod(factors),
    Operator.DIVIDE: lambda u, v: u / v,
    Operator.POWER: lambda u, v: u**v,
    Operator.NEGATE: lambda u: -u,
    Operator.EXP: mpmath.exp,
    Operator.LOG: mpmath.log,
    Operator.LOG1P: lambda u: mpmath.log(1 + u),
    Operator.EXPM1: mpmath.expm1,
    Operator.SQRT: mpmath.sqrt,
    Operator.TANH: mpmath.tanh,
    Operator.LOGISTIC: lambda u: 1 / (1 + mpmath.exp(-u)),
    Operator.SOFTPLUS: lambda u: mpmath.log(1 + mpmath.exp(u)),
    Operator.ERF: mpmath.erf,
    Operator.ABS: abs,
    Operator.SIN: mpmath.sin,
    Operator.COS: mpmath.cos,
    Operator.FLOOR: mpmath.floor,
    Operator.MAX: lambda u, v: u if u > v else v,
    Operator.MIN: lambda u, v: u if u < v else v,
    Operator.WHERE: lambda c, u, v: u if c else v,
    Operator.LESS: lambda u, v: u < v,
    Operator.LESS_EQUAL: lambda u, v: u <= v,
    Operator.GREATER: lambda u, v: u > v,
    Operator.GREATER_EQUAL: lambda u, v: u >= v,
}


def exact(tree: Expression, values: dict[str, Any]) -> Any:
    """The value by mpmath, from each operator's definition."""
    match tree:
        case Number(value):
            return mpmath.mpf(value)
        case Symbol(key):
            return values[str(key)]
        case Apply(operator, arguments):
            return ORACLE[operator](*(exact(argument, values) for argument in arguments))
    raise TypeError(tree)
