"""Mistakes in error signals passed back, made by simulated students."""

from __future__ import annotations

from tests.checking.planted import require_named


def test_every_mistake_is_named_alone_or_within_a_tie() -> None:
    require_named("hidden signal")
