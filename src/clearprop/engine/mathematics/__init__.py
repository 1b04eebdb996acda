"""The functions of the language in vector code: every one of additions, multiplications and bits alone.

No library is called, so the same code stands in a loop over any number of lanes, and gives the same
result whatever stands in the other lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llvmlite import ir

from clearprop.engine.mathematics.error_function import erf
from clearprop.engine.mathematics.exponential import exp, expm1
from clearprop.engine.mathematics.lanes import Lanes
from clearprop.engine.mathematics.logarithm import log, log1p
from clearprop.engine.mathematics.power import power, whole_power
from clearprop.engine.mathematics.sigmoid import logistic, softplus, tanh
from clearprop.expressions import Operator

FUNCTIONS: Mapping[Operator, Callable[[Lanes, ir.Value], ir.Value]] = {
    Operator.NEGATE: Lanes.negate,
    Operator.ABS: Lanes.absolute,
    Operator.SQRT: Lanes.square_root,
    Operator.EXP: exp,
    Operator.EXPM1: expm1,
    Operator.LOG: log,
    Operator.LOG1P: log1p,
    Operator.LOGISTIC: logistic,
    Operator.TANH: tanh,
    Operator.SOFTPLUS: softplus,
    Operator.ERF: erf,
}

__all__ = ["FUNCTIONS", "Lanes", "power", "whole_power"]
