"""Subnormal numbers count as zero, but only where the code says so."""

from __future__ import annotations

import numpy as np
import pytest
from llvmlite import ir
from tests.engine.support.kinds import Kind, compiled, kinds

from clearprop.engine import machine
from clearprop.engine.block import Block
from clearprop.engine.kernels.subnormal import flushed
from clearprop.engine.module import Module
from clearprop.engine.numbers import INDEX, POINTER
from clearprop.engine.panels import Panel


def halves(module: Module, shape: Panel) -> ir.Function:
    """Halve numbers twice: into one array while subnormal numbers count as zero, into the other afterwards."""

    def build(b: Block) -> None:
        n, bytes_of_vector = b.named, shape.numbers.bytes * shape.numbers.lanes

        def halve(into: str) -> None:
            def vector(k: ir.Value) -> None:
                at = b.times(k, bytes_of_vector)
                b.store(b.builder.fmul(b.load(b.at(n["given"], at)), b.constant(0.5)), b.at(n[into], at))

            b.loop(0, n["vectors"], vector)

        with flushed(b, module, x86=True):
            halve("during")
        halve("after")

    arguments: list[tuple[str, ir.Type]] = [("given", POINTER), ("during", POINTER), ("after", POINTER)]
    return module.function("halves", [*arguments, ("vectors", INDEX)], build)


@kinds
@pytest.mark.skipif(not machine.host().x86, reason="the control word of x86 processors")
def test_subnormal_numbers_are_zero_until_the_processor_is_restored(kind: Kind) -> None:
    run, info = compiled(kind, halves), np.finfo(kind.dtype)
    given = np.full((4, kind.lanes), [[1.0], [info.smallest_normal], [info.smallest_subnormal * 8], [-3.0]], kind.dtype)
    during, after = np.full_like(given, 777), np.full_like(given, 777)
    run(given, during, after, 4)
    assert during[:, 0].tolist() == [0.5, 0.0, 0.0, -1.5]
    assert np.array_equal(after, given / 2)
    assert (after[1:3] > 0).all()
    assert float(np.asarray(info.smallest_normal) / 2) > 0  # this thread has its subnormal numbers still
