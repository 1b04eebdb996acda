"""The lines of a sheet in computing order."""

from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.checking.order import Order
from clearprop.checking.spelling import meant
from clearprop.derivation.lines import Lines
from clearprop.errors import InvalidArgument

CYCLE = cp.cycle(cp.load("lecture"))


def order(*names: str) -> Order:
    return Order(Lines(CYCLE), tuple(meant(CYCLE, name) for name in names))


def shown(made: Order, *, among: tuple[str, ...] = ()) -> list[str]:
    names = [CYCLE.names.text(quantity) for quantity in made.quantities]
    return [name for name in names if not among or name in among]


def test_the_lines_of_the_cycle_come_as_they_are() -> None:
    lines = Lines(CYCLE)
    assert order("sum_h1").quantities == list(lines.quantities())


def test_what_else_is_asked_stands_before_the_line_it_leads_to() -> None:
    made = order("dE_1/dw1", "dsum_o1/dw5", "w5", "dE_total/di1", "dE_2/dw1")
    names = shown(made)
    assert names.index("w5") == 0
    assert names.index("∂sum_o1/∂w5") < names.index("∂E_total/∂w5")
    assert names.index("∂E_1/∂sum_h1") < names.index("∂E_1/∂w1") < names.index("∂E_total/∂w1")
    assert names[-1] == "∂E_total/∂i1"


def test_true_numbers_are_those_of_the_cycle() -> None:
    made = order("dE_1/dw1", "new_w1", "dE_total/dw1")
    truth = {CYCLE.names.text(made.quantities[at]): value for at, value in made.truth.items()}
    assert truth["∂E_total/∂w1"] == CYCLE.gradients["w1"]
    assert truth["new_w1"] == CYCLE.updated["w1"]
    shares = cp.explain(CYCLE, "dE_1/dw1").structure()["derivations"]["∂E_1/∂w1"]
    assert truth["∂E_1/∂w1"] == pytest.approx(shares["gradient"], rel=1e-12)


def test_factors_on_the_sheet_are_another_way_to_a_product() -> None:
    made = order("dE_total/dw5", "dsum_o1/dw5", "dE_total/dsum_o1")
    at = made.position[meant(CYCLE, "dE_total/dw5")]
    assert len(made.alternatives[at]) == 1


def test_a_network_that_is_too_large_is_refused() -> None:
    network = cp.Network(300, [cp.Dense(300)])
    problem = cp.Problem(network, examples=cp.Examples.of([[0.1] * 300], [[0.2] * 300]))
    with pytest.raises(InvalidArgument, match="check works line by line: at most 50,000 parameters"):
        Order(Lines(cp.cycle(problem)), ())
