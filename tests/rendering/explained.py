"""Explanations of bundled examples, for several tests."""

from __future__ import annotations

from typing import Any

import clearprop as cp


def explained(name: str, *names: str, **options: Any) -> cp.Explanation:
    """Return the explanation of an example; ``example`` is which of its examples."""
    return cp.explain(cp.cycle(cp.load(name), options.pop("example", 1)), *names, **options)
