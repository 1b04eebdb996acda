"""The compiled engine's plan for a problem, as a document and as a structure."""

from __future__ import annotations

from typing import Any

from clearprop.messages import counted
from clearprop.network.problem import Problem
from clearprop.rendering.document import Lines, View
from clearprop.rendering.formats import Result
from clearprop.training.inspection import Inspection

ORIGINS = {"compiled": "compiled", "disk": "read from the cache", "memory": "already loaded"}


def engine_result(problem: Problem, found: Inspection) -> Result:
    """Return the plan of a training step, the code, and how fast it is, to print."""
    lanes = found.target.vector_bytes // (4 if found.dtype == "float32" else 8)
    program, code = found.native.program, found.code
    tile = program.tile
    layers = [
        f"layer {number}: {layer.inputs:,} inputs, {layer.units:,} units, {counted(layer.panels, 'panel')}, "
        f"{layer.computed:,} units computed"
        for number, layer in enumerate(found.layers, start=1)
    ]
    document = (
        Lines((
            f"processor: {found.target.cpu}, vectors of {lanes} numbers in {found.dtype}",
            f"step: {counted(found.batch, 'example')}, {counted(found.native.threads, 'thread')}",
            f"tile: {tile.rows} examples by {tile.vectors} vectors of units forward and back, "
            f"{tile.inputs} inputs by {tile.vectors} vectors in the gradient",
            "gradient: whole before the update" if program.whole_gradient else "gradient: updated tile by tile",
        )),
        Lines(tuple(layers)),
        Lines((
            f"code: {code.size:,} bytes, {ORIGINS[code.origin]} in {code.seconds * 1e3:.0f} ms",
            f"cache: {found.cache}" if found.unused is None else f"cache: not used ({found.unused})",
            f"memory besides the data: {found.memory / 1e6:,.1f} MB",
            f"expected: {duration(found.expected)} per step",
            f"measured: {duration(found.measured)} per step, {found.batch / found.measured:,.0f} examples per second, "
            f"{found.gflops:.1f} GFLOP/s",
        )),
    )  # fmt: skip
    return Result(problem.heading, document, View(problem.names), lambda: engine_structure(found))


def duration(seconds: float) -> str:
    """Return a short time as text.

    >>> duration(2.5e-6), duration(0.0125)
    ('2.50 µs', '12.50 ms')
    """
    return f"{seconds * 1e6:,.2f} µs" if seconds < 1e-3 else f"{seconds * 1e3:,.2f} ms"


def engine_structure(found: Inspection) -> dict[str, Any]:
    """Return the plan and the measurements for ``engine --format json``."""
    program, code = found.native.program, found.code
    return {
        "processor": found.target.cpu,
        "vector_bytes": found.target.vector_bytes,
        "dtype": found.dtype,
        "batch": found.batch,
        "threads": found.native.threads,
        "tile": {"examples": program.tile.rows, "inputs": program.tile.inputs, "vectors": program.tile.vectors},
        "whole_gradient": program.whole_gradient,
        "layers": [layer._asdict() for layer in found.layers],
        "code_bytes": code.size,
        "memory_bytes": found.memory,
        "code_from": code.origin,
        "code_seconds": code.seconds,
        "cache": {"folder": found.cache, "unused": found.unused},
        "microseconds_per_step": {"expected": found.expected * 1e6, "measured": found.measured * 1e6},
        "examples_per_second": found.batch / found.measured,
        "gflops": found.gflops,
    }
