from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import clearprop as cp
from clearprop.interop.fitted import fitted
from clearprop.interop.probe import probe, run


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"momentum": 0.75}, "optimizer.momentum = 0.75"),
        ({"momentum": 0.0}, "optimizer.momentum = 0.0"),
        ({"weight_decay": 0.013}, "optimizer.weight_decay = 0.013"),
        ({"clip_norm": 0.25}, "optimizer.clip_norm = 0.25"),
        ({"clip_norm": 0.2, "clip_norm_per": "variable"},
         'optimizer.clip_norm = 0.2; optimizer.clip_norm_per = "variable"'),
        ({"clip_value": 0.07}, "optimizer.clip_value = 0.07"),
    ],
)  # fmt: skip
def test_a_constant_is_found_from_the_numbers_of_two_steps(change: dict[str, object], expected: str) -> None:
    base = probe()
    rate = base.optimizer.schedule
    theirs = run(replace(base, optimizer=cp.SGD(0.2, **{"momentum": 0.9, "schedule": rate, **change})))  # type: ignore[arg-type]
    near = [each for each in fitted(base, frozenset(), "updated", theirs, run)
            if np.allclose(run(each.apply(base)).second, theirs.second, rtol=0, atol=1e-9)]  # type: ignore[arg-type]  # fmt: skip
    assert expected in [each.text for each in near]


def test_a_penalty_is_found_from_the_error_alone() -> None:
    base = probe()
    theirs = replace(run(replace(base, penalty=cp.Penalty(l2=0.021))), gradients=None, updated=None, second=None)
    assert "penalty.l2 = 0.021" in [each.text for each in fitted(base, frozenset(), "errors", theirs, run)]
