"""The bundled examples: network files to run, read and start from."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

DESCRIPTIONS = {
    "lecture": "the lecture's network, 2-2-2 logistic: one cycle worked by hand",
    "xor": "exclusive or, 2-3-1: the problem that one layer cannot solve",
    "deep": "three hidden layers, mixed activations, Adam, L2 penalty: long chains",
    "ring": "points in three rings, 2-6-4-3: a classifier with softmax",
    "iris": "150 flowers, 4-16-3: their species from four measurements",
    "digits": "1,797 pictures of 8 x 8 pixels, 64-64-10: the digit they show",
    "penguins": "344 penguins, 11-16-1: their mass from numbers and categories",
}


def source(name: str) -> str:
    """Return the text of an example's network file, byte for byte."""
    return (resources.files(__name__) / f"{name}.toml").read_bytes().decode("utf-8")


def beside(net: str | os.PathLike[str]) -> Path:
    """Return the folder of a network file's table: the file's folder, or that of the bundled examples."""
    return Path(__file__).parent if net in DESCRIPTIONS else Path(net).parent
