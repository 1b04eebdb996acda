"""A network and a problem as documents."""

from __future__ import annotations

import clearprop as cp
from clearprop.rendering.document import Diagram, Grid, View
from clearprop.rendering.problem import layers_grid, network_document, problem_document, problem_summary
from clearprop.rendering.text import text


def test_layers_have_shapes_and_parameters_that_add_up() -> None:
    network = cp.Network(3, [cp.Dense(1000, "relu"), cp.Dense(2, "softmax", bias="none"), cp.Dense(1, bias="shared")])
    grid = layers_grid(network)
    assert grid.rows == (
        ("1", "relu", "1,000 x 3", "1,000", "4,000"),
        ("2", "softmax", "2 x 1,000", "0", "2,000"),
        ("3", "identity", "1 x 2", "1", "3"),
        ("", "", "", "", "6,003"),
    )
    assert network.parameter_count == 6003
    assert grid.numeric == (True, False, False, True, True)


def test_a_summary_counts_the_examples_that_are_learnt_from() -> None:
    problem = cp.load("penguins")
    shown = text(problem_summary(problem), View(problem.names), width=100)
    assert shown.startswith("penguins: 266 examples, 67 more for validation, 11 left out\n")
    assert shown.endswith("; batches of 32; seed 0; float32\n")


def test_without_examples_there_are_no_batches() -> None:
    problem = cp.Problem(cp.Network(2, [cp.Dense(1)]))
    shown = text(problem_summary(problem), View(problem.names))
    assert shown.startswith("the network: no examples\n")
    assert "batches" not in shown


def test_the_drawing_of_a_problem_shows_its_numbers_and_that_of_a_network_none() -> None:
    lecture = cp.load("lecture")
    (drawn,) = (block for block in problem_document(lecture) if isinstance(block, Diagram))
    assert sorted(drawn.values.values()) == sorted(lecture.parameters.vector.tolist())
    (bare,) = (block for block in network_document(lecture.network) if isinstance(block, Diagram))
    assert bare.values == {}
    assert any(isinstance(block, Grid) for block in network_document(lecture.network))
