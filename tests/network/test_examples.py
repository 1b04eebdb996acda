"""Examples: what is wrong with them is said, and summed up where it is much."""

from __future__ import annotations

import numpy as np
import pytest
from tests.network.files import ONE, START, faults

import clearprop as cp
from clearprop.errors import InvalidNetwork
from clearprop.network import problem, read


def test_faults_of_many_examples_are_summed_up() -> None:
    text = ONE + "[[examples]]\ninputs = [1, 2]\ntargets = [1]\n" * 30
    with pytest.raises(InvalidNetwork) as error:
        cp.read(text)
    assert len(error.value.problems) == 11
    assert str(error.value.problems[-1]) == "examples: and 20 more problems"


def test_targets_of_softmax_sum_to_one() -> None:
    text = START.replace('["o1"]', '["o1", "o2"]').replace("logistic", "softmax")
    assert faults(text + "[[examples]]\ninputs = [1, 2]\ntargets = [0.5, 0.6]\n") == [
        "examples[1].targets: categorical_cross_entropy needs targets that sum to 1, found a sum of 1.1"
    ]


def test_examples_of_a_sound_file_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(read, "row_faults", None)  # for a file with faults only
        assert cp.load("xor").examples is not None
    with monkeypatch.context() as patched:
        patched.setattr(problem, "example_faults", lambda *given: ["said once"])
        with pytest.raises(InvalidNetwork) as error:
            cp.load("xor")
    assert [str(fault) for fault in error.value.problems] == ["said once"]


def test_rows_of_arrays_are_not_named_one_by_one() -> None:
    targets = np.arange(40.0)[:, None]
    targets[7::2] = np.nan
    with pytest.raises(InvalidNetwork) as caught:
        cp.train(cp.Network(1, [cp.Dense(1)]), np.ones((40, 1)), targets)
    assert str(caught.value).splitlines()[1:] == [
        "  examples[8].targets[1]: expected a finite number, found nan (the first of 17 such rows)"
    ]
