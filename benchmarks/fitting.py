"""One first fit, in a process of its own; ``benchmarks/first_fit.py`` runs it.

    python -m benchmarks.fitting NETWORK warm|first [profile]

Prints the seconds, where the code came from and, if asked, what each phase took, as JSON. Nothing of clearprop
or NumPy may be imported above: that is part of a first call.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import clearprop as cp

PHASES = ("imports", "making the text", "parsing", "LLVM", "linking", "fingerprint", "disk", "weights", "steps")

FUNCTIONS = (
    ("making the text", "build", "source"),
    ("LLVM", "machine", "compiled"),
    ("linking", "machine", "Code.__init__"),
    ("fingerprint", "build", "fingerprint"),
    ("fingerprint", "build", "unchanged"),
    ("disk", "cache", "read"),
    ("disk", "cache", "write"),
    ("weights", "native", "Native.__init__"),
    ("steps", "native", "Native.run"),
    ("steps", "native", "Native.error"),
)
"""What the time of a phase is spent in: a module of the engine, and a function of it."""

ROWS = 64
"""Of two batches."""

NETWORKS: dict[str, tuple[int, tuple[tuple[int, str], ...]]] = {
    "4-10-3, softmax": (4, ((10, "relu"), (3, "softmax"))),
    "64-128-128-10": (64, ((128, "relu"), (128, "relu"), (10, "softmax"))),
    "784-512-512-10": (784, ((512, "relu"), (512, "relu"), (10, "softmax"))),
    "ten layers of 100": (100, ((100, "relu"),) * 10),
    "ten layers of ten widths": (
        30,
        (*((width, "relu") for width in (20, 35, 50, 70, 90, 110, 75, 45, 25)), (10, "softmax")),
    ),
    "ten layers, nine activations": (
        40,
        tuple(
            (40, name)
            for name in (
                "logistic",
                "tanh",
                "relu",
                "leaky_relu",
                "elu",
                "selu",
                "softplus",
                "gelu",
                "silu",
                "logistic",
            )
        ),
    ),
}
"""Inputs, and the units and activation of each layer."""


def problem(inputs: int, layers: tuple[tuple[int, str], ...]) -> cp.Problem:
    """Rows for two steps of Adam."""
    import numpy as np

    import clearprop as cp

    random, units = np.random.default_rng(0), layers[-1][0]
    rows = random.normal(size=(ROWS, inputs)).astype(np.float32)
    if layers[-1][1] == "softmax":
        targets = np.eye(units, dtype=np.float32)[random.integers(units, size=ROWS)]
    else:
        targets = random.uniform(0.1, 0.9, (ROWS, units)).astype(np.float32)
    network = cp.Network(inputs, [cp.Dense(size, activation) for size, activation in layers])
    settings = cp.Settings(batch_size=ROWS // 2, epochs=1)
    return cp.Problem(network, optimizer=cp.Adam(0.001), examples=cp.Examples(rows, targets), settings=settings)


def fit(given: cp.Problem) -> float:
    """Seconds of the call."""
    import clearprop as cp

    begun = time.perf_counter()
    done = cp.train(given)
    seconds = time.perf_counter() - begun
    if done.epochs != 1:
        raise RuntimeError(f"expected one epoch, found {done.epochs}")
    return seconds


# --- where it goes -----------------------------------------------------------------------------------------


class Clock:
    """Seconds spent in phases. Of phases within one another each second counts for the innermost."""

    def __init__(self) -> None:
        self.parts = dict.fromkeys(PHASES, 0.0)
        self._open: list[str] = []
        self._since = 0.0

    def enter(self, phase: str) -> None:
        """From now on it is this one."""
        self._turn()
        self._open.append(phase)

    def leave(self) -> None:
        """From now on it is again the one before."""
        self._turn()
        self._open.pop()

    def _turn(self) -> None:
        now = time.perf_counter()
        if self._open:
            self.parts[self._open[-1]] += now - self._since
        self._since = now

    def of(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time taken."""

        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            self.enter(phase)
            try:
                return function(*arguments, **named)
            finally:
                self.leave()

        return timed

    def imports(self) -> None:
        """Take the time of every import."""
        import builtins

        builtins.__import__ = self.of("imports", builtins.__import__)

    def engine(self) -> None:
        """Take the times of the engine's phases, by the names that its functions have."""
        for phase, module, name in FUNCTIONS:
            owner, function = place(module, name)
            setattr(owner, function, self.of(phase, getattr(owner, function)))
        binding: Any = import_module("llvmlite.binding")
        binding.parse_assembly = self.of("parsing", binding.parse_assembly)


def place(module: str, name: str) -> tuple[Any, str]:
    """Where a function of the engine stands, and its name there."""
    owner: Any = import_module(f"clearprop.engine.{module}")
    *outer, function = name.split(".")
    for each in outer:
        owner = getattr(owner, each)
    return owner, function


# --- the process -------------------------------------------------------------------------------------------


def origin(before: set[str]) -> str:
    """Where the code came from: the disk, if the fit left no new file there."""
    return "disk" if files() == before else "compiled"


def files() -> set[str]:
    """The code that is kept."""
    import os
    from pathlib import Path

    return {path.name for path in Path(os.environ["CLEARPROP_CACHE_DIR"]).glob("*.code")}


def main(name: str, before: str, profile: bool) -> dict[str, Any]:
    """The fit, in a process that has trained before or in one that has not even imported anything."""
    clock, kept = Clock(), files()
    inputs, layers = NETWORKS[name]
    if before == "warm":
        fit(problem(2, ((2, "tanh"), (1, "logistic"))))
        given, kept = problem(inputs, layers), files()
        if profile:
            clock.imports()
            clock.engine()
        seconds = fit(given)
    else:
        begun = time.perf_counter()
        if profile:
            clock.imports()
        given = problem(inputs, layers)
        if profile:
            clock.enter("imports")
            clock.engine()
            clock.leave()
        fit(given)
        seconds = time.perf_counter() - begun
    return {"seconds": seconds, "origin": origin(kept), "parts": clock.parts}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], "profile" in sys.argv[3:])))
