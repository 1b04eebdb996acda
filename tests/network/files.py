"""Texts of network files for tests, and the faults of one."""

from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.errors import InvalidNetwork

LECTURE_FILE = """\
notation = "lecture"            # or "standard", the default

[inputs]
names = ["i1", "i2"]            # or: count = 2

[[layers]]
units = ["h1", "h2"]            # names, or a number
activation = "logistic"
weights = [[0.1, 0.3], [0.2, 0.4]]
weight_names = [["w1", "w3"], ["w2", "w4"]]
bias = 0.25                     # a number: one bias shared by the layer; a list: one per unit; false: none; left out: one per unit, zero
bias_names = "b1"
train_bias = false              # default true

[[layers]]
units = ["o1", "o2"]
activation = "logistic"
weights = [[0.5, 0.6], [0.7, 0.8]]
weight_names = [["w5", "w6"], ["w7", "w8"]]
bias = 0.35
bias_names = "b2"
train_bias = false

[loss]
name = "half_squared_error"
over_outputs = "sum"            # or "mean"; each loss has its usual default
over_examples = "mean"          # or "sum"

[optimizer]
name = "sgd"
learning_rate = 0.6

[[examples]]
inputs = [0.1, 0.5]
targets = [0.05, 0.95]
"""  # noqa: E501


ONE = '[inputs]\ncount = 1\n[[layers]]\nunits = ["o"]\n'

START = """
[inputs]
names = ["i1", "i2"]
[[layers]]
units = ["h1", "h2"]
activation = "tanh"
[[layers]]
units = ["o1"]
activation = "logistic"
"""


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidNetwork) as error:
        cp.read(text, "net.toml")
    return [str(problem) for problem in error.value.problems]
