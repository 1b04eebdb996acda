from __future__ import annotations

from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli import run


def test_a_network_is_converted_and_what_is_left_out_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "lecture.pt"
    assert run(["convert", "lecture", str(target)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{target}\n"
    assert (
        f"clearprop: {target}: a state_dict has no activations; give them with --activations logistic,logistic" in err
    )
    assert run(["convert", str(target), str(tmp_path / "again.toml"), "--activations", "logistic,logistic"]) == 0
    again = cp.load(tmp_path / "again.toml")
    assert again.parameters["w5"] == pytest.approx(0.5, abs=1e-7)


def test_a_bad_target_is_refused_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", "nothing.pt", "x.docx"]) == 2
    assert "x.docx: expected a name that ends in .toml" in capsys.readouterr().err
