"""The peak of the processor: how many float32 operations per second its units could do at most.

    .venv/test/bin/python benchmarks/peak.py

A loop of fused multiplications and additions that stays in registers, made for the processor at hand: at
every vector width that it has, on one core and on all of them at once. The best of several runs.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

binding: Any = import_module("llvmlite.binding")

Loop = Callable[[int], float]
"""Runs so many times, and returns the sum of all that it computed, so that none of it is left out."""


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
    """LLVM's language for ``sums`` independent chains of s ← s·0.5 + 0.5, so many steps each.

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


@dataclass(frozen=True)
class Kernel:
    """The loop at one vector width. It lives as long as ``keeps`` does."""

    width: int
    sums: int
    run: Loop
    keeps: Any

    @property
    def flops(self) -> int:
        """Operations of one time round the loop: a multiplication and an addition for every lane."""
        return 2 * self.sums * self.width // 4


def kernel(width: int) -> Kernel:
    """The loop for vectors of so many bytes."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    # Two or more units with a latency of four or five are kept busy; few enough for the registers.
    sums = 24 if width == 64 else 12
    features = binding.get_host_cpu_features().flatten()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features, opt=3, jit=True
    )
    engine = binding.create_mcjit_compiler(binding.parse_assembly(source(width // 4, sums)), machine)
    engine.finalize_object()
    run = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_int64)(engine.get_function_address("chains"))
    return Kernel(width, sums, run, engine)


def widths() -> list[int]:
    """The vector widths that this processor has, in bytes."""
    features = binding.get_host_cpu_features()
    wider = {32: "avx", 64: "avx512f"}
    return [16, *(width for width, feature in wider.items() if features.get(feature))]


def together(run: Callable[[], object], count: int) -> float:
    """Seconds that it takes to run in so many threads at once, from a common start."""
    ready = threading.Barrier(count + 1)

    def wait_and_run() -> None:
        with suppress(threading.BrokenBarrierError):
            ready.wait()
            run()

    threads = [threading.Thread(target=wait_and_run) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        ready.wait()
    except BaseException:
        ready.abort()  # or those that wait would keep an interrupted process from its end
        raise
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def rate(of: Kernel, cores: int, seconds: float, runs: int) -> float:
    """Operations per second on so many cores at once, the best of several runs."""
    times = 1_000_000
    times = max(1, int(times * seconds / max(together(lambda: of.run(times), 1), 1e-9)))
    best = min(together(lambda: of.run(times), cores) for _ in range(runs))
    return of.flops * times * cores / best


def measure(seconds: float = 0.05, runs: int = 5) -> Peak:
    """The peak of one core and of all."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = []
    for each in map(kernel, widths()):
        one = rate(each, 1, seconds, runs)
        found.append(Peak(one, rate(each, cores, seconds, runs) if cores > 1 else one, cores, each.width))
    return max(found, key=lambda peak: peak.all_cores)


if __name__ == "__main__":
    print(measure())
