"""The names of quantities on sheets."""

from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.checking.spelling import meant
from clearprop.errors import UnknownName


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("sum_h1", "sum_h1"), ("net_h1", "sum_h1"), ("z_h1", "sum_h1"), ("out_o1", "output_o1"), ("a_o1", "output_o1"),
        ("E", "E_total"), ("L", "E_total"), ("E_1", "E_1"), ("E_o1", "E_1"), ("dE/dw5", "∂E_total/∂w5"),
        ("dE_total/dw5", "∂E_total/∂w5"), ("∂L/∂w5", "∂E_total/∂w5"), ("dE / dw5", "∂E_total/∂w5"),
        ("dE/dout_o1", "∂E_total/∂output_o1"), ("dout_o1/dnet_o1", "∂output_o1/∂sum_o1"),
        ("dE_o1/dout_o1", "∂E_1/∂output_o1"), ("dE_1/dw1", "∂E_1/∂w1"), ("∂sum_o1/∂w5", "∂sum_o1/∂w5"),
        ("dnet_o1/dout_h1", "∂sum_o1/∂output_h1"), ("delta_h1", "∂E_total/∂sum_h1"), ("new_w5", "new_w5"),
        ("deltah1", "∂E_total/∂sum_h1"), ("DE/DW5", "∂E_total/∂w5"),
        ("w_5", "w5"), ("w₅", "w5"), ("W5", "w5"), ("new_w_5", "new_w5"), ("w5^+", "new_w5"), ("w5_new", "new_w5"),
        ("w5 (new)", "new_w5"), ("new E", "new_E_total"), ("outh1", "output_h1"), ("NET o1", "sum_o1"), ("E1", "E_1"),
        ("dE1/dout_o1", "∂E_1/∂output_o1"), (r"$\frac{\partial E_{total}}{\partial w_5}$", "∂E_total/∂w5"),
        (r"\delta_{o_1}", "∂E_total/∂sum_o1"), ("t1", "target_1"), ("w5+", "new_w5"), ("w5⁺", "new_w5"),
        ("n", "n"), ("i1", "i1"), ("target_1", "target_1"),
    ],
)  # fmt: skip
def test_aliases_compose(name: str, quantity: str) -> None:
    cycle = cp.cycle(cp.load("lecture"))
    assert cycle.names.text(meant(cycle, name)) == quantity


def test_an_unknown_name_suggests_one() -> None:
    cycle = cp.cycle(cp.load("lecture"))
    with pytest.raises(UnknownName, match='unknown quantity "dE/dw55"; did you mean "dE_total/dw5"'):
        meant(cycle, "dE/dw55")


def test_a_name_that_may_be_one_of_two_is_unknown() -> None:
    text = cp.write(cp.load("lecture")).replace('"w5"', '"w_12"').replace('"w6"', '"w1_2"')
    cycle = cp.cycle(cp.read(text))
    assert cycle.names.text(meant(cycle, "w_12")) == "w_12"
    with pytest.raises(UnknownName, match="w12"):
        meant(cycle, "w12")
