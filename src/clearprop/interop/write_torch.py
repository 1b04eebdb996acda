"""Write PyTorch's ``state_dict`` without PyTorch, and make a live ``nn.Sequential``."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import numpy as np

from clearprop.errors import MissingExtra
from clearprop.expressions import Apply, Expression, Number, Operator
from clearprop.fields import accepted, suggests_options
from clearprop.interop.layers_of import Written, layers_of
from clearprop.interop.table_names import PART, names_as_text
from clearprop.network.problem import Problem, a_problem
from clearprop.rules.activations import Activation, AnyActivation
from clearprop.types import Array

STORAGES = {"float32": b"FloatStorage", "float64": b"DoubleStorage"}


def state_dict_bytes(problem: Problem) -> tuple[bytes, list[str]]:
    """Return a file of PyTorch with the ``state_dict`` of an ``nn.Sequential``, and what it leaves out."""
    written = layers_of(problem, "a state_dict")
    tensors = dict(_named(written))
    pickled = io.BytesIO()
    storage = STORAGES[written.dtype]
    pickled.write(b"\x80\x02ccollections\nOrderedDict\n)R(")
    for number, (name, values) in enumerate(tensors.items()):
        pickled.write(_text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n((")
        pickled.write(_text("storage") + b"ctorch\n" + storage + b"\n" + _text(str(number)) + _text("cpu"))
        pickled.write(_whole(values.size) + b"tQK\x00")
        strides = [int(np.prod(values.shape[axis + 1 :])) for axis in range(values.ndim)]
        pickled.write(_tuple(values.shape) + _tuple(strides) + b"\x89ccollections\nOrderedDict\n)RtR")
    pickled.write(b"u.")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        parts = {"data.pkl": pickled.getvalue(), "byteorder": b"little", "version": b"3\n"}
        parts |= {
            f"data/{k}": values.astype(_little(written.dtype)).tobytes() for k, values in enumerate(tensors.values())
        }
        if (names := names_as_text(problem)) is not None:
            parts[PART] = names.encode()
        for name, content in parts.items():
            # Without a clock: the same model is the same bytes.
            archive.writestr(zipfile.ZipInfo(f"archive/{name}", (1980, 1, 1, 0, 0, 0)), content)
    rules = ",".join(layer.rule.name for layer in written.layers)
    return file.getvalue(), [*written.notes, f"a state_dict has no activations; give them with --activations {rules}"]


def _little(dtype: str) -> str:
    return {"float32": "<f4", "float64": "<f8"}[dtype]


def _text(text: str) -> bytes:
    raw = text.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def _whole(number: int) -> bytes:
    return b"J" + struct.pack("<i", number) if number < 2**31 else b"\x8a\x08" + struct.pack("<q", number)


def _tuple(numbers: Any) -> bytes:
    return b"(" + b"".join(_whole(int(each)) for each in numbers) + b"t"


def _named(written: Written) -> list[tuple[str, Array]]:
    """Return the tensors by the names that an ``nn.Sequential`` of these layers and activations gives them."""
    found: list[tuple[str, Array]] = []
    place = 0
    for layer in written.layers:
        found.append((f"{place}.weight", layer.weights))
        if layer.bias is not None:
            found.append((f"{place}.bias", layer.bias))
        place += 1 if layer.rule.name == "identity" else 2
    return found


@suggests_options()
def to_torch(problem: Problem) -> Any:
    """Return a live ``torch.nn.Sequential`` with the same outputs, in the type of numbers that the problem trains in.

    Raises:
        MissingExtra: PyTorch is not installed.
    """
    accepted(a_problem, problem, "problem")
    try:
        import torch
    except ImportError:
        raise MissingExtra("to_torch", "torch", "torch") from None
    written = layers_of(problem, "a module")
    dtype = getattr(torch, written.dtype)
    modules = []
    for layer in written.layers:
        linear = torch.nn.Linear(*layer.weights.shape[::-1], bias=layer.bias is not None, dtype=dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(layer.weights))
            if layer.bias is not None:
                linear.bias.copy_(torch.tensor(np.array(layer.bias)))
        modules.append(linear)
        if layer.rule.name != "identity":
            modules.append(_module(torch, layer.rule))
    return torch.nn.Sequential(*modules)


def _module(torch: Any, rule: AnyActivation) -> Any:
    """Return PyTorch's own module of an activation, or one that computes its expression."""
    nn, constants = torch.nn, rule.constants
    match rule.name:
        case "softmax":
            return nn.Softmax(dim=-1)
        case "leaky_relu":
            return nn.LeakyReLU(constants["slope"])
        case "elu":
            return nn.ELU(constants["alpha"])
    plain = {"logistic": "Sigmoid", "tanh": "Tanh", "relu": "ReLU", "gelu": "GELU", "silu": "SiLU"}
    if rule.name in plain:
        return getattr(nn, plain[rule.name])()
    assert isinstance(rule, Activation)
    formula = rule.formula

    class Expressed(nn.Module):  # type: ignore[misc, name-defined]
        """An activation by its expression."""

        def forward(self, z: Any) -> Any:
            return _computed(torch, formula, z)

        def extra_repr(self) -> str:
            from clearprop.expressions import text

            return text(formula)

    return Expressed()


def _computed(torch: Any, tree: Expression, z: Any) -> Any:
    """Return the value of an expression in z, by PyTorch's operators."""
    if isinstance(tree, Number):
        return torch.full_like(z, tree.value)
    if not isinstance(tree, Apply):
        return z
    values = [_computed(torch, each, z) for each in tree.arguments]
    match tree.operator:
        case Operator.ADD:
            return sum(values[1:], values[0])
        case Operator.MULTIPLY:
            product = values[0]
            for each in values[1:]:
                product = product * each
            return product
    names = {
        Operator.SUBTRACT: "sub", Operator.DIVIDE: "div", Operator.POWER: "pow", Operator.NEGATE: "neg",
        Operator.LESS: "lt", Operator.LESS_EQUAL: "le", Operator.GREATER: "gt", Operator.GREATER_EQUAL: "ge",
        Operator.LOGISTIC: "sigmoid", Operator.MAX: "maximum", Operator.MIN: "minimum",
    }  # fmt: skip
    if tree.operator is Operator.SOFTPLUS:
        return torch.logaddexp(values[0], torch.zeros_like(z))
    return getattr(torch, names.get(tree.operator, tree.operator.value))(*values)
