from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from tests.interop.models import keras_module, torch_module

from clearprop.errors import InvalidArgument, UnreadableFile
from clearprop.interop.probe import conventions, program, read_answer

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
        ("* velocity", "* (gradient + 0.9 * velocity)", "optimizer.nesterov = true"),
        ("velocity += gradient", "velocity += 0.1 * gradient if rate < 0.2 else gradient", "optimizer.dampening = 0.9"),
        (".sum() / 2 / len(X) + 0.05", ".sum() / 2 / len(X) + 0.1", "penalty.l2 = 0.1"),
        ("d2 = (outputs - Y) / len(X)", "d2 = (outputs - Y) * 2", None),
    ],
)
def test_a_change_of_the_program_by_hand_is_named_or_nothing_is(
    old: str, new: str, expected: str | None, tmp_path: Path
) -> None:
    found = answered("numpy", tmp_path, (old, new))
    assert (found is None) if expected is None else [each["change"] for each in found] == [expected]


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
