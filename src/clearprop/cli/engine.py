"""``clearprop engine``"""

from __future__ import annotations

from typing import Any

from clearprop.cli.output import deliver
from clearprop.engine.availability import unusable
from clearprop.errors import EngineUnusable
from clearprop.loading import load
from clearprop.rendering.as_json import dumps


def run_engine(
    net: str,
    *,
    data: str | None = None,
    target: tuple[str, ...] = (),
    batch_size: int | None = None,
    threads: int | None = None,
    assembly: bool = False,
    format: str = "text",
) -> int:
    """Print the plan and the measured rate, or the machine code.

    Raises:
        EngineUnusable: no native code can be made here.
    """
    missing = unusable()
    if missing is not None:
        raise EngineUnusable(missing)
    from clearprop.training.inspection import Inspection, inspected

    problem = load(net, data=data, target=target or None)
    found: Inspection = inspected(problem, batch_size, threads, measure=not assembly)
    if assembly:
        deliver(found.assembly(), None)
    else:
        deliver(dumps(structure(found)) if format == "json" else text(found), None)
    return 0


def structure(found: Any) -> dict[str, Any]:
    """The plan and the measurements for ``--format json``."""
    return {
        "processor": found.cpu,
        "vector_bytes": found.vector_bytes,
        "dtype": found.dtype,
        "batch": found.batch,
        "threads": found.threads,
        "tile": {"examples": found.tile.rows, "inputs": found.tile.inputs, "vectors": found.tile.vectors},
        "whole_gradient": found.whole_gradient,
        "layers": [
            {"inputs": layer.inputs, "units": layer.units, "panels": layer.panels, "computed": layer.computed}
            for layer in found.layers
        ],
        "code_bytes": found.code,
        "memory_bytes": found.memory,
        "code_from": found.origin,
        "code_seconds": found.seconds,
        "cache": {"folder": found.cache, "unused": found.unused},
        "microseconds_per_step": {"expected": found.expected * 1e6, "measured": found.measured * 1e6},
        "examples_per_second": found.batch / found.measured,
        "gflops": found.gflops,
    }


def text(found: Any) -> str:
    """The same as lines of text."""
    lanes = found.vector_bytes // (4 if found.dtype == "float32" else 8)
    lines = [
        f"processor: {found.cpu}, vectors of {lanes} numbers in {found.dtype}",
        f"step: {found.batch:,} examples, {found.threads} {'thread' if found.threads == 1 else 'threads'}",
        f"tile: {found.tile.rows} examples by {found.tile.vectors} vectors of units forward and back, "
        f"{found.tile.inputs} inputs by {found.tile.vectors} vectors in the gradient",
        "gradient: whole before the update" if found.whole_gradient else "gradient: updated tile by tile",
        "",
    ]
    for number, layer in enumerate(found.layers, start=1):
        shape = f"{layer.inputs:,} inputs, {layer.units:,} units"
        panels = f"{layer.panels:,} {'panel' if layer.panels == 1 else 'panels'}"
        lines.append(f"layer {number}: {shape}, {panels}, {layer.computed:,} units computed")
    source = {"compiled": "compiled", "disk": "read from the cache", "memory": "already there"}[found.origin]
    lines += [
        "",
        f"code: {found.code:,} bytes, {source} in {found.seconds * 1e3:.0f} ms",
        f"cache: {found.cache}" if found.unused is None else f"cache: not used ({found.unused})",
        f"memory beside the data: {found.memory / 1e6:,.1f} MB",
        f"expected: {shown(found.expected)} a step",
        f"measured: {shown(found.measured)} a step, {found.batch / found.measured:,.0f} examples a second, "
        f"{found.gflops:.1f} GFLOP/s",
    ]
    return "\n".join(lines) + "\n"


def shown(seconds: float) -> str:
    """A short time."""
    return f"{seconds * 1e6:,.2f} µs" if seconds < 1e-3 else f"{seconds * 1e3:,.2f} ms"
