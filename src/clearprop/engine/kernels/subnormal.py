"""Subnormal numbers: while steps are made, they count as zero.

A weight that nothing feeds, kept small by a penalty, brings moments of 1e-40 with it; a processor takes
a hundred times as long for each of them, and they change nothing. Functions that only read a trained
network leave them as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.module import Module
from clearprop.engine.numbers import POINTER

FLUSH = 0x8040
"""In an x86 processor's control word: results that are subnormal become zero, and so do operands."""


@contextmanager
def flushed(b: Block, module: Module, *, x86: bool) -> Iterator[None]:
    """Build work for which subnormal numbers count as zero, on a processor that can be told so."""
    if not x86:
        yield
        return
    word, kind = ir.IntType(32), ir.FunctionType(ir.VoidType(), [POINTER])
    before, now = b.builder.alloca(word), b.builder.alloca(word)
    b.builder.call(module.imported("llvm.x86.sse.stmxcsr", kind), [before])
    value = b.builder.load(before, typ=word, align=4)
    b.builder.store(b.builder.or_(value, ir.Constant(word, FLUSH)), now)
    b.builder.call(module.imported("llvm.x86.sse.ldmxcsr", kind), [now])
    yield
    b.builder.call(module.imported("llvm.x86.sse.ldmxcsr", kind), [before])
