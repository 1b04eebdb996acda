"""Tables of classes for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import clearprop as cp
from clearprop.errors import UnfitTable
from clearprop.tables.csv_file import read_csv
from clearprop.tables.prepare import prepared


def table(
    folder: Path, content: str, *layer: Any, loss: str | None = None, inputs: int = 1, **asked: Any
) -> cp.Problem:
    """A problem with a table of that content, whose last layer is ``layer``."""
    path = folder / "t.csv"
    path.write_text(content)
    network = cp.Network(inputs, [cp.Dense(*layer)], *([loss] if loss else []))
    data = cp.Data(**{"file": "t.csv", "target": ("y",), "split": 0.0, **asked})
    return prepared(cp.Problem(network), data, lambda wanted: read_csv(path, wanted))


def refusal(folder: Path, content: str, *layer: Any, **asked: Any) -> str:
    """What is said of a table of that content, the first line left out."""
    with pytest.raises(UnfitTable) as caught:
        table(folder, content, *layer, **asked)
    return str(caught.value).split("\n  ", 1)[1]


def rows(labels: str) -> str:
    """A table of one input and these classes, separated by spaces."""
    return "p,y\n" + "".join(f"{k},{label}\n" for k, label in enumerate(labels.split(" ")))
