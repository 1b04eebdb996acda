"""Examples that count differently."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import clearprop as cp


def weighted_example(name: str, weights: Any, **changes: Any) -> cp.Problem:
    """A bundled example whose examples count differently."""
    problem = cp.load(name)
    assert problem.examples is not None
    return replace(problem, examples=replace(problem.examples, weights=np.array(weights)), **changes)
