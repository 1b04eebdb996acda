"""The command mistakes."""

from __future__ import annotations

import json

import pytest

from clearprop.cli.mistakes import run_mistakes


def test_the_bank_and_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_mistakes(None, format="json", output=None) == 0
    assert len(json.loads(capsys.readouterr().out)) > 60
    assert run_mistakes("lecture", format="json", output=None) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"mistakes", "elsewhere", "no_trace", "tied"}
