"""The flat vector of parameters and the place of each entry."""

from __future__ import annotations

import clearprop as cp


def test_layout_index_and_place_are_inverse() -> None:
    layout = cp.load("deep").network.layout
    assert [layout.index(layout.place(index)) for index in range(layout.size)] == list(range(layout.size))
    assert [layout.find(layout.name(index)) for index in range(layout.size)] == list(range(layout.size))
