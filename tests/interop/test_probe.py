from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import keras_module, torch_module

from clearprop.errors import InvalidArgument, UnreadableFile
from clearprop.interop.probe import CARRIED, conventions, probe, program, read_answer, run
from clearprop.interop.ways import WAYS

CONVENTIONS = {
    "torch": ['loss.name = "squared_error"', 'loss.over_outputs = "mean"', "penalty.l2 = 0.0",
              "optimizer.weight_decay = 0.05"],
    "keras": ['loss.name = "squared_error"', 'loss.over_outputs = "mean"', "penalty.l2 = 0.1",
              "optimizer.rate_in_velocity = true"],
    "sklearn": ["penalty.divide_by_examples = true", "optimizer.rate_in_velocity = true", 'loss.over_outputs = "mean"'],
    "numpy": [],
}  # fmt: skip


def answered(framework: str, tmp_path: Path, change: tuple[str, str] = ("", "")) -> Any:
    """What the program of a probe prints, run as it is or with a change."""
    text = program(framework)
    assert change[0] in text
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text.replace(*change) if change[0] else text, "probe.py", "exec"), {})
    path = tmp_path / "answer.json"
    path.write_text(printed.getvalue())
    return conventions(read_answer(str(path)))


@pytest.mark.parametrize("framework", CONVENTIONS)
@pytest.mark.filterwarnings("ignore")
def test_each_frameworks_conventions_are_named(framework: str, tmp_path: Path) -> None:
    {"torch": torch_module, "keras": keras_module}.get(
        framework, lambda: pytest.importorskip({"sklearn": "sklearn"}.get(framework, "numpy"), reason="not installed")
    )()
    found = answered(framework, tmp_path)
    assert [each["change"] for each in found] == CONVENTIONS[framework]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("velocity *= 0.9", "velocity *= 0.8", "optimizer.momentum = 0.8"),
        (
            "d1 = d2 @ W2",
            "d1 = d2 @ (W2 - rate * (0.9 * velocities[2] + d2.T @ hidden + 0.05 * W2))",
            WAYS["new_weights"].says,
        ),
        (
            "(W2**2).sum())",
            "(W2**2).sum() + (b1**2).sum() + (b2**2).sum())",
            f"{WAYS['penalty_of_biases'].says}: of the error that it reports, not of its gradients",
        ),
        ("/ len(X) + 0.05", "+ 0.05", 'loss.over_examples = "sum"'),
        ("parameter -= rate * velocity", "parameter += rate * velocity", WAYS["added"].says),
        ("hidden @ W2.T + b2", "hidden @ W2.T + 2 * b2", None),
        ("* velocity", "* (gradient + 0.9 * velocity)", "optimizer.nesterov = true"),
        ("velocity += gradient", "velocity += 0.1 * gradient if rate < 0.2 else gradient", "optimizer.dampening = 0.9"),
        (".sum() / 2 / len(X) + 0.05", ".sum() / 2 / len(X) + 0.1", "penalty.l2 = 0.1"),
    ],
)
def test_a_change_of_the_program_by_hand_is_named_or_nothing_is(
    old: str, new: str, expected: str | None, tmp_path: Path
) -> None:
    found = answered("numpy", tmp_path, (old, new))
    assert (found is None) if expected is None else [each["change"] or each["says"] for each in found] == [expected]


def test_an_answer_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[" * 100_000)
    with pytest.raises(UnreadableFile, match="expected the JSON that a probe's program prints"):
        read_answer(str(path))
    path.write_text(json.dumps({"outputs": [1, 2]}))
    with pytest.raises(InvalidArgument, match='"outputs": expected 15 finite numbers, found 2'):
        read_answer(str(path))
    with pytest.raises(UnreadableFile, match="cannot be read: No such file"):
        read_answer(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("decimals", "cut", "says"),
    [(4, False, "its numbers are rounded to 4 decimals"), (5, True, "its numbers are cut off after 5 decimals")],
)
def test_numbers_that_are_shown_with_few_decimals(decimals: int, cut: bool, says: str) -> None:
    own, scale = run(probe()), 10.0**decimals

    def short(numbers: Any) -> Any:
        return np.trunc(numbers * scale) / scale if cut else numbers.round(decimals)

    kinds = ("outputs", "errors", "gradients", "updated", "second")
    found = conventions(replace(own, **{kind: short(getattr(own, kind)) for kind in kinds}))
    assert [each["says"] for each in found or []] == [says]


def test_rounded_values_that_are_carried_on() -> None:
    """As of a hidden layer whose outputs are rounded, in a program that shows all digits."""
    own = run(probe())
    found = conventions(replace(own, outputs=own.outputs + 3e-5 * np.cos(np.arange(15.0)).reshape(5, 3)))
    assert [each["says"] for each in found or []] == [CARRIED.format(4)]
