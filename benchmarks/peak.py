"""The peak of the processor: how many float32 operations per second its units could do at most.

    .venv/test/bin/python benchmarks/peak.py

A loop of fused multiplications and additions that stays in registers, made for the processor at hand: at
every vector width that it has, on one core and on all of them at once. The best of several runs.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.entries import cores

binding: Any = import_module("llvmlite.binding")


@dataclass(frozen=True)
class Peak:
    """Operations per second at the best vector width, which is in bytes."""

    one_core: float
    all_cores: float
    cores: int
    width: int

    def __str__(self) -> str:
        one, all_cores = self.one_core / 1e9, self.all_cores / 1e9
        return f"{one:.1f} GFLOP/s on one core, {all_cores:.1f} on {self.cores}, vectors of {8 * self.width} bits"


def source(lanes: int, sums: int) -> str:
    """Write in LLVM's language many steps of ``sums`` independent chains of s ← s·0.5 + 0.5.

    0.5 comes from memory, for what is known beforehand may be computed beforehand. Every s tends to 1.
    """
    vector = f"<{lanes} x float>"
    zero = f"{vector} zeroinitializer"
    phis = "\n".join(f"  %s{k} = phi {vector} [zeroinitializer, %entry], [%t{k}, %loop]" for k in range(sums))
    steps = "\n".join(
        f"  %t{k} = call {vector} @llvm.fmuladd.v{lanes}f32({vector} %s{k}, {vector} %half, {vector} %half)"
        for k in range(sums)
    )
    added = "\n".join(f"  %a{k + 1} = fadd {vector} {f'%a{k}' if k else 'zeroinitializer'}, %t{k}" for k in range(sums))
    return f"""
@half = global float 0.5
declare {vector} @llvm.fmuladd.v{lanes}f32({vector}, {vector}, {vector})
declare float @llvm.vector.reduce.fadd.v{lanes}f32(float, {vector})
define float @chains(i64 %times) {{
entry:
  %read = load volatile float, ptr @half
  %one = insertelement {vector} undef, float %read, i32 0
  %half = shufflevector {vector} %one, {zero}, <{lanes} x i32> zeroinitializer
  br label %loop
loop:
  %n = phi i64 [0, %entry], [%next, %loop]
{phis}
{steps}
  %next = add i64 %n, 1
  %again = icmp ult i64 %next, %times
  br i1 %again, label %loop, label %done
done:
{added}
  %sum = call float @llvm.vector.reduce.fadd.v{lanes}f32(float 0.0, {vector} %a{sums})
  ret float %sum
}}
"""


def kernel(width: int) -> tuple[int, Callable[[int], float], Any]:
    """Compile the loop for vectors of that many bytes: the operations of one time round, the loop, and its keeper.

    The loop returns the sum of all that it computed, so that none of it is left out; it lives as long as its keeper.
    """
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    # Two or more units with a latency of four or five are kept busy; few enough for the registers.
    lanes, sums = width // 4, 24 if width == 64 else 12
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=3, jit=True
    )
    engine = binding.create_mcjit_compiler(binding.parse_assembly(source(lanes, sums)), machine)
    engine.finalize_object()
    run = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_int64)(engine.get_function_address("chains"))
    return 2 * sums * lanes, run, engine


def widths() -> list[int]:
    """Return the vector widths that this processor has, in bytes."""
    features = binding.get_host_cpu_features()
    wider = {32: "avx", 64: "avx512f"}
    return [16, *(width for width, feature in wider.items() if features.get(feature))]


def together(run: Callable[[int], float], times: int, threads: int) -> float:
    """Return the seconds that it takes in that many threads at once."""
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        list(pool.map(run, [times] * threads))
        return time.perf_counter() - started


def measure(seconds: float = 0.05, runs: int = 5) -> Peak:
    """Measure the peak of one core and of all, the best of several runs."""
    found = []
    for width in widths():
        flops, run, _engine = kernel(width)
        times = int(1e6 * seconds / together(run, 1_000_000, 1)) + 1
        best = {n: flops * times * n / min(together(run, times, n) for _ in range(runs)) for n in (1, cores())}
        found.append(Peak(best[1], best[cores()], cores(), width))
    return max(found, key=lambda peak: peak.all_cores)


if __name__ == "__main__":
    print(measure())
