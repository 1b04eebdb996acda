"""The network laid out: what is folded, and that labels keep clear of each other and of the units."""

from __future__ import annotations

import itertools

import pytest

import clearprop as cp
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.rendering.document import Diagram, View
from clearprop.rendering.layout import Picture, caption, folded


def picture(inputs: int, *sizes: int, bias: str = "unit", values: bool = True) -> Picture:
    network = cp.Network(inputs, [cp.Dense(size, "tanh", bias=bias) for size in sizes])  # type: ignore[arg-type]
    known: dict[q.Quantity, float] = {q.Parameter(k): 0.12345 for k in range(network.parameter_count)} if values else {}
    return Picture(Diagram(network, known), View(Names(network)))


def test_folding() -> None:
    assert folded(3, 7) == [0, 1, 2]
    assert folded(784, 7) == [0, 1, 2, 3, 4, None, 783]
    assert folded(31, 11, last=4) == [0, 1, 2, 3, 4, 5, None, 27, 28, 29, 30]


def test_captions_put_equal_layers_together() -> None:
    assert caption(cp.load("lecture").network) == "2 inputs → 2 logistic → 2 logistic"
    deep = cp.Network(3, [*[cp.Dense(5, "tanh")] * 40, cp.Dense(2)])
    assert caption(deep) == "3 inputs → 40 × (5 tanh) → 2 identity"


@pytest.mark.parametrize("sizes", [(1, 1), (2, 2, 2), (2, 3, 2), (3, 4, 4, 2), (4, 5, 4)])
@pytest.mark.parametrize("bias", ["unit", "shared", "none"])
def test_labels_keep_clear_of_each_other_and_of_the_units(sizes: tuple[int, ...], bias: str) -> None:
    drawn = picture(*sizes, bias=bias)
    labels = drawn.labels()
    assert labels is not None
    assert len(labels.weights) == sum(a * b for a, b in itertools.pairwise(sizes))
    for (_, (x, y)), (_, (u, v)) in itertools.combinations(labels.weights, 2):
        assert abs(x - u) > 0.3 or abs(y - v) >= 0.34
    units = [drawn.place(column, row) for column in drawn.rows for row, _ in drawn.drawn(column)]
    for _, (x, y) in labels.weights:
        assert all((x - u) ** 2 + (y - v) ** 2 > 0.5**2 for u, v in units)


def test_values_give_way_to_names_and_names_to_nothing() -> None:
    few, some, many = (picture(*sizes).labels() for sizes in ((2, 2, 2), (3, 4, 4, 2), (6, 8, 4)))
    assert (few is not None and few.valued, some is not None and some.valued, many) == (True, False, None)
    unknown = picture(2, 2, 2, values=False).labels()
    assert unknown is not None
    assert not unknown.valued


def test_large_networks_are_folded() -> None:
    drawn = picture(784, *[64] * 30, 10, values=False)
    assert len(drawn.columns) == 11
    assert [unit for _, unit in drawn.drawn(0)] == [0, 1, 2, 3, 4, 783]
    assert drawn.left_out(0) == 778
    assert len(list(drawn.edges())) == 36 * len(list(drawn.gaps()))
