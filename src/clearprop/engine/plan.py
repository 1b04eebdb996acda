"""The plan for a problem on a machine: tiles, examples at a time, threads."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from clearprop.engine.machine import Target
from clearprop.engine.numbers import Numbers
from clearprop.engine.panels import Panels
from clearprop.engine.processors import processors
from clearprop.engine.program import Program, Tile, each_once
from clearprop.engine.single import fits
from clearprop.network.description import Network
from clearprop.network.problem import Problem

SECOND_CACHE = 1 << 20
"""The bytes of a processor's second cache that the plan assumes."""

EXAMPLES = 128
"""Examples that go through a panel of weights together: their results fit the innermost cache."""

MOST_EXAMPLES = 2040
"""Examples whose activations are kept at a time, in whole tiles of any kind; a larger batch adds up its gradient in
parts."""


def program(problem: Problem, dtype: str, target: Target, batch: int) -> Program:
    """Return the program to compile for a problem with batches of that many examples."""
    network, optimizer, examples = problem.network, problem.optimizer, problem.examples
    lanes = target.vector_bytes // (4 if dtype == "float32" else 8)
    numbers = Numbers(dtype, lanes, target.fma)
    # Sums that stay in registers, with room for a row of weights and an activation beside them.
    rows = 8 if target.registers == 32 else 6
    tile = Tile(rows, min(lanes, 8 if target.registers == 32 else 4), vectors=2)
    rules = [layer.rule for layer in network.layers]
    panels = Panels(numbers, tile.vectors, network)
    return Program(
        numbers,
        tile,
        target.triple,
        target.x86,
        panels.widths,
        hidden=each_once(rules[:-1]),
        last=rules[-1],
        loss=network.loss.rule,
        fused=network.fused,
        optimizer=optimizer,
        penalty=problem.penalty,
        weighted=examples is not None and examples.weights is not None,
        dropped=any(layer.dropout for layer in network.layers),
        outputs_dropped=network.layers[-1].dropout > 0,
        shared=any(layer.bias == "shared" and layer.train_bias for layer in network.layers),
        whole_gradient=optimizer.clip_norm is not None or batch > MOST_EXAMPLES,
        alone=batch < rows // 2,
        single=network if fits(network, optimizer, batch, dtype) else None,
    )


def rows(program: Program, batch: int) -> int:
    """Return the number of examples for which a panel of activations has room, in whole tiles."""
    tile = program.tile.rows
    return -(-min(batch, MOST_EXAMPLES) // tile) * tile


def block(program: Program, network: Network) -> int:
    """Return the number of examples that go through a panel of weights together, in whole tiles.

    It is larger where a layer has too many weights for the second cache.
    """
    most = max(one * other for one, other in pairwise(network.sizes)) * program.numbers.bytes
    examples = EXAMPLES if most <= SECOND_CACHE else 2 * EXAMPLES
    return examples // program.tile.rows * program.tile.rows


def chunk(program: Program, batch: int) -> int:
    """Return the number of panels of inputs that meet all panels of units before the next ones do.

    Their activations fit half of the second cache.
    """
    return max(1, SECOND_CACHE // 2 // (min(batch, MOST_EXAMPLES) * program.shape.row))


LONG = 0.05
"""Seconds: a longer step can be interrupted before its end."""


class Counts(NamedTuple):
    """The work of a step on each thread, in vectors: multiplications with additions, activations, updates (once more
    for each number that the optimizer remembers per weight), and numbers that threads write for each other; and how
    often they meet."""

    products: float
    units: float
    updates: float
    moved: float
    meetings: float


SECONDS = Counts(products=2.4e-10, units=9.9e-9, updates=8.4e-10, moved=3.9e-9, meetings=9.2e-7)
"""The seconds that each takes. Fitted by ``benchmarks/plan.py --fit``."""


def counts(program: Program, network: Network, batch: int, threads: int = 1) -> Counts:
    """Count the work of a step with that many examples and threads."""
    panels, sizes = Panels(program.numbers, program.tile.vectors, network), network.sizes
    layers, share = range(1, len(sizes)), panels.numbers.lanes * threads
    # A tile computes its rows and vectors, filled up or not.
    filled = -(-batch // program.tile.rows) * program.tile.rows
    products = sum(sizes[k - 1] * panels.padded(k) * (2 if k == 1 else 3) * filled for k in layers)
    units = sum(panels.padded(k) * filled for k in layers)
    weights = sum(sizes[k - 1] * panels.padded(k) for k in layers)
    updates = weights * (1 + len(program.optimizer.state))
    # Outputs and signals, and the weights twice: all threads read all of them, and each wrote a part.
    moved = (panels.padded(0) * filled + 2 * units + 2 * weights) * (threads - 1)
    meetings = 2 if threads > 1 else 0
    return Counts(products / share, units / share, updates / share, moved / share, meetings)


def seconds(program: Program, network: Network, batch: int, threads: int = 1) -> float:
    """Estimate the seconds of a step: the cost model."""
    work = counts(program, network, batch, threads)
    return sum(count * each for count, each in zip(work, SECONDS, strict=True))


PART = 0.1
"""Seconds of a call that looks at examples: an interrupt waits for its end."""


def most(program: Program, network: Network) -> int:
    """Return the number of examples that a call looks at. It takes no longer than a step would on as many."""
    return max(1, int(PART / seconds(program, network, EXAMPLES))) * EXAMPLES


WORTH = 10e-6
"""Seconds of a step that another thread has to save: it is started in every call, and takes a processor."""


def threads(program: Program, network: Network, batch: int) -> int:
    """Return the number of threads: each one more makes a step a tenth shorter, and shorter by ``WORTH``."""
    best = 1
    if program.single is not None:
        return best
    for count in range(2, processors() + 1):
        now = seconds(program, network, batch, best)
        if now - seconds(program, network, batch, count) > max(0.1 * now, WORTH):
            best = count
    return best


def operations(network: Network, batch: int) -> int:
    """Count the multiplications and additions of a step: three products per layer, but no gradient by the inputs."""
    sizes = network.sizes
    pairs = [one * other for one, other in pairwise(sizes)]
    return batch * (6 * sum(pairs) - 2 * pairs[0])
