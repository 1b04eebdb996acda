"""Names of quantities: each finds its quantity, in every notation; mistyped names are answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import problems

import clearprop as cp
from clearprop.errors import UnknownName
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.network.notation import NOTATIONS, Notation


@pytest.mark.parametrize("name", ["a", "b", "y", "z", "t", "N", "E", "E_3", "sum_w", "1", "_", "x1", "u"])
def test_other_names_are_ordinary(name: str) -> None:
    network = cp.Network(1, [cp.Dense(("u", "v"), weight_names=((name,), ("k",)))])
    assert Names(network).find(name) == q.Parameter(0)


@given(problems(max_depth=3), st.sampled_from([*NOTATIONS.values()]))
def test_what_a_quantity_is_called_finds_it(problem: cp.Problem, notation: Notation) -> None:
    network = problem.network
    names = Names(network, notation)
    units = [(layer, unit) for layer, size in enumerate(network.sizes[1:]) for unit in range(size)]
    parameters = [q.Parameter(index) for index in range(network.parameter_count)]
    errors = [q.Error(k) for k in range(network.sizes[-1])]
    quantities: list[q.Quantity] = [q.TotalError(), q.PenaltyError(), *errors, *parameters]
    quantities += [q.Target(k) for k in range(network.sizes[-1])]
    quantities += [q.Sum(*unit) for unit in units] + [q.Output(*unit) for unit in units]
    quantities += [q.Updated(parameter) for parameter in parameters]
    roots: list[q.Quantity] = [q.TotalError(), *errors]
    variables: list[q.Quantity] = [*parameters, *(q.Sum(*unit) for unit in units)]
    for of in roots:
        quantities += [q.Derivative(of, by) for by in variables]
        quantities += [q.Derivative(of, q.Output(*unit)) for unit in units]
    quantities += [q.Derivative(q.Output(*unit), q.Sum(*unit)) for unit in units]
    for quantity in quantities:
        assert names.find(names.text(quantity)) == quantity


@pytest.mark.parametrize("notation", NOTATIONS.values(), ids=NOTATIONS)
def test_every_name_that_is_suggested_is_known(notation: Notation) -> None:
    network = cp.Network(("θ", "x"), [cp.Dense(("γ_h", "重み")), cp.Dense(("ŷ",), weight_names=(("α", "ж"),))])
    known = Names(network, notation).known()
    assert {"theta", "alpha", f"{notation.sum}_gamma_h", f"{notation.output}_y"} <= {*known}
    for name in known:
        Names(network, notation).find(name)


def test_both_notations_are_understood_everywhere() -> None:
    for notation in NOTATIONS.values():
        names = Names(cp.load("lecture").network, notation)
        for one, other in [
            ("sum_h1", "z_h1"), ("output_o2", "a_o2"), ("E_total", "L"), ("E_2", "L_2"), ("target_1", "t_1"),
            ("new_w5", "w5⁺"), ("∂E_total/∂sum_o1", "δ_o1"), ("delta_o1", "δ_o1"), ("dE_total/dw1", "∂L/∂w1"),
        ]:  # fmt: skip
            assert names.find(one) == names.find(other)
    names = Names(cp.load("lecture").network, NOTATIONS["lecture"])
    assert [names.text(names.find(name)) for name in ("z_h1", "a_o2", "L", "w5⁺", "δ_o1", "∂L/∂w1")] == [
        "sum_h1", "output_o2", "E_total", "new_w5", "∂E_total/∂sum_o1", "∂E_total/∂w1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sum_h3", 'unknown name "sum_h3"; did you mean "sum_h'),
        ("w55", 'unknown name "w55"; did you mean "w5"?'),
        ("E_3", 'unknown name "E_3"; did you mean "E_'),
        ("e_total", 'unknown name "e_total"; did you mean "E_total"?'),
        ("∂E_total/∂nothing", 'unknown name "nothing"; known: E_total, '),
        ("dE_total/dw55", 'unknown name "w55"; did you mean "w5"?'),
        ("h1", 'unknown name "h1"; known: sum_h1, output_h1'),
        ("dE_total/dh1", 'unknown name "dE_total/dh1"; did you mean "dE_total/dsum_h1"?'),
        ("∂/∂", "unknown name "),
        ("", 'unknown name ""; '),
        ("new_", "unknown name "),
        ("E_0", "unknown name "),
        ("E_99999999999999", "unknown name "),
        ("d" * 5000, "unknown name "),
        ("dw1/" * 500, "unknown name "),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(UnknownName) as error:
        Names(cp.load("lecture").network, NOTATIONS["lecture"]).find(name)
    assert str(error.value).startswith(message)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize("notation", NOTATIONS.values())
def test_every_name_finds_its_quantity(notation: Notation) -> None:
    network = cp.load("deep").network
    names = Names(network, notation)
    quantities: list[q.Quantity] = [q.TotalError(), q.PenaltyError(), q.Error(1), q.Target(0)]
    for layer in range(network.depth):
        quantities += [q.Sum(layer, 1), q.Output(layer, 0), q.Derivative(q.TotalError(), q.Sum(layer, 0))]
    for index in range(len(cp.load("deep").parameters)):
        parameter = q.Parameter(index)
        quantities += [parameter, q.Updated(parameter), q.Derivative(q.TotalError(), parameter)]
    for quantity in quantities:
        assert names.find(names.text(quantity)) == quantity
    assert names.find("dE_total/dw1") == names.find("∂L/∂w1")


def test_ordinary_letters_are_ordinary_names() -> None:
    network = cp.Network(("a", "b"), [cp.Dense(("y", "z"), "tanh", weight_names=(("y", "z"), ("a", "b")))])
    problem = cp.Problem(network, examples=cp.Examples.of([[1.0, 2.0]], [[0.5, 0.5]]))
    done = cp.cycle(problem)
    assert done["z_y"] == pytest.approx(problem.parameters["y"] + 2 * problem.parameters["z"])


def test_a_hyperparameter_called_as_an_input_gets_a_number() -> None:
    names = Names(cp.Network(("momentum", "size"), [cp.Dense(1)]))
    assert (names.text(q.Named("momentum")), names.text(q.Named("step"))) == ("momentum_2", "step")
    assert names.find("momentum") == q.Input(0)
