"""The bundled examples: network files to run, read and start from."""

from __future__ import annotations

from importlib import resources

DESCRIPTIONS = {
    "lecture": "the lecture's network, 2-2-2 logistic: one cycle worked by hand",
    "xor": "exclusive or, 2-3-1: the problem that one layer cannot solve",
    "deep": "three hidden layers with mixed activations, Adam and an L2 penalty: long chains",
    "ring": "points in three rings, 2-6-4-3 with softmax and cross-entropy: a small classifier",
}


def source(name: str) -> str:
    """The text of an example's network file, byte for byte."""
    return (resources.files(__name__) / f"{name}.toml").read_bytes().decode("utf-8")
