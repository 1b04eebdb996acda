"""Derivations as blocks."""

from __future__ import annotations

import re

from tests.rendering.explained import explained


def test_batches_are_shown_per_example_then_reduced() -> None:
    shown = explained("xor", "w7", example="all").text()
    assert "∂L/∂w7, example 4 = " in shown
    assert re.search(r"∂L/∂w7 = \(.* \+ .*\) / 4", shown)
