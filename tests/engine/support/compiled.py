"""Expressions as native code, run over arrays: what the tests of the emitter look at."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding, ir

from clearprop.engine.emit import Emitter
from clearprop.expressions import Expression
from clearprop.types import Array

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
        """What the processor has, without what is left unused and what is built on it."""
        found = dict(binding.get_host_cpu_features())
        return {name: present and not name.startswith(self.without) for name, present in found.items()}

    @property
    def fma(self) -> bool:
        """Whether there is one instruction for a multiplication and an addition."""
        return self.features.get("fma", False) or not X86

    @property
    def type(self) -> ir.Type:
        """The type of a value; with 0 lanes a number by itself."""
        element = ir.FloatType() if self.dtype == "float32" else ir.DoubleType()
        return ir.VectorType(element, self.lanes) if self.lanes else element

    @property
    def here(self) -> bool:
        """Whether this processor has vectors of that width."""
        width = self.lanes * np.dtype(self.dtype).itemsize
        return width <= 16 or self.features.get("avx512f" if width == 64 else "avx2", False)


X86 = binding.get_process_triple().startswith(("x86_64", "amd64"))
# Without these an x86 processor has what all of them have: SSE2, and nothing that multiplies and adds.
PLAIN = ("avx", "fma", "f16c", "vaes", "vpclmulqdq", "sse3", "ssse3", "sse4")
NO_512 = ("avx512", "evex512")
KINDS = [
    kind
    for kind in (
        Kind("float32", 16), Kind("float32", 8, NO_512), Kind("float32", 4, PLAIN), Kind("float32", 0),
        Kind("float64", 8), Kind("float64", 4, NO_512), Kind("float64", 2, PLAIN), Kind("float64", 0),
    )
    if kind.here
]  # fmt: skip


def machine(kind: Kind) -> Any:
    """LLVM's code generator for that kind of numbers."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    flags = ",".join(f"{'+' if present else '-'}{name}" for name, present in kind.features.items())
    cpu = "x86-64" if X86 and kind.without is PLAIN else binding.get_host_cpu_name()
    target = binding.Target.from_triple(binding.get_process_triple())
    return target.create_target_machine(cpu=cpu, features=flags, opt=3, jit=True)


def loop(kind: Kind, keys: Sequence[Hashable], write: Callable[[ir.IRBuilder, Any], list[ir.Value]], count: int) -> str:
    """A function ``run(n, inputs..., outputs...)`` over arrays of n numbers; ``write`` writes what is done
    with the vectors of each input, and returns as many results as there are outputs."""
    code = ir.Module()
    code.triple = binding.get_process_triple()
    signature = ir.FunctionType(ir.VoidType(), [INDEX] + [POINTER] * (len(keys) + count))
    function = ir.Function(code, signature, "run")
    entry, body, after = (function.append_basic_block(name) for name in ("entry", "body", "after"))
    builder = ir.IRBuilder(entry)
    builder.branch(body)
    builder.position_at_end(body)
    total, *pointers = function.args
    index = builder.phi(INDEX)
    element = kind.type.element if kind.lanes else kind.type
    size = np.dtype(kind.dtype).itemsize
    places = [builder.gep(pointer, [index], source_etype=element) for pointer in pointers]
    values = {key: builder.load(place, typ=kind.type, align=size) for key, place in zip(keys, places, strict=False)}
    for result, place in zip(write(builder, values), places[len(keys) :], strict=True):
        builder.store(result, place, align=size)
    following = builder.add(index, ir.Constant(INDEX, max(kind.lanes, 1)))
    index.add_incoming(ir.Constant(INDEX, 0), entry)
    index.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, total), body, after)
    builder.position_at_end(after)
    builder.ret_void()
    return str(code)


def module(kind: Kind, keys: Sequence[Hashable], trees: Sequence[Expression]) -> str:
    """The loop in which one emitter reads all the trees."""

    def write(builder: ir.IRBuilder, values: Any) -> list[ir.Value]:
        emitter = Emitter(builder, kind.type, fma=kind.fma)
        return [emitter.emit(tree, values) for tree in trees]

    return loop(kind, keys, write, len(trees))


def assembly(kind: Kind, source: str) -> str:
    """The instructions that code becomes, to read."""
    return str(machine(kind).emit_assembly(binding.parse_assembly(source)))


def calls(text: str) -> list[str]:
    """The lines of assembly that call a function."""
    return [line.strip() for line in text.splitlines() if re.match(r"\s+(callq?|bl|jmp\s+\w+@PLT)\b", line)]


def compiled(kind: Kind, keys: Sequence[Hashable], trees: Sequence[Expression]) -> Callable[..., list[Array]]:
    """The trees as a function of one array for each key, which gives one array for each tree."""
    return running(kind, module(kind, keys, trees), len(keys), len(trees))


def running(kind: Kind, source: str, given: int, found: int) -> Callable[..., list[Array]]:
    """The function ``run`` of the source."""
    parsed = binding.parse_assembly(source)
    parsed.verify()
    engine = binding.create_mcjit_compiler(parsed, machine(kind))
    engine.finalize_object()
    kinds = [ctypes.c_void_p] * (given + found)
    call = ctypes.CFUNCTYPE(None, ctypes.c_int64, *kinds)(engine.get_function_address("run"))

    def run(*arrays: Array, holding: Any = engine) -> list[Array]:  # the engine holds the code
        count, lanes = np.size(arrays[0]), max(kind.lanes, 1)
        padded = -(-count // lanes) * lanes
        inputs = [np.resize(np.asarray(array, kind.dtype), padded) for array in arrays]
        outputs = [np.empty(padded, kind.dtype) for _ in range(found)]
        call(padded, *(array.ctypes.data for array in (*inputs, *outputs)))
        return [array[:count] for array in outputs]

    return run
