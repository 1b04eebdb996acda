"""Prediction: outputs for rows of inputs, by the same kernels that train."""

from __future__ import annotations

import threading
from functools import cache

import numpy as np

from clearprop.engine.calling import FIELDS, Context, address, filled, zeros
from clearprop.engine.plan import EXAMPLES
from clearprop.engine.prepared import inference
from clearprop.engine.processors import processors
from clearprop.engine.workers import together
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.types import Array

INPUTS, OUTPUTS, COUNT = (FIELDS.index(name) for name in ("inputs", "outputs", "examples"))

ROWS = 512 * EXAMPLES
"""Rows computed together: this bounds the memory for any number of rows."""

LITTLE = 4_000_000
"""Multiplications and additions that take about as long as a thread to start."""

FEW = 8
"""The most rows that are copied, and computed by the calling thread."""


@cache
def positions() -> Array:
    """Return the positions of rows that are computed together; nobody changes them."""
    return np.arange(ROWS, dtype=np.int64)


class Predictor:
    """A network with its weights, ready to predict. Several threads may call it at once.

    ``dtype`` is the precision of the computation, and of the outputs.
    """

    def __init__(self, problem: Problem, parameters: Parameters, dtype: str, threads: int | None = None) -> None:
        network, ready = problem.network, inference(problem, dtype)
        self.program, self.panels, self.built = ready.program, ready.panels, ready.built
        self.sizes, self.dtype = (network.sizes[0], network.sizes[-1]), np.dtype(dtype)
        self.threads = threads or processors()
        # A thread takes longer to start than this many rows to compute.
        self.alone = max(EXAMPLES, LITTLE // ready.operations)
        self.function = self.built.function("predict")
        self.weights = zeros(self.panels.weights * self.panels.width, dtype)
        self.weights[:] = self.panels.pack(parameters.vector)
        self.order = positions()
        self.unfit = zeros(8, np.int64)
        self.context = Context(
            layers=filled(ready.table, np.int64),
            depth=network.depth,
            block=ready.rows,
            parameters=self.weights,
            panels=ready.count,
            rows=ready.rows,
            order=self.order,
            unfit=self.unfit,
            activations=zeros(self.threads * ready.count * ready.rows * self.panels.width, dtype),
        )
        self.words, self.address = self.context.words, self.context.address
        # A few rows are copied: that takes less time than asking an array for its address.
        self.given = zeros(FEW * self.sizes[0], dtype).reshape(FEW, -1)
        self.found = zeros(FEW * self.sizes[1], dtype).reshape(FEW, -1)
        self.places = address(self.given), address(self.found)
        self.lock = threading.Lock()

    def __call__(self, inputs: Array) -> tuple[Array, bool]:
        """Return the outputs, shape (rows, outputs), for inputs of shape (rows, inputs), and whether all are finite.

        Raises:
            ValueError: rows of another length.
        """
        rows, size = inputs.shape
        if size != self.sizes[0]:
            raise ValueError(f"expected rows of {self.sizes[0]} numbers, found {inputs.shape}")
        if rows <= FEW:
            return self._few(inputs, rows)
        found, finite = np.empty((rows, self.sizes[1]), self.dtype), True
        for start in range(0, rows, ROWS):
            part = slice(start, start + ROWS)
            # A copy, unless native code can read the inputs as they are.
            readable = np.require(inputs[part], self.dtype, ["C", "A"])
            with self.lock:
                finite &= self._run(address(readable), address(found[part]), len(readable))
        return found, finite

    def _few(self, inputs: Array, rows: int) -> tuple[Array, bool]:
        with self.lock:
            self.given[:rows] = inputs
            finite = self._run(*self.places, rows)
            return self.found[:rows].copy(), finite

    def _run(self, inputs: int, outputs: int, rows: int) -> bool:
        """Compute rows from one address to another; return whether all numbers are finite."""
        self.words[INPUTS], self.words[OUTPUTS], self.words[COUNT] = inputs, outputs, rows
        self.unfit[0] = 0
        if rows <= self.alone or self.threads == 1:
            self.function(self.address, 0, 1)
        else:
            together(self.function, self.address, min(self.threads, -(-rows // EXAMPLES)))
        return not self.unfit[0]
