"""Expressions as native code, run over arrays: what the tests of the emitter look at."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Hashable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding, ir

from clearprop.arrays import Array
from clearprop.engine.emit import Emitter
from clearprop.expressions import Expression

INDEX, POINTER = ir.IntType(64), ir.PointerType()


class Kind(NamedTuple):
    """The numbers that code is made for, and what of the processor is left unused."""

    dtype: str
    lanes: int
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.dtype}x{self.lanes}" + "".join(f" without {feature}" for feature in self.without)

    @property
    def features(self) -> dict[str, bool]:
        """What the processor has and code may use. What is unused takes along what is built on it."""
        found = dict(binding.get_host_cpu_features())
        return {
            name: present and not any(name.startswith(feature) for feature in self.without)
            for name, present in found.items()
        }

    @property
    def fused(self) -> bool:
        """Whether there is one instruction for a multiplication and an addition."""
        return self.features.get("fma", False) or not binding.get_process_triple().startswith("x86_64")

    @property
    def type(self) -> ir.Type:
        """The type of a value; with 0 lanes a number by itself."""
        element = ir.FloatType() if self.dtype == "float32" else ir.DoubleType()
        return ir.VectorType(element, self.lanes) if self.lanes else element


# Without these an x86 processor has what all of them have, SSE2.
PLAIN = ("avx", "fma", "f16c", "vaes", "vpclmulqdq", "xsave", "sse3", "ssse3", "sse4", "evex512")
NO_512 = ("avx512", "evex512")
KINDS = [
    Kind("float32", 16), Kind("float32", 8, NO_512), Kind("float32", 4, PLAIN), Kind("float32", 0),
    Kind("float64", 8), Kind("float64", 4, NO_512), Kind("float64", 2, PLAIN), Kind("float64", 0),
]  # fmt: skip


def here(kind: Kind) -> bool:
    """Whether this processor has vectors of that width."""
    width = kind.lanes * (4 if kind.dtype == "float32" else 8)
    return width <= 16 or kind.features.get("avx512f" if width == 64 else "avx2", False)


@cache
def _machine(kind: Kind) -> Any:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    flags = ",".join(f"{'+' if present else '-'}{name}" for name, present in kind.features.items())
    cpu = "x86-64" if kind.without is PLAIN else binding.get_host_cpu_name()
    target = binding.Target.from_triple(binding.get_process_triple())
    return target.create_target_machine(cpu=cpu, features=flags, opt=3, jit=True)


def module(kind: Kind, keys: Sequence[Hashable], trees: Sequence[Expression]) -> str:
    """A function ``run(count, inputs..., outputs...)`` over arrays: one loop, one emitter, all the trees."""
    code = ir.Module()
    code.triple = binding.get_process_triple()
    signature = ir.FunctionType(ir.VoidType(), [INDEX] + [POINTER] * (len(keys) + len(trees)))
    function = ir.Function(code, signature, "run")
    entry, loop, after = (function.append_basic_block(name) for name in ("entry", "loop", "after"))
    builder = ir.IRBuilder(entry)
    builder.branch(loop)
    builder.position_at_end(loop)
    count, *pointers = function.args
    index = builder.phi(INDEX)
    element = kind.type.element if kind.lanes else kind.type
    size = 4 if kind.dtype == "float32" else 8
    places = [builder.gep(pointer, [index], source_etype=element) for pointer in pointers]
    values = {key: builder.load(place, typ=kind.type, align=size) for key, place in zip(keys, places, strict=False)}
    emitter = Emitter(builder, kind.type, fused=kind.fused)
    for tree, place in zip(trees, places[len(keys) :], strict=True):
        builder.store(emitter.emit(tree, values), place, align=size)
    following = builder.add(index, ir.Constant(INDEX, max(kind.lanes, 1)))
    index.add_incoming(ir.Constant(INDEX, 0), entry)
    index.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    builder.position_at_end(after)
    builder.ret_void()
    return str(code)


def assembly(kind: Kind, keys: Sequence[Hashable], trees: Sequence[Expression]) -> str:
    """The instructions of that function, to read."""
    return str(_machine(kind).emit_assembly(binding.parse_assembly(module(kind, keys, trees))))


def compiled(kind: Kind, keys: Sequence[Hashable], trees: Sequence[Expression]) -> Callable[..., list[Array]]:
    """The trees as a function of one array for each key, which gives one array for each tree."""
    parsed = binding.parse_assembly(module(kind, keys, trees))
    parsed.verify()
    engine = binding.create_mcjit_compiler(parsed, _machine_of_its_own(kind))
    engine.finalize_object()
    call = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * (len(keys) + len(trees)))(
        engine.get_function_address("run")
    )

    def run(*arrays: Array) -> list[Array]:
        count, lanes = arrays[0].size, max(kind.lanes, 1)
        padded = -(-count // lanes) * lanes
        given = [np.resize(np.asarray(array, kind.dtype), padded) for array in arrays]
        found = [np.empty(padded, kind.dtype) for _ in trees]
        call(padded, *(array.ctypes.data for array in (*given, *found)))
        assert engine is not None  # it holds the code
        return [array[:count] for array in found]

    return run


def _machine_of_its_own(kind: Kind) -> Any:
    # An execution engine takes its machine over.
    _machine.cache_clear()
    return _machine(kind)
