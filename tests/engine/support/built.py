"""Programs that are compiled quickly, and what is found of them on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tests.engine.support.programs import program

import clearprop as cp
from clearprop.engine import machine
from clearprop.engine.build import Built
from clearprop.engine.fingerprint import Part, fingerprint
from clearprop.engine.native import Native
from clearprop.engine.program import Program
from clearprop.network.examples import Examples
from clearprop.propagation.update import initial_state


def small(**changes: Any) -> Program:
    """A program that is compiled quickly, for this machine."""
    return program(
        **{"sizes": (2, 2), "last": "tanh", "loss": "squared_error", "triple": machine.host().triple} | changes
    )


def built(**changes: Any) -> Built:
    return Built(small(**changes), machine.host())


def entry(of: Built, folder: Path, part: Part = "train") -> Path:
    return folder / f"{fingerprint(of.program, of.target, part)}.code"


PARTS = Built.TRAINING


def trained() -> tuple[bytes, float]:
    """The weights after some steps of native code, bit for bit, and the error then."""
    random = np.random.default_rng(1)
    examples = Examples(random.normal(size=(8, 3)), random.normal(size=(8, 2)))
    problem = cp.Problem(cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(2)]), examples=examples)
    native = Native(
        problem, "float32", 4, problem.parameters.vector, initial_state(problem.optimizer, problem.parameters), 1
    )
    native.run(np.arange(8), np.array([0, 4, 8]), np.array([1, 2]), np.array([0.1, 0.1]))
    return native.vector.tobytes(), native.error(np.arange(8))
