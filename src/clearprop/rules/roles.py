"""The roles that symbols of a rule stand for.

A rule speaks of roles, never of letters or of names in somebody's network: each notation
chooses its own letters (the lecture's n is a learning rate, Adam's t a step number).
Named constants of a rule (a slope, a delta, beta1) are symbols with a plain string as key.
"""

from __future__ import annotations

from enum import Enum

from clearprop.expressions import Symbol


class Role(Enum):
    """The part a symbol plays in a rule."""

    SUM = "z"
    OUTPUT = "y"
    TARGET = "t"
    WEIGHT = "w"
    GRADIENT = "g"
    RATE = "rate"
    STEP = "step"
    FAN_IN = "fan_in"
    FAN_OUT = "fan_out"

    def __str__(self) -> str:
        return self.value


z = Symbol(Role.SUM)
y = Symbol(Role.OUTPUT)
t = Symbol(Role.TARGET)
w = Symbol(Role.WEIGHT)
g = Symbol(Role.GRADIENT)
rate = Symbol(Role.RATE)
step = Symbol(Role.STEP)
fan_in = Symbol(Role.FAN_IN)
fan_out = Symbol(Role.FAN_OUT)
