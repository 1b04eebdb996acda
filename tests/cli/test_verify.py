"""``clearprop verify``: what is printed, and the exit code."""

from __future__ import annotations

import json

import pytest

from clearprop.cli import run
from clearprop.verification.finite_differences import Verification


@pytest.mark.parametrize("format", ["text", "markdown", "latex", "html", "json"])
def test_every_format_says_that_all_agree(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "lecture", "--format", format]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown)["agrees"] if format == "json" else "all agree" in shown


def test_a_gradient_that_is_off_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Verification, "agrees", False)
    assert run(["verify", "lecture"]) == 1
    assert capsys.readouterr().out.endswith("NOT all agree\n")
