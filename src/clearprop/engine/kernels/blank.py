"""Blanking: what fills up a panel is made zero again, after an update that does not leave it zero."""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import INDEX, POINTER, Block, Module
from clearprop.engine.kernels.activate import each_vector, only
from clearprop.engine.panels import Panels


def blank(module: Module, panels: Panels, units: int, remembered: int) -> ir.Function:
    """Rows of a panel with so many units: arguments w, how many rows, and the bytes from w to the first of
    the ``remembered`` things that the optimizer keeps for each weight (and from there to the next)."""

    def build(b: Block) -> None:
        n = b.named

        def vector(at: ir.Value, _: int, lanes: ir.Value | None) -> None:
            if lanes is None:
                return
            for position in range(1 + remembered):
                place = b.at(n["w"], at, b.times(n["state"], position))
                b.store(only(b, b.load(place), lanes), place)

        each_vector(b, panels, units, n["rows"], vector)

    return module.function(f"blank_{units}", [("w", POINTER), ("rows", INDEX), ("state", INDEX)], build)
