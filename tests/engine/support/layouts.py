"""Arrays whose numbers stand in memory in every way that NumPy knows."""

from __future__ import annotations

import numpy as np

from clearprop.types import Array


def every_other(values: Array) -> Array:
    return np.repeat(values, 2, axis=0)[::2]


def columns_apart(values: Array) -> Array:
    return np.repeat(values, 3, axis=1)[:, ::3]


def backwards(values: Array) -> Array:
    return np.ascontiguousarray(values[::-1, ::-1])[::-1, ::-1]


def read_only(values: Array) -> Array:
    kept = values.copy()
    kept.flags.writeable = False
    return kept


def unaligned(values: Array) -> Array:
    raw = np.empty(values.nbytes + 1, np.uint8)[1:].view(values.dtype).reshape(values.shape)
    raw[:] = values
    assert not raw.flags.aligned
    return raw


def other_end_first(values: Array) -> Array:
    return values.astype(values.dtype.newbyteorder())


def over_and_over(values: Array) -> Array:
    """Rows that stand in the same place."""
    return np.broadcast_to(values[:1], values.shape)


LAYOUTS = [every_other, columns_apart, backwards, np.asfortranarray, read_only, unaligned, other_end_first]


LAYOUTS += [over_and_over, np.ndarray.tolist, lambda values: values.astype(np.longdouble)]
