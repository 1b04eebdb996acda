"""The result of a training, as a person sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument


def test_repr_is_one_short_line() -> None:
    assert repr(cp.train(cp.load("lecture"))) == "Fit(converged: 1,686 epochs, loss 2.9e-6)"
    assert repr(cp.train(cp.load("xor"), epochs=1)) == "Fit(epoch_limit: 1 epoch, loss 0.7, 2 notes)"


def test_what_is_saved_predicts_the_same(tmp_path: Path) -> None:
    fit = cp.train(cp.load("lecture"), epochs=3, dtype="float64")
    fit.save(tmp_path / "m.safetensors")
    loaded = cp.load(tmp_path / "m.safetensors")
    assert cp.predict(loaded, [[0.3, 0.4]]).tolist() == fit.predict([[0.3, 0.4]]).tolist()
    assert fit.loss_before == pytest.approx(cp.cycle(cp.load("lecture")).error, rel=1e-15)


def test_metrics_are_of_training_or_validation_rows() -> None:
    fit = cp.train(cp.load("lecture"), epochs=1)
    assert fit.metrics("validation") is None
    with pytest.raises(InvalidArgument, match=r"^part: expected .training. or .validation., found .test.$"):
        fit.metrics(cast(Any, "test"))
