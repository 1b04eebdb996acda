"""Raw bytes as numbers, against NumPy's own conversion."""

from __future__ import annotations

import numpy as np
import pytest

from clearprop.interop.numbers import numbers


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8", "<i8"])
@pytest.mark.parametrize("big", [False, True])
def test_either_order_of_bytes_gives_the_same(kind: str, big: bool) -> None:
    values = np.arange(5).astype(kind)
    np.testing.assert_array_equal(numbers(values.astype(kind.replace("<", "><"[not big])).tobytes(), kind, big), values)


def test_bfloat16_is_the_upper_half_of_float32() -> None:
    values = np.array([1.0, -3.0, 0.15625, 2.0**100], np.float32)
    assert numbers(values.view(np.uint16)[1::2].tobytes(), "bf16").tolist() == values.tolist()
    assert numbers(b"\x3f\x80", "bf16", big=True).tolist() == [1.0]
