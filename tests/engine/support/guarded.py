"""Memory that ends the process when something outside of it is touched.

An array stands directly before, or directly behind, a page that nobody may read or write; on its other
side there is what is left of its own page, with a pattern that must not change, and then such a page
again.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.engine import calling, memory, native, predictor
from clearprop.engine.calling import FIELDS
from clearprop.engine.native import Native
from clearprop.engine.panels import Panels
from clearprop.types import Array

AVAILABLE = sys.platform != "win32"
PAGE = mmap.PAGESIZE
PATTERN = 0xA5


@dataclass(frozen=True)
class Piece:
    """An array between guards, and the memory it stands in."""

    memory: Array
    start: int
    stop: int

    @property
    def intact(self) -> bool:
        """Whether what is left of its pages is as it was."""
        left = self.memory[PAGE : self.start], self.memory[self.stop : -PAGE]
        return all((part == PATTERN).all() for part in left)


class Guards:
    """Makes arrays of zeros: at the end of their pages, or at the beginning."""

    def __init__(self, *, at_end: bool) -> None:
        self.at_end = at_end
        self.pieces: list[Piece] = []

    def zeros(self, count: int, dtype: Any) -> Array:
        """An array of zeros between guards. It stays as long as this does."""
        size = count * np.dtype(dtype).itemsize
        inner = -(-size // PAGE) * PAGE
        pages = np.frombuffer(mmap.mmap(-1, inner + 2 * PAGE), np.uint8)
        start = PAGE + (inner - size if self.at_end else 0)
        pages[PAGE:-PAGE] = PATTERN
        pages[start : start + size] = 0
        for guard in (0, PAGE + inner):
            _forbid(pages.ctypes.data + guard)
        self.pieces.append(Piece(pages, start, start + size))
        return pages[start : start + size].view(dtype)

    def holds(self, array: Array) -> bool:
        """Whether this array was made here."""
        address = array.ctypes.data
        return any(0 <= address - piece.memory.ctypes.data <= piece.memory.size for piece in self.pieces)

    @property
    def intact(self) -> bool:
        """Whether nothing was written beside any of the arrays."""
        return all(piece.intact for piece in self.pieces)


def _forbid(address: int) -> None:
    """Take a page's permissions away."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(PAGE), 0):
        raise OSError(ctypes.get_errno(), "mprotect")


@contextmanager
def guarded(*, at_end: bool) -> Iterator[Guards]:
    """While this lasts, all that is handed to native code stands between guards."""
    guards, usual = Guards(at_end=at_end), calling.zeros
    rooms: tuple[Any, ...] = (calling, memory, native, predictor)
    for room in rooms:
        room.zeros = guards.zeros
    try:
        yield guards
    finally:
        for room in rooms:
            room.zeros = usual


def poison(engine: Native) -> None:
    """NaN wherever native code must write before it reads: in activations, signals, gradient and scratch.

    What fills up a panel stays zero, as the panels promise.
    """
    panels, last = engine.panels, engine.panels.network.depth
    forward = [units for layer in range(last + 1) for units in _units(panels, layer)]
    back = [units for layer in range(1, last + 1) for units in _units(panels, layer)]
    training = [*forward, *back, *[panels.width] * calling.aside(panels)]
    rows = int(engine.training.words[FIELDS.index("rows")])
    _fill(engine.training.arrays["activations"].reshape(len(training), rows, panels.width), training)
    rows = int(engine.inference.words[FIELDS.index("rows")])
    for block in engine.inference.arrays["activations"].reshape(-1, len(forward), rows, panels.width):
        _fill(block, forward)
    engine.training.arrays["scratch"].fill(np.nan)
    if engine.program.whole_gradient:
        trained = panels.network.layout.trainable
        engine.training.arrays["gradient"][panels.places[trained]] = np.nan


def _units(panels: Panels, layer: int) -> list[int]:
    return [panels.width] * (panels.count(layer) - 1) + [panels.tail(layer)]


def _fill(activations: Array, units: list[int]) -> None:
    for panel, count in zip(activations, units, strict=True):
        panel[:, :count] = np.nan
