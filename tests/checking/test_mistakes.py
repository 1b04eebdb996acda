"""The bank as a list, and on a network."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import clearprop as cp
from clearprop.checking.bank import BANK
from clearprop.checking.mistakes import require_mistake
from clearprop.checking.slips import SLIPS
from clearprop.errors import UnknownName


def test_the_bank_has_over_sixty_mistakes_and_slips() -> None:
    found = cp.mistakes()
    assert len(found) == len(BANK) + len(SLIPS) > 60
    names = [each.name for each in found]
    assert len(set(names)) == len(names)
    assert {"slope_left_out", "sign_of_error", "updated_weights", "transposed"} <= set(names)
    assert [set(each) for each in found.structure()][:1] == [{"name", "instead", "stage", "says", "source"}]


def lecture(change: Callable[[str], str]) -> cp.Problem:
    return cp.read(change(cp.write(cp.load("lecture"))))


def test_what_cannot_be_told_apart_is_computed() -> None:
    tied = cp.mistakes(cp.load("lecture")).tied
    assert tied is not None
    assert ("sign_of_error", "added") in tied["the new weights and biases"]
    assert not any("sign_of_error" in group for group in tied["every line"])


def test_a_rate_of_one_hides_the_mistakes_of_the_rate() -> None:
    found = cp.mistakes(lecture(lambda text: text.replace("learning_rate = 0.6", "learning_rate = 1.0")))
    assert {"no_rate", "rate_squared", "rate_divides"} <= set(found.no_trace)


def test_a_rate_of_a_half_makes_a_factor_of_two_look_like_no_rate() -> None:
    found = cp.mistakes(lecture(lambda text: text.replace("learning_rate = 0.6", "learning_rate = 0.5")))
    assert found.tied is not None
    groups = [set(group) for group in found.tied["the new weights and biases"]]
    assert any({"factor_two", "no_rate"} <= group for group in groups)


def test_equal_weights_hide_transposes() -> None:
    found = cp.mistakes(lecture(lambda text: text.replace("[[0.1, 0.3], [0.2, 0.4]]", "[[0.1, 0.2], [0.2, 0.4]]")
                                .replace("[[0.5, 0.6], [0.7, 0.8]]", "[[0.5, 0.7], [0.7, 0.8]]")))  # fmt: skip
    assert {"transposed", "row_for_column"} <= set(found.no_trace)


def test_one_output_has_no_place_for_sums_over_outputs() -> None:
    network = cp.Network(2, [cp.Dense(2, "logistic"), cp.Dense(1, "logistic")])
    problem = cp.Problem(network, examples=cp.Examples.of([[0.3, 0.7]], [[0.9]]))
    assert {"one_output_only", "mean_over_outputs", "targets_swapped"} <= set(cp.mistakes(problem).elsewhere)


def test_an_unknown_mistake_suggests_one() -> None:
    with pytest.raises(UnknownName, match='unknown mistake "slope_left"; did you mean "slope_left_out"'):
        require_mistake("slope_left")
