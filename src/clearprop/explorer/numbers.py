"""Arrays of numbers as JSON."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from clearprop.types import Array

PLAIN = 1_000
"""Arrays of more numbers than this are written as the bytes of their float64s."""


def numbers(values: Array) -> Any:
    """Return a list of numbers or, for a long array, the bytes of its float64s, little-endian, in base 64."""
    flat = np.ascontiguousarray(values, dtype="<f8").ravel()
    if flat.size <= PLAIN:
        return flat.tolist()
    return {"float64": base64.b64encode(flat.tobytes()).decode("ascii")}
