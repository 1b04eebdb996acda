"""Notices: clearprop's own warnings as lines."""

from __future__ import annotations

import warnings

import pytest

from clearprop.cli.notices import notices
from clearprop.training.engines import SlowerEngine


def test_own_warnings_become_lines_or_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with notices(quiet=False):
        warnings.warn("no compiler here", SlowerEngine, stacklevel=1)
    assert capsys.readouterr().err == "clearprop: no compiler here\n"
    with notices(quiet=True):
        warnings.warn("no compiler here", SlowerEngine, stacklevel=1)
    assert capsys.readouterr().err == ""


def test_other_warnings_stay_warnings() -> None:
    with pytest.warns(UserWarning, match="something else"), notices(quiet=True):
        warnings.warn("something else", UserWarning, stacklevel=1)
