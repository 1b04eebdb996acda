"""The memory of native code: parameters, what the optimizer remembers, examples and all that is in between.

Everything that native code reads or writes is an array made here, with a shape and a precision known here;
positions of examples are checked before they are handed over. Positions are counted from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clearprop.engine import plan
from clearprop.engine.calling import Context, filled, zeros
from clearprop.engine.prepared import prepared
from clearprop.engine.processors import processors
from clearprop.engine.sharing import readable
from clearprop.engine.workers import Crew, together
from clearprop.network.problem import Problem
from clearprop.propagation.forward import counted, example_share
from clearprop.rules.losses import share
from clearprop.rules.penalties import TERMS
from clearprop.types import Array

PATIENCE = 1023
"""Turns, as a mask of their number, for which a worker that waits for others keeps its processor: a step is short."""


def in_steps_order(errors: Array) -> Array:
    """Return the sum of errors along the last axis, added up as a step does it with those of its examples."""
    count = errors.shape[-1]
    whole = count // 4 * 4
    lanes = errors[..., :whole].reshape(*errors.shape[:-1], whole // 4, 4).sum(axis=-2)
    total: Array = (lanes[..., 0] + lanes[..., 2]) + (lanes[..., 1] + lanes[..., 3])
    for place in range(whole, count):
        total = total + errors[..., place]
    return total


class Memory:
    """The arrays of a problem that native code works on, and the errors of examples with the present parameters.

    ``vector`` and ``state`` are the parameters and the optimizer's state at the start; ``batch`` is the largest
    number of examples of a step. ``threads`` is the number of threads, by default chosen while it runs.
    """

    def __init__(
        self,
        problem: Problem,
        dtype: str,
        batch: int,
        vector: Array,
        state: Mapping[str, Array],
        threads: int | None = None,
    ) -> None:
        assert problem.examples is not None
        self.problem, network = problem, problem.network
        self.ready = ready = prepared(problem, dtype, batch)
        self.program, self.built, self.panels = ready.program, ready.built, ready.panels
        self.given, program, panels = (dtype, batch, threads), ready.program, ready.panels
        # A given number is kept to; a planned one may turn out to be too large.
        self.crew = Crew(plan.threads(program, network, batch)) if threads is None else None
        self.threads = threads = self.crew.most if self.crew is not None else int(threads or 1)
        self.stops = program.single is None and ready.planned > plan.LONG
        self.examples = examples = problem.examples
        self.count, self.batch = len(examples), batch
        self.inputs = self._rows(examples.inputs, 0)
        self.targets = self._rows(examples.targets, problem.network.depth)
        counts = examples.weights
        if counts is not None and counts.shape != (self.count,):
            raise ValueError(f"expected {self.count} weights of examples, found {counts.shape}")
        self.weights = filled(np.empty(0) if counts is None else counts, dtype)
        self.trainable = network.layout.trainable
        size = panels.weights * panels.width
        # The weights, and the same again for each number that the optimizer remembers per weight.
        self.parameters = zeros(size * (1 + len(problem.optimizer.state)), dtype)
        self.parts = np.split(self.parameters, 1 + len(problem.optimizer.state))
        self.transposed = zeros(panels.transposed * panels.width, dtype)
        self.restore(vector, state)
        rows, block, objective, starts = ready.rows, ready.block, network.loss, panels.activation_starts()
        aside = 2 * starts[-1] - starts[1]  # behind activations and signals
        shared: dict[str, Array | int] = {
            "layers": filled(ready.table, np.int64),
            "depth": network.depth,
            "block": block,
            "share": int(np.float64(share(objective.over_outputs, network.sizes[-1])).view(np.int64)),
            "inputs": self.inputs,
            "targets": self.targets,
            "weights": self.weights,
            "parameters": self.parameters,
        }
        # Of workers at barriers: those of a step, and, in a cache line of their own, those between epochs.
        self.arrivals, self.between = np.split(zeros(16, np.int64), 2)
        # More workers than processors: one that waits keeps another from its work, and lets it have the processor.
        self.patience = PATIENCE if threads == 1 or self.crew is not None or threads <= processors() else 0
        self.kept: dict[str, Array] = {}
        # The bounds of the last steps with the numbers of their examples, and those that native code reads.
        self.alike: tuple[Array, Array] | None = None
        self.placed: Array | None = None
        # What the parts of the optimizer's rule that native code reads depend on: numbers of steps, and rates.
        self.depends: tuple[bytes, bytes] | None = None
        self.dropped = [index for index, layer in enumerate(network.layers) if layer.dropout]
        self.training = Context(
            **shared,
            key_bytes=8 * len(self.dropped),
            hashes=filled(ready.hashes, np.uint64),
            remembered=size * panels.numbers.bytes,
            penalty=filled(np.array([getattr(problem.penalty, name) for name in TERMS]), dtype),
            transposed=self.transposed,
            gradient=zeros(size if program.whole_gradient else 0, dtype),
            squares=zeros(ready.sums if program.clips else 0, np.float64),
            penalties=zeros(ready.sums if problem.penalty else 0, np.float64),
            sums=ready.sums,
            chunk=ready.chunk,
            activations=zeros((aside + ready.aside) * rows * panels.width, dtype),
            aside=aside,
            rows=rows,
            scratch=zeros(threads * (block + panels.width) * panels.width, dtype),
            arrivals=self.arrivals,
            # A tile may be wider than what is left of the batch.
            errors=zeros(batch + program.tile.rows, np.float64),
        )
        self.inference = Context(
            **shared,
            unfit=zeros(8, np.int64),
            activations=zeros(threads * starts[-1] * block * panels.width, dtype),
            panels=starts[-1],
            rows=block,
        )

    def _rows(self, rows: Array, layer: int) -> Array:
        """Return the inputs or targets of all examples, in the precision of the engine."""
        size = self.problem.network.sizes[layer]
        if rows.shape != (self.count, size):
            raise ValueError(f"expected {self.count} rows of {size} numbers, found {rows.shape}")
        return readable(rows, self.panels.numbers.dtype)

    def serves(self, problem: Problem, dtype: str, batch: int, threads: int | None) -> bool:
        """Return whether this memory is what another problem of the same rules and examples needs."""
        own = self.problem
        pairs = zip(*((each.network, each.optimizer, each.examples) for each in (own, problem)), strict=True)
        return (
            all(one is two for one, two in pairs)
            and problem.penalty == own.penalty
            and (dtype, batch, threads) == self.given
        )

    def begin(self, problem: Problem, vector: Array, state: Mapping[str, Array]) -> None:
        """Begin with a problem that it serves: with these parameters, and this the optimizer's state."""
        self.problem = problem
        self.restore(vector, state)

    def restore(self, vector: Array, state: Mapping[str, Array]) -> None:
        """Make these the present parameters, and this the optimizer's state; what it lacks stays."""
        for part, name in zip(self.parts[1:], self.problem.optimizer.state, strict=True):
            if name in state:
                part[:] = self.panels.pack(state[name])
        self.put(vector)

    def put(self, vector: Array) -> None:
        """Make these the present parameters.

        Raises:
            ValueError: another number of parameters.
        """
        if vector.shape != self.trainable.shape:
            raise ValueError(f"expected parameters of shape {self.trainable.shape}, found {vector.shape}")
        self.parts[0][:] = self.panels.pack(vector)
        self.transposed[:] = self.panels.transpose(self.parts[0])

    def error(self, rows: Array) -> float:
        """Return the error of these examples as one batch, without a penalty."""
        order = self._checked(rows, "seen")
        found = self._room("errors", order.size, np.float64)
        self._errors(order, found)
        return float(in_steps_order(found)) * example_share(self.problem.network, self.counted(order))

    def _errors(self, order: Array, found: Array) -> None:
        """Compute the errors of examples whose positions are checked."""
        # In parts so short that an interrupt is answered without delay.
        most = self.ready.most
        for start in range(0, len(order), most):
            part = order[start : start + most] if most < len(order) else order
            self.inference.set(order=part, examples=len(part), outputs=found[start : start + most])
            workers = max(1, min(self.threads, len(part) // plan.EXAMPLES))
            # The most take about a tenth of a second.
            brief = 200 * len(part) < most
            together(self.built.function("errors"), self.inference.address, workers, brief=brief)

    def counted(self, rows: Array) -> float:
        """Return the number of these examples as a mean over them counts them."""
        weights = self.examples.weights
        return counted(self.problem.network, len(rows), None if weights is None else weights[rows])

    def _checked(self, rows: Array, name: str = "order") -> Array:
        """Return positions of examples as native code reads them; each example exists."""
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise TypeError(f"expected positions of examples, found {rows.dtype} of shape {rows.shape}")
        if len(rows) and not (rows.min() >= 0 and rows.max() < self.count):
            raise IndexError(
                f"expected positions of examples from 0 to {self.count - 1}, found {rows.min()} to {rows.max()}"
            )
        return self._kept(name, rows, np.int64)

    def _kept(self, name: str, values: Array, dtype: Any) -> Array:
        """Return a copy that native code may read, in an array that is reused while the size stays the same."""
        known = self._room(name, values.size, dtype)
        known[:] = values.ravel()
        return known

    def _room(self, name: str, size: int, dtype: Any) -> Array:
        """Return the array of that name, a new one if its size has changed."""
        if name not in self.kept or self.kept[name].size != size:
            self.kept[name] = zeros(size, dtype)
        return self.kept[name]

    @property
    def memory(self) -> int:
        """The bytes of all arrays that native code works on, without the examples."""
        arrays = [*self.training.arrays.values(), *self.inference.arrays.values()]
        examples = {id(array) for array in (self.inputs, self.targets, self.weights)}
        return sum({id(array): array.nbytes for array in arrays if id(array) not in examples}.values())

    @property
    def finite(self) -> bool:
        """Whether every weight is a finite number. The zeros that fill up panels are."""
        return bool(np.isfinite(self.parts[0]).all())

    def unpacked(self, copy: Array) -> tuple[Array, dict[str, Array]]:
        """Return the flat vector of parameters and the optimizer's state for each, from a copy of ``parameters``."""
        parts = np.split(copy, len(self.parts))
        names = self.problem.optimizer.state
        state = {name: self.panels.unpack(part) for name, part in zip(names, parts[1:], strict=True)}
        return self.panels.unpack(parts[0]), state

    @property
    def vector(self) -> Array:
        """The present parameters."""
        return self.unpacked(self.parameters)[0]

    @property
    def state(self) -> dict[str, Array]:
        """The present state of the optimizer."""
        return self.unpacked(self.parameters)[1]
