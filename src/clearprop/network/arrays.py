"""Arrays of numbers from whatever a call gives: lists, arrays, nothing that only looks like numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.types import Array

KINDS = {"c": "complex numbers", "M": "dates", "m": "spans of time", "U": "text", "S": "text", "V": "records"}


def numbers(values: Any, expected: str) -> Array:
    """Return real numbers, or truth values, as an array of float64.

    Raises:
        InvalidArgument: says what was ``expected``, and that text, dates, complex numbers, missing values of a
            masked array, rows of different lengths or anything else was found.
    """
    if hasattr(values, "columns") or hasattr(values, "column_names"):
        raise InvalidArgument(
            f"{expected}, found a data frame, whose columns have names: give it to train, or to with_examples of a "
            "problem; or give its values, in the order of the network's inputs"
        )
    kind = "masked values" if _is_masked(values) else None
    try:
        found = np.asarray(values)
        if found.dtype.kind == "O" and any(isinstance(each, (str, bytes)) for each in found.flat):
            kind = "text"
        kind = kind or KINDS.get(found.dtype.kind)
        if kind is None:
            return np.asarray(found, dtype=float)
    except (TypeError, ValueError):
        kind = "something else"
    except RuntimeError:  # a tensor that records gradients, or that lies on a device
        raise InvalidArgument(
            f"{expected}, found a tensor that NumPy cannot read; give tensor.detach().cpu()"
        ) from None
    raise InvalidArgument(f"{expected}, found {kind} in them")


def _is_masked(values: Any) -> bool:
    """Return whether values are missing of a masked array; ``np.ma`` is loaded only for a class of that kind."""
    return isinstance(values, np.ndarray) and type(values) is not np.ndarray and bool(np.ma.is_masked(values))
