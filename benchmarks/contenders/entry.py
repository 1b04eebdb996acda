"""Entries: who takes part, with how many threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

from benchmarks.contenders.rows import Prediction, Training
from benchmarks.contenders.work import Layers, Work

from clearprop.types import Array

OURS = "clearprop"


class Contender(Protocol):
    """What every library is asked for. Nothing but ``train``, and what ``predictor`` gives, is timed."""

    def __init__(self, threads: int | None) -> None:
        """Set the library to so many threads; None leaves it to the library."""

    def begin(self, work: Work) -> None:
        """Take over the data and the initial weights."""

    def train(self, epochs: int) -> None:
        """Train for so many more epochs, to the end of the last step."""

    def layers(self) -> Layers:
        """The present weights."""

    def predictor(self, task: Prediction, layers: Layers) -> Callable[[Array], Array]:
        """A function from rows of inputs to rows of outputs."""

    def otherwise(self, task: Training) -> str | None:
        """What it computes instead, if it cannot do the same mathematics."""


@dataclass(frozen=True)
class Entry:
    """A library, or one way of using it, with a number of threads; None leaves that to the library."""

    name: str
    needs: str
    home: str
    threads: int | None

    @property
    def label(self) -> str:
        """The name with the number of threads."""
        if self.threads is None:
            return f"{self.name}, automatic"
        return f"{self.name}, {self.threads} thread{'s' if self.threads > 1 else ''}"

    @property
    def ours(self) -> bool:
        """Whether this is clearprop."""
        return self.name == OURS

    @property
    def present(self) -> bool:
        """Whether what it needs is installed."""
        return find_spec(self.needs) is not None

    @property
    def environment(self) -> dict[str, str]:
        """What must be set before its libraries are loaded."""
        if self.threads is None:
            return {}
        threads = str(self.threads)
        # NPROC bounds the thread pools of XLA, the others those of OpenMP, OpenBLAS and MKL.
        names = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        return dict.fromkeys(names, threads)

    def contender(self) -> Contender:
        """The library itself, loaded; only in a process of its own."""
        module, _, name = self.home.partition(":")
        make = cast(Callable[[int | None], Contender], getattr(import_module(module), name))
        return make(self.threads)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_counts(most: int) -> tuple[int, ...]:
    """1, 2, 4, … and as many as there are processors.

    >>> thread_counts(2), thread_counts(6)
    ((1, 2), (1, 2, 4, 6))
    """
    powers = (2**power for power in range(most.bit_length()))
    return (*(count for count in powers if count < most), most)


def entries() -> Iterator[Entry]:
    """All that could take part."""
    counts = thread_counts(cores())
    here = "benchmarks.contenders"
    for threads in (*counts, None):
        yield Entry(OURS, "clearprop", f"{here}.clearprop:Clearprop", threads)
    for name, needs, home in (
        ("PyTorch eager", "torch", "pytorch:Eager"),
        ("PyTorch compiled", "torch", "pytorch:Compiled"),
        ("JAX", "jax", "jax_scan:Jax"),
        ("scikit-learn", "sklearn", "scikit:Scikit"),
    ):
        for threads in counts:
            yield Entry(name, needs, f"{here}.{home}", threads)
