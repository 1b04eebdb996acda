"""Many numbers as JSON: the page reads the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from tests.explorer.node import Node

from clearprop.explorer.numbers import PLAIN, numbers


@pytest.mark.parametrize("count", [0, 3, PLAIN, PLAIN + 1])
def test_the_page_reads_the_same_bits(node: Node, count: int) -> None:
    values = np.random.default_rng(count).normal(size=count) * 10.0 ** np.linspace(-300, 300, count)
    written = numbers(values)
    assert isinstance(written, list) == (count <= PLAIN)
    found = node.evaluate("(written) => [...clearprop.decoded(written)]", written)
    assert [float(value) for value in found] == values.tolist()
