"""The functions of the language in vector code: every one of additions, multiplications and bits alone.

No library is called, so the same code stands in a loop over any number of lanes, and gives the same
result whatever stands in the other lanes. Infinities, NaN, signed zeros, and results too small for all
their digits are what they are in NumPy.

The largest errors found, in units in the last place: in single precision among all numbers, in double
precision among 3.6 million; and where multiplication and addition are not one instruction
(``scripts/sweep_mathematics.py``).

| function | single | no FMA | double | no FMA |
| -------- | ------ | --------- | ------ | --------- |
| exp      | 1.05   | 0.93      | 0.91   | 0.91      |
| expm1    | 1.61   | 1.68      | 1.55   | 1.49      |
| log      | 0.93   | 0.96      | 0.87   | 0.87      |
| log1p    | 1.53   | 1.53      | 1.50   | 1.50      |
| logistic | 1.73   | 1.96      | 1.57   | 1.70      |
| tanh     | 1.18   | 1.12      | 1.15   | 1.10      |
| softplus | 1.78   | 1.81      | 1.69   | 1.69      |
| erf      | 1.09   | 1.32      | 1.10   | 1.35      |
| sqrt     | 0.50   | 0.50      | 0.50   | 0.50      |
| u**v     | 0.51   | 0.51      | 1.35   | 1.36      |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llvmlite import ir

from clearprop.engine.mathematics.circular import cos, floor, sin
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
    Operator.SIN: sin,
    Operator.COS: cos,
    Operator.FLOOR: floor,
}

__all__ = ["FUNCTIONS", "Lanes", "power", "whole_power"]
