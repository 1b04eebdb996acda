"""Entries: who takes part, with how many threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks.measure import ROOT

OURS, ENGINE = "clearprop", "engine alone"

OTHER_JAX = "0.4.31"
"""The last version before JAX's present runtime for processors."""

ITS_PLACE = f".venv/jax-{OTHER_JAX}"
"""An environment with nothing else in it."""


@dataclass(frozen=True)
class Entry:
    """A library, or one way of using it, with a number of threads; None leaves that to the library.

    ``home`` is its class. ``needs`` is what it imports, by this Python or by ``python``, which has its own packages.
    """

    name: str
    needs: str
    home: str
    threads: int | None
    python: Path = Path(sys.executable)
    more: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """The name with the number of threads."""
        if self.threads is None:
            return f"{self.name}, automatic"
        return f"{self.name}, {self.threads} thread{'s' if self.threads > 1 else ''}"

    @property
    def ours(self) -> bool:
        """Whether this is clearprop, or a part of it."""
        return self.name in (OURS, ENGINE)

    @property
    def missing(self) -> str | None:
        """Why it cannot take part, and how to change that."""
        if self.python != Path(sys.executable):
            made = f"python -m venv {ITS_PLACE} && {ITS_PLACE}/bin/python -m pip install jax=={OTHER_JAX}"
            return None if self.python.exists() else f"it needs an environment; {made}"
        return None if find_spec(self.needs) is not None else f"{self.needs} is not installed; pip install '.[peers]'"

    @property
    def environment(self) -> dict[str, str]:
        """What must be set before its libraries are loaded."""
        # NPROC bounds the thread pools of XLA, the others those of OpenMP, OpenBLAS and MKL.
        names = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        return self.more | ({} if self.threads is None else dict.fromkeys(names, str(self.threads)))


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_counts(most: int) -> tuple[int, ...]:
    """Return 1, 2, 4, … and as many as there are processors.

    >>> thread_counts(2), thread_counts(6)
    ((1, 2), (1, 2, 4, 6))
    """
    powers = (2**power for power in range(most.bit_length()))
    return (*(count for count in powers if count < most), most)


def entries() -> Iterator[Entry]:
    """Yield all that could take part."""
    here, counts = "benchmarks.contenders", thread_counts(cores())
    yield Entry(ENGINE, "clearprop", f"{here}.clearprop:EngineAlone", None)
    for threads in (None, *counts):
        yield Entry(OURS, "clearprop", f"{here}.clearprop:Clearprop", threads)
    apart = ROOT / ITS_PLACE / "bin" / "python"
    unfused = {"XLA_FLAGS": "--xla_cpu_experimental_ynn_fusion_type=-reduce"}
    for threads in counts:
        yield Entry("PyTorch eager", "torch", f"{here}.pytorch:Eager", threads)
        yield Entry("PyTorch compiled", "torch", f"{here}.pytorch:Compiled", threads)
        yield Entry("JAX", "jax", f"{here}.jax_scan:Jax", threads)
        yield Entry("JAX, reductions apart", "jax", f"{here}.jax_scan:Jax", threads, more=unfused)
        yield Entry(f"JAX {OTHER_JAX}", "jax", f"{here}.jax_scan:Jax", threads, apart)
        yield Entry("scikit-learn", "sklearn", f"{here}.scikit:Scikit", threads)
