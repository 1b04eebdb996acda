from __future__ import annotations

import json
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli import run


def test_exit_codes_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = cp.write(cp.load("lecture"))
    (tmp_path / "b.toml").write_text(text.replace('over_outputs = "sum"', 'over_outputs = "mean"'))
    assert run(["compare", "lecture", "lecture"]) == 0
    assert "The two agree." in capsys.readouterr().out
    assert run(["compare", "lecture", str(tmp_path / "b.toml"), "--format", "json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["conventions"][0]["change"] == 'loss.over_outputs = "mean"'
    assert run(["compare", "lecture", str(tmp_path / "b.toml"), "--tolerance", "10"]) == 0
    assert run(["compare", "lecture", "lecture", "--inputs", "0.3,0.4", "--targets", "0,1"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lecture"], "compare: expected two networks, A and B, found 1"),
        (
            ["lecture", "xor"],
            "the same numbers of inputs and outputs, found 2 and 2 in the first, 2 and 1 in the second",
        ),
        (["lecture", "--probe", "torch"], "give --probe FRAMEWORK alone"),
        (["lecture", "lecture", "--loss", "huber"], "--loss is for a file of another framework"),
    ],
)
def test_bad_requests(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_probe_is_a_program(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["compare", "--probe", "numpy", "--output", str(tmp_path / "p.py")]) == 0
    compile((tmp_path / "p.py").read_text(), "p.py", "exec")
    assert run(["compare", "--probe-answer", str(tmp_path / "none.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err
