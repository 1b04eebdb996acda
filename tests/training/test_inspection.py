"""A look at the compiled engine: its plan is that of the training, and nothing of the problem is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.training.inspection import inspected

XOR = cp.load("xor")
WIDE = cp.Problem(
    cp.Network(30, [cp.Dense(70, "tanh"), cp.Dense(3)]),
    examples=cp.Examples.of([[0.5] * 30] * 50, [[0.1, 0.2, 0.3]] * 50),
    settings=cp.Settings(batch_size=20),
)


def test_layers_are_cut_into_whole_vectors_that_hold_all_units() -> None:
    found = inspected(WIDE, None, 1, measure=False)
    lanes = found.native.panels.numbers.lanes
    assert [(layer.inputs, layer.units) for layer in found.layers] == [(30, 70), (70, 3)]
    for layer in found.layers:
        assert layer.units <= layer.computed < layer.units + lanes
        assert layer.computed % lanes == 0
        assert (layer.panels - 1) * found.native.panels.width < layer.units <= layer.panels * found.native.panels.width
    # At least room for each weight, its gradient aside.
    assert found.memory >= 4 * WIDE.network.parameter_count


def test_the_batch_and_the_precision_are_those_of_the_training() -> None:
    assert inspected(WIDE, None, 1, measure=False).batch == 20
    assert inspected(WIDE, 7, 1, measure=False).batch == 7
    double = replace(WIDE, settings=replace(WIDE.settings, dtype="float64"))
    one, two = (inspected(each, None, 1, measure=False) for each in (WIDE, double))
    assert (one.dtype, two.dtype) == ("float32", "float64")
    assert two.native.panels.numbers.lanes * 2 == one.native.panels.numbers.lanes


@pytest.mark.parametrize("threads", [0, -1])
def test_a_number_of_threads_that_cannot_be_is_refused(threads: int) -> None:
    with pytest.raises(InvalidArgument, match="threads: expected a whole number from 1 to 256"):
        inspected(XOR, None, threads, measure=False)


def test_what_is_measured_changes_nothing_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate is that of the operations, counted by hand, in the time that was measured."""
    monkeypatch.setattr("clearprop.training.inspection.SECONDS", 1e-4)
    before = WIDE.parameters.vector.copy()
    found = inspected(WIDE, None, 1)
    assert WIDE.parameters.vector.tolist() == before.tolist()
    assert found.measured > 0
    # Three products of each weight and example, a multiplication and an addition each; none back to the inputs.
    operations = 20 * (3 * 2 * (30 * 70 + 70 * 3) - 2 * 30 * 70)
    assert found.gflops * found.measured == pytest.approx(operations / 1e9)


def test_a_cache_that_is_switched_off_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert inspected(XOR, None, 1, measure=False).unused is None
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "off")
    found = inspected(XOR, None, 1, measure=False)
    assert found.cache is None
    assert found.unused is not None
