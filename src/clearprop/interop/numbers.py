"""Raw bytes of a file as numbers."""

from __future__ import annotations

import numpy as np

from clearprop.types import Array


def numbers(raw: bytes, kind: str, big: bool = False) -> Array:
    """Return raw bytes as numbers; those of bfloat16 as float32.

    >>> numbers(bytes([0x80, 0x3f, 0x40, 0xc0]), "bf16").tolist()
    [1.0, -3.0]
    """
    order = ">" if big else "<"
    if kind == "bf16":
        return (np.frombuffer(raw, f"{order}u2").astype("u4") << 16).view("f4")
    return np.frombuffer(raw, kind.replace("<", order))
