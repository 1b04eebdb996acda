"""The compiled engine: training steps, gradients and updates by native code, in the memory of ``memory.py``."""

from __future__ import annotations

import time

import numpy as np

from clearprop.engine import calling
from clearprop.engine.calling import COUNTS, LOSSES, PLACES, zeros
from clearprop.engine.kernels.epochs import EPOCHS
from clearprop.engine.kernels.orders import ORDERS, POOL
from clearprop.engine.memory import Memory, in_steps_order
from clearprop.engine.workers import Native as Function
from clearprop.engine.workers import together
from clearprop.propagation.dropout import key
from clearprop.propagation.forward import example_share
from clearprop.types import Array

BRIEF = 100_000
"""Positions that are drawn in less than about half a millisecond."""

TOO_BRIEF = 5e-4
"""Seconds of a call in which another worker saves less than the fraction of a millisecond that it takes to start."""


class Native(Memory):
    """A problem's parameters in memory, and the native code that makes steps."""

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
        errors = zeros(count * len(seen), np.float64).reshape(count, len(seen))
        kept = zeros(count * self.parameters.size, self.parameters.dtype).reshape(count, -1)
        found = self._made(order, bounds, steps, rates, (seen, errors, kept))
        return found, (in_steps_order(errors) * example_share(self.problem.network, self.counted(seen))).tolist(), kept

    def _made(
        self,
        order: Array,
        bounds: Array,
        steps: Array,
        rates: Array,
        looked_at: tuple[Array, Array, Array] | None = None,
    ) -> Array:
        """Make steps; those of epochs that are looked at after each, where ``looked_at`` says which examples are seen,
        and where their errors and copies of the parameters go."""
        order = self._checked(order)
        bounds, examples = self._required(order, bounds, steps, rates)
        if looked_at is not None:
            epochs = len(looked_at[1])
            each = len(steps) // epochs
            if len(steps) % epochs or (examples.reshape(epochs, -1) != examples[:each]).any():
                raise ValueError(
                    f"expected {epochs} epochs that are alike, found steps of {examples.tolist()} examples"
                )
        parts, part_bytes = self._parts(steps, rates)
        self.training.set(parts=parts, part_bytes=part_bytes)
        self._place(order, bounds, steps)
        # Compiled before the clock starts: compiling must not count against the number of threads.
        train, workers = self.built.function("train"), self._workers(len(steps))
        if looked_at is not None:
            _ = self.built.function("errors"), self.built.function("epochs")
        begun, worked = time.perf_counter(), time.process_time()
        if looked_at is None:
            self._work(train, self.training.address, workers)
        else:
            self.training.set(steps=each)
            self._look(*looked_at, self._moves(each, len(order) // epochs), workers)
        spent = time.perf_counter() - begun
        # Of whole batches: one that is nearly empty takes no time, and says nothing about those that are full.
        self.ready.learn(len(order) / self.batch, spent)
        if self.crew is not None:
            seen = len(order) + (0 if looked_at is None else looked_at[1].size)
            self.crew.learn(workers, seen, spent, time.process_time() - worked)
        return self._noted(examples)

    def _workers(self, steps: int) -> int:
        """Return by how many workers so many steps are made: by one those in registers, and those that are done before
        another worker has saved more than it takes to start; but by a number that was given."""
        if self.program.single is not None:
            return 1
        if self.crew is None:
            return self.threads
        return 1 if steps * self.ready.seconds < TOO_BRIEF else self.crew.size()

    def _look(self, seen: Array, errors: Array, kept: Array, moves: Array, workers: int) -> None:
        """Make the epochs that are placed, one after the other, and look at each."""
        words = self.training.words.copy()
        self.inference.set(order=seen, examples=len(seen), outputs=errors)
        context = calling.words(
            EPOCHS,
            train=self.built.place("train"),
            training=self.training.address,
            moves=moves,
            fields=len(moves),
            arrivals=self.arrivals,
            stop=self.training.address + 8 * PLACES["stop"],
            errors=self.built.place("errors"),
            inference=self.inference.address,
            outputs=self.inference.address + 8 * PLACES["outputs"],
            seen=8 * len(seen),
            epochs=len(errors),
            between=self.between,
            parameters=self.parameters,
            kept=kept,
            vectors=self.parameters.size // self.panels.numbers.lanes,
        )
        try:
            self._work(self.built.function("epochs"), calling.address(context), workers)
        finally:
            self.training.words[:] = words

    def permutations(self, before: list[int], last: range, count: int) -> Array:
        """Return what NumPy's generators make of ``count`` positions: ``default_rng([*before, k]).permutation(count)``
        for each k of ``last``, which are whole numbers one after the other. All are of 32 bits."""
        entropy = zeros(max(len(before) + 1, POOL), np.int64)
        entropy[: len(before) + 1] = [*before, last.start]
        found = zeros(len(last) * count, np.int64).reshape(len(last), count)
        context = calling.words(
            ORDERS,
            entropy=entropy,
            words=len(entropy),
            varies=len(before),
            generators=len(found),
            count=count,
            found=found,
        )
        together(self.built.function("orders"), calling.address(context), 1, brief=found.size < BRIEF)
        return found

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
        self.arrivals[:2] = self.between[:2] = 0, self.patience
        self.losses = self._room("losses", LOSSES * len(steps), np.float64)
        if bounds is not self.placed or self._weighted:
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

    @property
    def _weighted(self) -> bool:
        """Whether the errors of a batch are divided by its examples' weights."""
        return self.problem.network.loss.over_examples == "weighted_mean" and self.examples.weights is not None

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
        if self._weighted:
            found[:, 0] *= examples / counts[:, 0]
        if self.problem.penalty.divide_by_examples:
            found[:, 1] /= counts[:, 1]
        return found

    def _make_room(self, examples: int = 0) -> None:
        """Make room for a whole gradient, and for the errors of that many examples, unless there is."""
        if self.training.arrays["errors"].size < examples + self.program.tile.rows:
            self.training.set(errors=zeros(examples + self.program.tile.rows, np.float64))
        if not self.training.arrays["gradient"].size:
            self.training.set(gradient=zeros(self.parts[0].size, self.panels.numbers.dtype))
        if not self.training.arrays["squares"].size:
            self.training.set(squares=zeros(self.ready.sums, np.float64))

    def _work(self, function: Function, context: int, workers: int) -> None:
        """Let workers make steps. An interrupt ends long ones, and leaves nothing but NaN of one that was cut short."""
        if not self.stops:
            together(function, context, workers)
            return
        self.training.set(stop=0)
        try:
            together(function, context, workers, stop=lambda: self.training.set(stop=1))
        except BaseException:
            if self.training.words[PLACES["stop"]]:
                self.parameters.fill(np.nan)
            raise

    def _parts(self, steps: Array, rates: Array) -> tuple[Array, int]:
        """Return the parts of the optimizer's rule that depend on the step alone, and the bytes from step to step."""
        rule, dtype = self.program.rule, self.panels.numbers.dtype
        changing = rule.counts_steps or not (rates == rates[0]).all()
        seen = slice(None) if changing else slice(1)
        depends = steps[seen].tobytes() if rule.counts_steps else b"", rates[seen].tobytes()
        if self.depends != depends:
            self._kept("parts", self.ready.parts(steps[seen], rates[seen]), dtype)
            self.depends = depends
        return self.kept["parts"], len(rule.parts) * self.kept["parts"].itemsize if changing else 0
