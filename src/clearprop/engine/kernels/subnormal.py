"""Subnormal numbers: while steps are made, they count as zero.

A weight that nothing feeds, kept small by a penalty, brings moments of 1e-40 with it; a processor takes
a hundred times as long for each of them, and they change nothing. Functions that only read a trained
network leave them as they are.
"""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.module import Module
from clearprop.engine.numbers import POINTER

FLUSH = 0x8040
"""In an x86 processor's control word: results that are subnormal become zero, and so do operands."""


def flushed(b: Block, module: Module) -> ir.Value:
    """From here on subnormal numbers count as zero; gives what ``restored`` needs."""
    word = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [POINTER])
    before, now = b.builder.alloca(word), b.builder.alloca(word)
    b.builder.call(module.imported("llvm.x86.sse.stmxcsr", kind), [before])
    value = b.builder.load(before, typ=word, align=4)
    b.builder.store(b.builder.or_(value, ir.Constant(word, FLUSH)), now)
    b.builder.call(module.imported("llvm.x86.sse.ldmxcsr", kind), [now])
    return before


def restored(b: Block, module: Module, before: ir.Value) -> None:
    """The processor as it was."""
    kind = ir.FunctionType(ir.VoidType(), [POINTER])
    b.builder.call(module.imported("llvm.x86.sse.ldmxcsr", kind), [before])
