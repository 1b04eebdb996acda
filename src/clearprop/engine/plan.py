"""The plan: which tiles, how many examples at a time, and how many threads, for a problem on a machine."""

from __future__ import annotations

from clearprop.engine.block import Numbers
from clearprop.engine.machine import Target
from clearprop.engine.program import Program, Tile
from clearprop.engine.workers import processors
from clearprop.network.description import Network
from clearprop.network.problem import Problem

SECOND_CACHE = 1 << 20
"""The bytes of a processor's own second cache that the plan counts on."""

MOST_EXAMPLES = 2048
"""Examples whose activations are kept at a time; a larger batch adds up its gradient in parts."""


def program(problem: Problem, dtype: str, target: Target, batch: int) -> Program:
    """What is compiled for a problem with batches of that many examples."""
    lanes = target.vector_bytes // (4 if dtype == "float32" else 8)
    numbers = Numbers(dtype, lanes, target.fused)
    # Sums that stay in registers, with room for a row of weights and an activation beside them.
    rows = 8 if target.registers == 32 else 6
    vectors = 2
    # Panels of inputs whose activations fit half of the second cache.
    size = min(batch, MOST_EXAMPLES) * vectors * target.vector_bytes
    inputs = min(lanes, 8 if target.registers == 32 else 4)
    tile = Tile(rows, inputs, vectors, panels=max(1, SECOND_CACHE // 2 // size))
    whole = problem.optimizer.clip_norm is not None or batch > MOST_EXAMPLES
    return Program(problem, numbers, tile, target.triple, target.x86, whole)


def rows(program: Program, batch: int) -> int:
    """How many examples a panel of activations has room for, in whole tiles."""
    tile = program.tile.rows
    return -(-min(batch, MOST_EXAMPLES) // tile) * tile


def seconds(program: Program, batch: int, threads: int = 1) -> float:
    """About how long a step takes: the cost model."""
    panels, sizes = program.panels, program.problem.network.sizes
    layers = range(1, len(sizes))
    # A tile computes its rows and vectors, filled up or not.
    filled = -(-batch // program.tile.rows) * program.tile.rows
    products = sum(sizes[k - 1] * panels.padded(k) * (2 if k == 1 else 3) * filled for k in layers)
    units = sum(panels.padded(k) * filled for k in layers)
    updates = sum(sizes[k - 1] * panels.padded(k) for k in layers) * (1 + len(program.problem.optimizer.state))
    work = (products / PRODUCTS + units / UNITS + updates / UPDATES) / panels.numbers.lanes
    return work / threads + STEP * len(layers) + (BARRIER * 2 if threads > 1 else 0.0)


PRODUCTS, UNITS, UPDATES = 4e9, 2e8, 8e8
"""How many vectors a second one thread multiplies and adds, activates, and updates."""

STEP, BARRIER = 60e-9, 1e-6
"""Seconds that each layer costs beside, and each barrier."""


def threads(program: Program, batch: int) -> int:
    """As many threads as make a step shorter by a tenth each."""
    best = 1
    for count in range(2, processors() + 1):
        if seconds(program, batch, count) < 0.9 * seconds(program, batch, best):
            best = count
    return best


def operations(network: Network, batch: int) -> int:
    """Multiplications and additions of a step: three products per layer, but no gradient by the inputs."""
    sizes = network.sizes
    pairs = [one * other for one, other in zip(sizes, sizes[1:], strict=False)]
    return batch * (6 * sum(pairs) - 2 * pairs[0])
