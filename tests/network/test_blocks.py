"""Blocks of rows: all rows, in order, at most a block at a time."""

from __future__ import annotations

import numpy as np
import pytest

from clearprop.network.blocks import BLOCK, blocks, slices


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_all_rows_in_order_in_blocks(count: int) -> None:
    rows = np.arange(count)[::-1]
    found = list(blocks(rows))
    assert all(1 <= len(block) <= BLOCK for block in found)
    np.testing.assert_array_equal(np.concatenate([rows[:0], *found]), rows)
    np.testing.assert_array_equal(np.concatenate([rows[:0], *(rows[part] for part in slices(count))]), rows)
