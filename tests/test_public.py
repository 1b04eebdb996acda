"""The public face: names, examples in docstrings, the floors that imports may not climb."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

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


MODULES = sorted(
    module.name for module in pkgutil.walk_packages(cp.__path__, "clearprop.") if "__main__" not in module.name
)


@pytest.mark.parametrize("name", ["clearprop", *MODULES])
def test_examples_in_docstrings_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
