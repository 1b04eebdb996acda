"""A table and a network's settings, as JSON, to a fitted model of scikit-learn; prints its accuracy."""

from __future__ import annotations

import json
import sys
import warnings
from importlib import import_module
from typing import Any

from benchmarks.prompts.table import read

neural_network: Any = import_module("sklearn.neural_network")

given = json.loads(sys.argv[1])
inputs, classes, inputs_aside, classes_aside = read(given)
model = neural_network.MLPClassifier(
    given["hidden"],
    activation="relu",
    solver="adam",
    learning_rate_init=given["rate"],
    # It adds alpha / (2 · rows of the batch) · Σw² to the mean, clearprop l2 / 2 · Σw².
    alpha=given["l2"] * given["batch"],
    batch_size=given["batch"],
    max_iter=given["epochs"],
    n_iter_no_change=given["epochs"],
    tol=0.0,
)
warnings.simplefilter("ignore")  # that it has not converged by the last epoch is what was asked for
print(model.fit(inputs, classes).score(inputs_aside, classes_aside))
