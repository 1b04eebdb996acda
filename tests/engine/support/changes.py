"""Changes of a program: which parts of its code each of them changes, and those that change none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from tests.engine.support.programs import PARTS, Settings

from clearprop.engine.fingerprint import Part

ADAM = {"optimizer": "adam"}
SOFTMAX = {"last": "softmax", "loss": "categorical_cross_entropy"}
FUSED = {"loss": "binary_cross_entropy", "last": "logistic"}
SINGLE = {"single": True}
ALL: tuple[Part, ...] = PARTS
WEIGHTS: tuple[Part, ...] = tuple(part for part in ALL if part != "epochs")
COMPUTING: tuple[Part, ...] = ("kernels", "train", "gradient", "errors", "predict")
RULES: tuple[Part, ...] = ("train", "gradient", "errors", "predict")
LOSS: tuple[Part, ...] = ("train", "gradient", "errors")
TRAIN: tuple[Part, ...] = ("train",)
GRADIENT: tuple[Part, ...] = ("train", "gradient")
UPDATE: tuple[Part, ...] = ("train", "apply")
MATTERS: Mapping[str, tuple[Settings, Settings, tuple[Part, ...]]] = {
    "activation": ({}, {"activation": "relu"}, RULES),
    "last activation": ({}, {"last": "logistic"}, RULES),
    "a constant": ({}, {"slope": 0.2}, RULES),
    "its last bit": ({}, {"slope": float(np.nextafter(0.1, 1))}, RULES),
    "an expression": ({"activation": "z*z"}, {"activation": "z*(z)+z"}, RULES),
    "its last digit": ({"activation": "0.1*z"}, {"activation": "0.10000000000000002*z"}, RULES),
    "no hidden layer": ({}, {"sizes": (3, 5)}, RULES),
    "a last rule that is another's, by another name": (
        {"activation": "logistic", "last": "logistic"}, {"activation": "logistic", "last": "1 / (1 + exp(-z))"}, RULES),
    "softmax": ({"loss": "squared_error"}, {"loss": "squared_error", "last": "softmax"}, RULES),
    "a hidden softmax": ({}, {"activation": "softmax"}, RULES),
    "fused": (FUSED, {**FUSED, "loss": "-(t * log(y) + (1 - t) * log(1 - y))"}, LOSS),
    "softmax, fused": (SOFTMAX, {**SOFTMAX, "loss": "-(t * log(y))"}, LOSS),
    "dropout": ({}, {"dropout": 0.5}, GRADIENT),
    "dropout of fused outputs": (
        {**FUSED, "dropout": 0.5}, {**FUSED, "dropout": 0.5, "outputs_dropout": 0.5}, GRADIENT),
    "a bias that is shared": ({}, {"bias": "shared"}, ("train", "gradient", "apply")),
    "loss": ({}, {"loss": "squared_error"}, LOSS),
    "a constant of the loss": ({}, {"delta": 1.0000000000000002}, LOSS),
    "optimizer": ({}, ADAM, UPDATE),
    "momentum": ({}, {"options": {"momentum": 0.9}}, UPDATE),
    "nesterov": ({"options": {"momentum": 0.9}}, {"options": {"momentum": 0.9, "nesterov": True}}, UPDATE),
    "coupled decay": (ADAM, {**ADAM, "options": {"weight_decay": 0.1}}, UPDATE),
    "clip_norm": ({"whole": True}, {"whole": True, "clip_norm": 1.0}, UPDATE),
    "its limit": ({"whole": True, "clip_norm": 1.0}, {"whole": True, "clip_norm": 1.0000000000000002}, UPDATE),
    "each variable's norm": (
        {"whole": True, "clip_norm": 1.0}, {"whole": True, "clip_norm": 1.0, "clip_norm_per": "variable"}, UPDATE),
    "clip_value": ({}, {"clip_value": 1.0}, UPDATE),
    "its bound": ({"clip_value": 1.0}, {"clip_value": 1.0000000000000002}, UPDATE),
    "l2": ({}, {"l2": 0.1}, GRADIENT),
    "l1": ({}, {"l1": 0.1}, GRADIENT),
    "l1 or l2": ({"l1": 0.1}, {"l2": 0.1}, GRADIENT),
    "weights of examples": ({}, {"weighted": True}, LOSS),
    "precision": ({}, {"numbers": ("float32", 2, False)}, ALL),
    "lanes": ({"widths": (1, 2)}, {"widths": (1, 2), "numbers": ("float64", 4, False)}, ALL),
    "fma": ({"activation": "tanh"}, {"activation": "tanh", "numbers": ("float64", 2, True)}, COMPUTING),
    "rows of a tile": ({}, {"tile": (3, 1, 2)}, COMPUTING),
    "inputs of a tile": ({}, {"tile": (2, 2, 2)}, ("kernels",)),
    "vectors of a tile": ({"widths": (1,)}, {"widths": (1,), "tile": (2, 1, 1)}, WEIGHTS),
    "widths of panels": ({"widths": (1, 2)}, {"widths": (1,)}, COMPUTING),
    "wide panels": ({"widths": (1,)}, {"widths": (2,)}, COMPUTING),
    "triple": ({}, {"triple": "aarch64-unknown-linux-gnu"}, ALL),
    "x86": ({}, {"x86": False}, ("kernels", "epochs", "train", "gradient", "apply")),
    "the whole gradient": ({}, {"whole": True}, TRAIN),
    "one by one": ({}, {"alone": True}, GRADIENT),
    "single examples": ({}, SINGLE, TRAIN),
    "inputs, single": (SINGLE, {**SINGLE, "sizes": (4, 5, 2)}, TRAIN),
    "units, single": (SINGLE, {**SINGLE, "sizes": (3, 4, 2)}, TRAIN),
    "layers, single": (SINGLE, {**SINGLE, "sizes": (3, 5, 5, 2)}, TRAIN),
    "frozen biases, single": (SINGLE, {**SINGLE, "train_bias": False}, TRAIN),
    "no bias, single": (SINGLE, {**SINGLE, "bias": "none"}, TRAIN),
    "mean over outputs, single": (SINGLE, {**SINGLE, "over_outputs": "mean"}, TRAIN),
}  # fmt: skip


CAUTIOUS: Mapping[str, tuple[Part, ...]] = {
    "inputs of a tile": (*RULES, "apply"),
    "x86": ("errors", "predict"),
    "fma": ("epochs", "apply"),
    **dict.fromkeys(("rows of a tile", "widths of panels", "wide panels"), ("apply",)),
}
"""Parts whose code is the same, but not known to be so."""
DOES_NOT: Mapping[str, tuple[Settings, Settings]] = {
    "inputs": ({}, {"sizes": (4, 5, 2)}),
    "units": ({}, {"sizes": (3, 300, 2), "widths": (1, 2)}),
    "outputs": ({}, {"sizes": (3, 5, 1)}),
    "layers": ({}, {"sizes": (3, 5, 5, 4, 2)}),
    "no bias": ({}, {"bias": "none"}),
    "frozen biases": ({}, {"train_bias": False}),
    "frozen biases that are shared": ({}, {"bias": "shared", "train_bias": False}),
    "the share that is dropped": ({"dropout": 0.5}, {"dropout": 0.25}),
    "mean over outputs": ({}, {"over_outputs": "mean"}),
    "mean over examples": ({}, {"over_examples": "sum"}),
    "rate": ({}, {"rate": 0.2}),
    "schedule": ({}, {"schedule": "cosine"}),
    "seed": ({}, {"seed": 1}),
    "epochs": ({}, {"epochs": 4}),
    "names": ({}, {"names": True}),
    "names, single": (SINGLE, {**SINGLE, "names": True}),
    "momentum, once there is some": ({"options": {"momentum": 0.9}}, {"options": {"momentum": 0.8}}),
    "decay, once there is some": ({"options": {"weight_decay": 0.1}}, {"options": {"weight_decay": 0.2}}),
    "betas": (ADAM, {**ADAM, "options": {"betas": (0.8, 0.9), "eps": 1e-3}}),
    "how much l2 and l1": ({"l2": 0.1, "l1": 0.1}, {"l2": 0.2, "l1": 1.0}),
    "how much l2, single": ({**SINGLE, "l2": 0.1}, {**SINGLE, "l2": 1.0}),
    "initial state": (
        {"optimizer": "adagrad"},
        {"optimizer": "adagrad", "options": {"initial_accumulator_value": 1.0}},
    ),
    "another way to say it": ({"activation": "logistic"}, {"activation": "sigmoid"}),
    "the rule's name": ({"activation": "leaky_relu"}, {"activation": "where(z > 0, z, 0.1 * z)"}),
}
