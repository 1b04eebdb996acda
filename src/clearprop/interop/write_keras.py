"""Write ``.keras``, which Keras 3 loads, without Keras; and make a live model."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument, MissingExtra
from clearprop.fields import accepted, suggests_options
from clearprop.interop.keras_file import snake
from clearprop.interop.layers_of import Given, Written, layers_of
from clearprop.interop.table_names import PART, names_as_text
from clearprop.messages import abridged
from clearprop.network.problem import Problem, a_problem

PLAIN = {
    "identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "selu": "selu",
    "softplus": "softplus", "gelu": "gelu", "silu": "silu", "softmax": "softmax", "relu6": "relu6", "mish": "mish",
    "softsign": "softsign", "hard_sigmoid": "hard_sigmoid", "hard_swish": "hard_swish", "log_sigmoid": "log_sigmoid",
    "tanhshrink": "tanh_shrink", "hard_tanh": "hard_tanh",
}  # fmt: skip
VERSION = "3.5.0"
ROUNDED = "Keras on PyTorch computes weighted sums in float32, though the weights here are of float64"


def keras_bytes(problem: Problem) -> tuple[bytes, list[str]]:
    """Return a ``.keras`` file, and what it leaves out.

    Raises:
        InvalidArgument: an activation that Keras does not have.
        MissingExtra: h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise MissingExtra("writing Keras files", "h5py", "keras") from None
    written = layers_of(problem, "Keras")
    raw, counts = io.BytesIO(), dict[str, int]()
    with h5py.File(raw, "w", track_order=True) as file:
        for kind, layer in _kinds(written):
            number = counts.get(kind, 0)
            counts[kind] = number + 1
            group = file.create_group(f"layers/{snake(kind)}{f'_{number}' if number else ''}/vars")
            for place, values in enumerate(_tensors(layer) if kind == "Dense" else ()):
                group[str(place)] = values.astype(written.dtype)
        file.create_group("vars")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        parts = {
            "metadata.json": json.dumps({"keras_version": VERSION, "date_saved": "1980-01-01@00:00:00"}).encode(),
            "config.json": json.dumps(_config(written)).encode(),
            "model.weights.h5": raw.getvalue(),
        }
        if (names := names_as_text(problem)) is not None:
            parts[PART] = names.encode()
        for name, content in parts.items():
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return archive.getvalue(), [*written.notes, *([ROUNDED] if written.dtype == "float64" else [])]


def _kinds(written: Written) -> list[tuple[str, Given]]:
    """Return the classes of Keras's layers, with the layer here that each is of."""
    found = []
    for layer in written.layers:
        found.append(("Dense", layer))
        if layer.rule.name in ("leaky_relu", "elu"):
            found.append(({"leaky_relu": "LeakyReLU", "elu": "ELU"}[layer.rule.name], layer))
    return found


def _tensors(layer: Given) -> list[Any]:
    return [layer.weights.T] + ([] if layer.bias is None else [np.asarray(layer.bias)])


def _config(written: Written) -> dict[str, Any]:
    layers = [_layer("InputLayer", {"batch_shape": [None, written.layers[0].weights.shape[1]], "dtype": written.dtype,
                                    "sparse": False, "name": "input"}, None)]  # fmt: skip
    counts: dict[str, int] = {}
    for kind, layer in _kinds(written):
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        own: dict[str, Any] = {"name": f"{snake(kind)}{f'_{number}' if number else ''}", "dtype": written.dtype}
        units, inputs = layer.weights.shape
        if kind == "Dense":
            own |= {"units": units, "activation": _activation(layer), "use_bias": layer.bias is not None}
        elif kind == "LeakyReLU":
            own["negative_slope"] = layer.rule.constants["slope"]
        else:
            own["alpha"] = layer.rule.constants["alpha"]
        layers.append(_layer(kind, own, [None, inputs if kind == "Dense" else units]))
    size = [None, written.layers[0].weights.shape[1]]
    config = {"name": "clearprop", "trainable": True, "layers": layers, "build_input_shape": size}
    return {
        "module": "keras", "class_name": "Sequential", "config": config, "registered_name": None,
        "build_config": {"input_shape": size},
    }  # fmt: skip


def _layer(kind: str, config: dict[str, Any], shape: Any) -> dict[str, Any]:
    made = {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}
    return made if shape is None else {**made, "build_config": {"input_shape": shape}}


def _activation(layer: Given) -> str:
    name = layer.rule.name
    if name in ("leaky_relu", "elu"):
        return "linear"
    usual = not layer.rule.constants or name == "selu"
    if name not in PLAIN or not usual:
        raise InvalidArgument(
            f"Keras has no activation {abridged(name, 60)}, and a file of Keras cannot hold an expression; write "
            ".onnx, or choose another activation"
        )
    return PLAIN[name]


@suggests_options()
def to_keras(problem: Problem) -> Any:
    """Return a live ``keras.Sequential`` with the same outputs.

    Raises:
        InvalidArgument: an activation that Keras does not have.
        MissingExtra: Keras is not installed.
    """
    accepted(a_problem, problem, "problem")
    try:
        import keras
    except ImportError:
        raise MissingExtra("to_keras", "keras", "keras") from None
    written = layers_of(problem, "Keras")
    model = keras.saving.deserialize_keras_object(_config(written))
    model.build((None, written.layers[0].weights.shape[1]))
    model.set_weights([each.astype(written.dtype) for layer in written.layers for each in _tensors(layer)])
    return model
