"""The compiled engine: training steps, losses and outputs by native code.

Everything that native code reads or writes is an array that is made here, of a shape and a precision
that are known here; numbers of examples are checked before they are handed over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.engine import layers, machine, plan
from clearprop.engine.build import Built
from clearprop.engine.context import PLACES, Context, filled, zeros
from clearprop.engine.panels import Panels
from clearprop.engine.workers import Crew, together
from clearprop.engine.workers import Native as Function
from clearprop.network.problem import Problem
from clearprop.propagation.dropout import key
from clearprop.propagation.forward import example_share
from clearprop.propagation.turns import Turn, Turns
from clearprop.rules.optimizers import SGD
from clearprop.types import Array

CALL = 10**10
"""Multiplications and additions of one call, about a tenth of a second's."""


class Native:
    """A problem's weights, and what changes and reads them, in native code."""

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
        target = machine.host()
        self.problem, network = problem, problem.network
        self.program = program = plan.program(problem, dtype, target, batch)
        # A number that is asked for is kept to; one that is planned may turn out to be too many.
        self.crew = Crew(plan.threads(program, network, batch)) if threads is None else None
        self.threads = threads = self.crew.most if self.crew is not None else int(threads or 1)
        self.built = Built(program, target)
        self.stops = program.single is None and plan.seconds(program, network, batch) > plan.LONG
        self.panels = panels = Panels(program.numbers, program.tile.vectors, network)
        examples = problem.examples
        self.count, self.batch = len(examples), batch
        self.inputs = self._rows(examples.inputs, 0)
        self.targets = self._rows(examples.targets, problem.network.depth)
        counted = examples.weights
        self.weights = zeros(0 if counted is None else self.count, dtype)
        if counted is not None:
            self.weights[:] = counted
        size = panels.weights * panels.width
        # The weights, and as much again for each thing that the optimizer remembers.
        self.parameters = zeros(size * (1 + len(problem.optimizer.state)), dtype)
        self.parts = np.split(self.parameters, 1 + len(problem.optimizer.state))
        self.parts[0][:] = panels.pack(vector)
        for part, name in zip(self.parts[1:], problem.optimizer.state, strict=True):
            part[:] = panels.pack(state[name])
        self.transposed = zeros(panels.transposed * panels.width, dtype)
        self.transposed[:] = panels.transpose(self.parts[0])
        rows, block = plan.rows(program, batch), plan.block(program, network)
        self.table = layers.table(panels, program.activations)
        objective, starts = network.loss, panels.activation_starts()
        share = 1 / network.sizes[-1] if objective.over_outputs == "mean" else 1.0
        shared: dict[str, Array | int] = {
            "layers": filled(self.table, np.int64),
            "depth": network.depth,
            "block": block,
            "share": int(np.float64(share).view(np.int64)),
            "mean": int(objective.over_examples == "mean"),
            "inputs": self.inputs,
            "targets": self.targets,
            "weights": self.weights,
            "parameters": self.parameters,
        }
        self.arrivals = zeros(8, np.int64)
        self.kept: dict[str, Array] = {}
        self.rate: float | None = None
        self.dropped = [index for index, layer in enumerate(network.layers) if layer.dropout]
        tiles = sum(layers.tiles(panels, layer) for layer in range(1, network.depth + 1))
        self.training = Context(
            **shared,
            key_bytes=8 * len(self.dropped),
            hashes=filled(layers.hashes(panels), np.uint64),
            remembered=size * panels.numbers.bytes,
            transposed=self.transposed,
            gradient=zeros(size if program.whole_gradient else 0, dtype),
            squares=zeros(tiles if program.clips else 0, np.float64),
            tiles=tiles,
            chunk=plan.chunk(program, batch),
            activations=zeros(layers.training_panels(panels) * rows * panels.width, dtype),
            aside=2 * starts[-1] - starts[1],
            rows=rows,
            scratch=zeros(threads * (block + panels.width) * panels.width, dtype),
            arrivals=self.arrivals,
        )
        self.inference = Context(
            **shared,
            unfit=zeros(8, np.int64),
            activations=zeros(threads * starts[-1] * block * panels.width, dtype),
            panels=starts[-1],
            rows=block,
        )

    def _rows(self, rows: Array, layer: int) -> Array:
        """Inputs or targets of all examples, in the precision of the engine."""
        size = self.problem.network.sizes[layer]
        if rows.shape != (self.count, size):
            raise ValueError(f"expected {self.count} rows of {size} numbers, found {rows.shape}")
        return filled(rows, self.panels.numbers.dtype)

    def run(self, turns: Turns | Sequence[Turn]) -> None:
        """Make these steps, one after the other.

        Raises:
            IndexError: there is no such example.
            ValueError: a step without examples, or with more than a batch has.
        """
        turns = turns if isinstance(turns, Turns) else Turns.of(turns)
        if not turns:
            return
        counts, steps = turns.counts, turns.steps
        if counts.min() < 1 or counts.max() > self.batch:
            raise ValueError(f"a step sees 1 to {self.batch} examples, found {counts.min()} to {counts.max()}")
        order = self._checked(turns.order)
        if len(counts) != len(steps) or turns.bounds[0] != 0 or turns.bounds[-1] != len(order):
            raise ValueError("the examples of all steps are not those of the order")
        keys = [key(self.problem.settings.seed, steps, layer) for layer in self.dropped]
        parts, part_bytes = self._parts(turns)
        self.arrivals[:] = 0
        self.training.set(
            bounds=self._kept("bounds", turns.bounds, np.int64),
            keys=self._kept("keys", np.stack(keys, axis=1) if keys else np.empty(0), np.uint64),
            parts=parts,
            part_bytes=part_bytes,
            steps=len(turns),
            order=order,
        )
        # Compiled before the clock starts: a crew is not to be judged by that.
        train, workers = self.built.train, self.threads if self.crew is None else self.crew.size()
        begun = time.perf_counter()
        if self.stops:
            self._stoppable(train, workers)
        else:
            together(train, self.training.address, workers)
        if self.crew is not None:
            self.crew.learn(workers, len(order), time.perf_counter() - begun)

    def _stoppable(self, train: Function, workers: int) -> None:
        """Steps that an interrupt need not wait for. Nothing is left of one that was not made to its end: NaN."""
        self.training.set(stop=0)
        try:
            together(train, self.training.address, workers, stop=lambda: self.training.set(stop=1))
        except BaseException:
            if self.training.words[PLACES["stop"]]:
                self.parameters.fill(np.nan)
            raise

    def _parts(self, turns: Turns) -> tuple[Array, int]:
        """The parts of the optimizer's rule that depend on a step alone, and the bytes from step to step."""
        rule, dtype = self.program.rule, self.panels.numbers.dtype
        changing = rule.counts_steps or not (turns.rates == turns.rates[0]).all()
        if not changing and turns.rates[0] == self.rate:
            return self.kept["parts"], 0
        seen = slice(None) if changing else slice(1)
        self.rate = None if changing else float(turns.rates[0])
        parts = self._kept("parts", rule.at(turns.steps[seen], turns.rates[seen]), dtype)
        return parts, len(rule.parts) * parts.itemsize if changing else 0

    def _checked(self, rows: Array, name: str = "order") -> Array:
        """Numbers of examples as native code reads them, each of them one that exists."""
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise TypeError(f"expected the numbers of examples, found {rows.dtype} of shape {rows.shape}")
        if len(rows) and not (rows.min() >= 0 and rows.max() < self.count):
            raise IndexError(f"examples are numbered 0 to {self.count - 1}")
        return self._kept(name, rows, np.int64)

    def _kept(self, name: str, values: Array, dtype: Any) -> Array:
        """A copy where native code may read it, in an array that is used again while the size stays the same."""
        known = self.kept.get(name)
        if known is None or known.size != values.size:
            known = self.kept[name] = zeros(values.size, dtype)
        known[:] = values.ravel()
        return known

    def error(self, rows: Array) -> float:
        """The error of these examples put together, without a penalty."""
        order = self._checked(rows, "seen")
        found = self.kept.get("errors")
        if found is None or found.size != order.size:
            found = self.kept["errors"] = zeros(order.size, np.float64)
        for part in self._parts_of(len(order)):
            self.inference.set(order=order[part], examples=part.stop - part.start, outputs=found[part])
            together(self.built.errors, self.inference.address, self._workers(part.stop - part.start))
        return float(found.sum() * example_share(self.problem.network, len(order)))

    def _parts_of(self, examples: int) -> Iterator[slice]:
        """Examples in parts, each so short a call that an interrupt is answered without delay."""
        most = max(plan.EXAMPLES, CALL // plan.operations(self.problem.network, 1) // plan.EXAMPLES * plan.EXAMPLES)
        for start in range(0, examples, most):
            yield slice(start, min(start + most, examples))

    def outputs(self, rows: Array) -> Array:
        """The outputs for these examples, shape (examples, outputs)."""
        order = self._checked(rows)
        size = self.problem.network.sizes[-1]
        found = zeros(len(order) * size, self.panels.numbers.dtype).reshape(len(order), size)
        for part in self._parts_of(len(order)):
            self.inference.set(order=order[part], examples=part.stop - part.start, outputs=found[part])
            together(self.built.predict, self.inference.address, self._workers(part.stop - part.start))
        return found

    def _workers(self, examples: int) -> int:
        return max(1, min(self.threads, examples // plan.EXAMPLES))

    @property
    def memory(self) -> int:
        """The bytes of all arrays that native code works on, the examples excepted."""
        kept = {
            id(array): array.nbytes for context in (self.training, self.inference) for array in context.arrays.values()
        }
        for array in (self.inputs, self.targets, self.weights):
            kept.pop(id(array), None)
        return sum(kept.values())

    @property
    def finite(self) -> bool:
        """Whether every weight is a number still. What fills up a panel is one: zero."""
        return bool(np.isfinite(self.parts[0]).all())

    def copy(self) -> Array:
        """The weights, and what the optimizer remembers, as they stand in memory."""
        return self.parameters.copy()

    def unpacked(self, copy: Array) -> tuple[Array, dict[str, Array]]:
        """The flat vector of the parameters, and what the optimizer remembers for each, from a copy."""
        parts = np.split(copy, len(self.parts))
        names = self.problem.optimizer.state
        state = {name: self.panels.unpack(part) for name, part in zip(names, parts[1:], strict=True)}
        return self.panels.unpack(parts[0]), state

    @property
    def vector(self) -> Array:
        """The parameters as they are now."""
        return self.unpacked(self.parameters)[0]

    @property
    def state(self) -> dict[str, Array]:
        """What the optimizer remembers now."""
        return self.unpacked(self.parameters)[1]


def gradient(problem: Problem, dtype: str, vector: Array, rows: Array, step: int = 1) -> Array:
    """The gradient of the error of these examples together, the penalty's included, as the engine finds it.

    Biases that are not trained have none here: NaN.
    """
    # A step of length zero, with a limit on the norm that no gradient reaches, so that it is kept whole.
    still = replace(problem, optimizer=replace(SGD(0.0), clip_norm=1e308))
    native = Native(still, dtype, len(rows), vector, {}, threads=1)
    native.run([Turn(rows, step, 0.0)])
    found = native.panels.unpack(native.training.arrays["gradient"])
    return np.where(problem.network.layout.trainable, found, np.nan)
