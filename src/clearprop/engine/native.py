"""The compiled engine: training steps, gradients, updates, errors and outputs by native code.

Everything that native code reads or writes is an array made here, with a shape and a precision known here;
positions of examples are checked before they are handed over. Positions are counted from 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from clearprop.engine import calling, plan
from clearprop.engine.calling import COUNTS, LOSSES, PLACES, Context, filled, zeros
from clearprop.engine.prepared import prepared
from clearprop.engine.processors import processors
from clearprop.engine.sharing import readable
from clearprop.engine.workers import Crew, together
from clearprop.engine.workers import Native as Function
from clearprop.network.problem import Problem
from clearprop.propagation.dropout import key
from clearprop.propagation.forward import counted, example_share
from clearprop.rules.losses import share
from clearprop.rules.penalties import TERMS
from clearprop.types import Array

PATIENCE = 1023
"""Turns, as a mask of their number, for which a worker that waits for others keeps its processor: a step is short."""
CALL = 10**10
"""The number of multiplications and additions that take about a tenth of a second: the longest call."""


def in_steps_order(errors: Array) -> float:
    """Return the sum of errors, added up as a step does it with those of its examples."""
    whole = len(errors) // 4 * 4
    one, two, three, four = errors[:whole].reshape(-1, 4).sum(axis=0).tolist()
    return float(sum(errors[whole:].tolist(), (one + three) + (two + four)))


class Native:
    """A problem's parameters in memory, and the native code that reads and changes them.

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
        self.problem, network, ready = problem, problem.network, prepared(problem, dtype, batch)
        self.program, self.built, self.panels = ready.program, ready.built, ready.panels
        program, panels, self.table = self.program, self.panels, ready.table
        # A given number is kept to; a planned one may turn out to be too large.
        self.crew = Crew(plan.threads(program, network, batch)) if threads is None else None
        self.threads = threads = self.crew.most if self.crew is not None else int(threads or 1)
        self.stops = program.single is None and plan.seconds(program, network, batch) > plan.LONG
        self.examples = examples = problem.examples
        self.count, self.batch = len(examples), batch
        self.most = max(plan.EXAMPLES, CALL // plan.operations(network, 1) // plan.EXAMPLES * plan.EXAMPLES)
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
        rows, block = plan.rows(program, batch), plan.block(program, network)
        objective, starts = network.loss, panels.activation_starts()
        aside = 2 * starts[-1] - starts[1]  # behind activations and signals
        shared: dict[str, Array | int] = {
            "layers": filled(self.table, np.int64),
            "depth": network.depth,
            "block": block,
            "share": int(np.float64(share(objective.over_outputs, network.sizes[-1])).view(np.int64)),
            "inputs": self.inputs,
            "targets": self.targets,
            "weights": self.weights,
            "parameters": self.parameters,
        }
        self.arrivals = zeros(8, np.int64)
        # More workers than processors: one that waits keeps another from its work, and lets it have the processor.
        self.patience = PATIENCE if threads == 1 or self.crew is not None or threads <= processors() else 0
        self.kept: dict[str, Array] = {}
        # The bounds of the last steps with the numbers of their examples, and those that native code reads.
        self.alike: tuple[Array, Array] | None = None
        self.placed: Array | None = None
        self.rate: float | None = None
        self.dropped = [index for index, layer in enumerate(network.layers) if layer.dropout]
        self.sums = sum(calling.sums(panels, layer) for layer in range(1, network.depth + 1))
        self.training = Context(
            **shared,
            key_bytes=8 * len(self.dropped),
            hashes=filled(calling.hashes(panels), np.uint64),
            remembered=size * panels.numbers.bytes,
            penalty=filled(np.array([getattr(problem.penalty, name) for name in TERMS]), dtype),
            transposed=self.transposed,
            gradient=zeros(size if program.whole_gradient else 0, dtype),
            squares=zeros(self.sums if program.clips else 0, np.float64),
            penalties=zeros(self.sums if problem.penalty else 0, np.float64),
            sums=self.sums,
            chunk=plan.chunk(program, batch),
            activations=zeros((aside + calling.aside(panels)) * rows * panels.width, dtype),
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

    # --- steps ------------------------------------------------------------------------------------------

    def run(self, order: Array, bounds: Array, steps: Array, rates: Array) -> Array:
        """Make steps, one after the other; return for each the sum of its examples' errors, and the penalty.

        Step k, whose number (from 1) is ``steps[k]``, learns from the examples at ``order[bounds[k]:bounds[k + 1]]``
        with the learning rate ``rates[k]``. What is returned, shape (steps, 2), is with the weights before the step,
        with its dropout. The errors are still to be divided by the number of examples, also under ``weighted_mean``; a
        penalty that is divided is so already.

        Raises:
            IndexError: there is no such example.
            TypeError: positions, bounds or numbers of steps that are not whole numbers.
            ValueError: arrays that do not fit together, a step without examples, or with more than a batch has.
        """
        if not len(steps):
            return np.empty((0, LOSSES))
        return self._made(order, bounds, steps, rates)

    def epochs(
        self, order: Array, bounds: Array, steps: Array, rates: Array, seen: Array, count: int
    ) -> tuple[Array, list[float], Array]:
        """Make the steps of ``count`` epochs that are alike; return what ``run`` does, the error of the examples
        ``seen`` after each epoch, as ``error`` computes it, and a copy of ``parameters`` after each.

        Raises:
            IndexError, TypeError, ValueError: as ``run`` does, and for epochs that are not alike.
        """
        seen = self._checked(seen, "seen")
        errors, kept = np.empty((count, len(seen))), np.empty((count, self.parameters.size), self.parameters.dtype)

        def after(epoch: int) -> None:
            self._errors(seen, errors[epoch])
            kept[epoch] = self.parameters

        found = self._made(order, bounds, steps, rates, count, after)
        share = example_share(self.problem.network, self.counted(seen))
        return found, [in_steps_order(each) * share for each in errors], kept

    def _made(
        self,
        order: Array,
        bounds: Array,
        steps: Array,
        rates: Array,
        epochs: int = 1,
        after: Callable[[int], None] = lambda _: None,
    ) -> Array:
        """Make steps, in as many calls as there are epochs, and do what is to be done after each."""
        order = self._checked(order)
        bounds, examples = self._required(order, bounds, steps, rates)
        each = len(steps) // epochs
        if len(steps) % epochs or (examples.reshape(epochs, -1) != examples[:each]).any():
            raise ValueError(f"expected {epochs} epochs that are alike, found steps of {examples.tolist()} examples")
        parts, part_bytes = self._parts(steps, rates)
        self.training.set(parts=parts, part_bytes=part_bytes)
        self._place(order, bounds, steps)
        # Compiled before the clock starts: compiling must not count against the number of threads.
        train, workers = self.built.function("train"), self.threads if self.crew is None else self.crew.size()
        begun = time.perf_counter()
        self.training.set(steps=each)
        words, moves = self.training.words.copy(), self._moves(each, len(order) // epochs)
        try:
            for epoch in range(epochs):
                self.training.words[:] = words + epoch * moves
                self.arrivals[0] = 0
                if self.stops:
                    self._stoppable(train, workers)
                else:
                    together(train, self.training.address, workers)
                after(epoch)
        finally:
            self.training.words[:] = words
        if self.crew is not None:
            self.crew.learn(workers, len(order), time.perf_counter() - begun)
        return self._noted(examples)

    def _moves(self, steps: int, examples: int) -> Array:
        """Return how far what belongs to single steps moves on from one epoch to the next."""
        part_bytes = int(self.training.words[PLACES["part_bytes"]])
        return calling.moves(
            order=8 * examples,
            keys=8 * len(self.dropped) * steps,
            parts=part_bytes * steps,
            counts=8 * COUNTS * steps,
            losses=8 * LOSSES * steps,
        )

    def gradient(self, rows: Array, step: int = 1) -> Array:
        """Return the gradient of the error of these examples as one batch, shape (parameters,); change nothing.

        It contains the penalty's gradient, is not clipped, and is 0 for parameters that are not trained. ``step``,
        the number of the step (from 1), decides what dropout leaves out. ``apply`` with it makes the step that
        ``run`` makes.

        Raises:
            IndexError: there is no such example.
            TypeError: positions that are not whole numbers.
            ValueError: no examples.
        """
        order = self._checked(rows)
        if not len(order):
            raise ValueError("expected at least one example, found none")
        self._make_room(len(order))
        if self.program.single is not None:  # whose steps leave the transposed weights behind
            self.transposed[:] = self.panels.transpose(self.parts[0])
        self._place(order, np.array([0, len(order)]), np.array([step]))
        together(self.built.function("gradient"), self.training.address, self.threads)
        return self.panels.unpack(self.training.arrays["gradient"])

    def apply(self, gradient: Array, step: int, rate: float) -> None:
        """Update the parameters from a gradient, as ``gradient`` returns it, with this learning rate.

        Raises:
            ValueError: a gradient of another shape.
        """
        if gradient.shape != self.trainable.shape:
            raise ValueError(f"expected a gradient of shape {self.trainable.shape}, found {gradient.shape}")
        self._make_room()
        given = self.training.arrays["gradient"]
        given[:] = 0.0
        # A shared bias stands in its first place only: native code adds up its places.
        given[self.panels.places] = np.where(self.trainable, gradient, 0.0)
        steps, rates = np.array([step]), np.array([rate], float)
        parts = self._kept("applied", self.program.rule.at(steps, rates), self.panels.numbers.dtype)
        self.training.set(parts=parts, part_bytes=0)
        self._place(self._checked(np.empty(0, np.int64)), np.array([0, 0]), steps)
        together(self.built.function("apply"), self.training.address, self.threads)

    def _required(self, order: Array, bounds: Array, steps: Array, rates: Array) -> tuple[Array, Array]:
        """Refuse arrays that do not describe steps; return a copy of the bounds, the last one if they are the same,
        and the number of examples of each step."""
        for name, array in (("bounds", bounds), ("steps", steps)):
            if array.dtype.kind not in "iu":
                raise TypeError(f"{name}: expected whole numbers, found {array.dtype}")
        if not (steps.ndim == 1 and steps.shape == rates.shape and bounds.shape == (len(steps) + 1,)):
            raise ValueError(
                f"expected n + 1 bounds, n steps and n rates, found {bounds.shape}, {steps.shape} and {rates.shape}"
            )
        if bounds[0] != 0 or bounds[-1] != len(order):
            raise ValueError(f"expected bounds from 0 to {len(order)}, found {bounds[0]} to {bounds[-1]}")
        if self.alike is None or not np.array_equal(self.alike[0], bounds):
            counts = np.diff(bounds)
            if counts.min() < 1 or counts.max() > self.batch:
                raise ValueError(
                    f"expected 1 to {self.batch} examples in a step, found {counts.min()} to {counts.max()}"
                )
            self.alike = bounds.astype(np.int64), counts
        return self.alike

    def _place(self, order: Array, bounds: Array, steps: Array) -> None:
        """Put checked steps where native code reads them."""
        keys = [key(self.problem.settings.seed, steps, layer) for layer in self.dropped]
        self.arrivals[:2] = 0, self.patience
        self.losses = self._room("losses", LOSSES * len(steps), np.float64)
        if bounds is not self.placed or self.problem.network.loss.over_examples == "weighted_mean":
            self._kept("counts", self._counts(order, bounds), np.float64)
            self._kept("bounds", bounds, np.int64)
            self.placed = bounds
        self.training.set(
            counts=self.kept["counts"],
            losses=self.losses,
            bounds=self.kept["bounds"],
            keys=self._kept("keys", np.stack(keys, axis=1) if keys else np.empty(0), np.uint64),
            steps=len(steps),
            order=order,
        )

    def _counts(self, order: Array, bounds: Array) -> Array:
        """Return for each step what the sum of its errors is divided by, and what its penalty is."""
        over_examples, weights = self.problem.network.loss.over_examples, self.examples.weights
        found = np.ones((len(bounds) - 1, COUNTS))
        if over_examples == "weighted_mean" and weights is not None and len(order):
            found[:] = np.add.reduceat(weights[order], bounds[:-1])[:, None]
            found[found == 0] = np.inf  # examples that do not count make no step
        elif over_examples == "sum":
            found[:, 1] = np.diff(bounds)
        else:
            found[:] = np.diff(bounds)[:, None]
        return found

    def _noted(self, examples: Array) -> Array:
        """Return what the steps, of that many examples each, noted of their errors and penalties."""
        found, counts = self.losses.reshape(-1, LOSSES).copy(), self.kept["counts"].reshape(-1, COUNTS)
        if self.problem.network.loss.over_examples == "weighted_mean":
            found[:, 0] *= examples / counts[:, 0]
        if self.problem.penalty.divide_by_examples:
            found[:, 1] /= counts[:, 1]
        return found

    def counted(self, rows: Array) -> float:
        """Return the number of these examples as a mean over them counts them."""
        weights = self.examples.weights
        return counted(self.problem.network, len(rows), None if weights is None else weights[rows])

    def _make_room(self, examples: int = 0) -> None:
        """Make room for a whole gradient, and for the errors of that many examples, unless there is."""
        if self.training.arrays["errors"].size < examples + self.program.tile.rows:
            self.training.set(errors=zeros(examples + self.program.tile.rows, np.float64))
        if not self.training.arrays["gradient"].size:
            self.training.set(gradient=zeros(self.parts[0].size, self.panels.numbers.dtype))
        if not self.training.arrays["squares"].size:
            self.training.set(squares=zeros(self.sums, np.float64))

    def _stoppable(self, train: Function, workers: int) -> None:
        """Make steps that an interrupt can end. One that was not made to its end leaves nothing but NaN."""
        self.training.set(stop=0)
        try:
            together(train, self.training.address, workers, stop=lambda: self.training.set(stop=1))
        except BaseException:
            if self.training.words[PLACES["stop"]]:
                self.parameters.fill(np.nan)
            raise

    def _parts(self, steps: Array, rates: Array) -> tuple[Array, int]:
        """Return the parts of the optimizer's rule that depend on the step alone, and the bytes from step to step."""
        rule, dtype = self.program.rule, self.panels.numbers.dtype
        changing = rule.counts_steps or not (rates == rates[0]).all()
        if not changing and rates[0] == self.rate:
            return self.kept["parts"], 0
        seen = slice(None) if changing else slice(1)
        self.rate = None if changing else float(rates[0])
        parts = self._kept("parts", rule.at(steps[seen], rates[seen]), dtype)
        return parts, len(rule.parts) * parts.itemsize if changing else 0

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

    def error(self, rows: Array) -> float:
        """Return the error of these examples as one batch, without a penalty."""
        order = self._checked(rows, "seen")
        found = self._room("errors", order.size, np.float64)
        self._errors(order, found)
        return in_steps_order(found) * example_share(self.problem.network, self.counted(order))

    def _errors(self, order: Array, found: Array) -> None:
        """Compute the errors of examples whose positions are checked."""
        # In parts so short that an interrupt is answered without delay.
        most = self.most
        for start in range(0, len(order), most):
            part = order[start : start + most] if most < len(order) else order
            self.inference.set(order=part, examples=len(part), outputs=found[start : start + most])
            workers = max(1, min(self.threads, len(part) // plan.EXAMPLES))
            together(self.built.function("errors"), self.inference.address, workers)

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
