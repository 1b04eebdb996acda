"""The public names, and the examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import clearprop as cp

PUBLIC = [
    "SGD", "Adagrad", "Adam", "AdamW", "Callback", "ClearpropError", "Cycle", "Data", "Dense", "Examples",
    "Explanation", "Fit", "Network", "Objective", "Parameters", "Penalty", "Problem", "RMSprop", "Settings",
    "activation", "cycle", "explain", "explore", "load", "loss", "predict", "read", "save", "train", "verify", "write",
]  # fmt: skip


def test_public_names_are_pinned_and_all_there() -> None:
    assert cp.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(cp, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = cp.nothing


SOURCES = Path(cp.__file__).parent
MODULES = sorted(
    ".".join(("clearprop", *path.relative_to(SOURCES).with_suffix("").parts)).removesuffix(".__init__")
    for path in SOURCES.rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
    assert result.attempted > 0
