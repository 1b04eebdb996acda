"""What a framework itself makes of the file that was read: its own forward pass, and its autograd where there is one.

Only where the framework is installed, and only for a file that was read and understood before.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import ClearpropError
from clearprop.interop.archive import Archive
from clearprop.interop.chain import Chain
from clearprop.interop.files import PROGRAMS
from clearprop.interop.problem import OF_LOSS, Told, made
from clearprop.interop.state_dict import from_tensors, tensors_in
from clearprop.interop.write_torch import to_torch
from clearprop.network.description import Network, Objective
from clearprop.network.examples import Examples
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import cycle
from clearprop.propagation.forward import forward
from clearprop.rules.activations import activation
from clearprop.rules.losses import loss
from clearprop.rules.penalties import Penalty
from clearprop.types import Array

ROWS, TOLERANCE = 16, 1e-4
MODULES = (
    "Linear", "Sequential", "BatchNorm1d", "Dropout", "Flatten", "Identity", "ReLU", "ReLU6", "LeakyReLU", "ELU",
    "SELU", "CELU", "GELU", "Sigmoid", "SiLU", "Mish", "Tanh", "Softplus", "Softsign", "Hardtanh", "Hardsigmoid",
    "Hardswish",
    "LogSigmoid", "Tanhshrink", "Softshrink", "Hardshrink", "Threshold", "PReLU", "RReLU", "Softmax", "AlphaDropout",
    "FeatureAlphaDropout", "Dropout1d", "Dropout2d", "Dropout3d",
)  # fmt: skip


@dataclass(frozen=True)
class OwnCheck:
    """The largest differences from a framework's own numbers, relative where they are above 1; or why it was not
    asked."""

    framework: str
    outputs: float = 0.0
    gradients: float | None = None
    skipped: str = ""

    @property
    def agrees(self) -> bool:
        """Whether they are those of a model of float32 that was read rightly."""
        return self.outputs <= TOLERANCE and (self.gradients or 0.0) <= TOLERANCE


def own_check(path: str | os.PathLike[str], problem: Problem) -> OwnCheck | None:
    """Return how a framework's own numbers for random rows differ; None if the problem is of none."""
    with open(path, "rb") as file:
        head = file.read(16)
    framework = next((each[6:] for each in problem.remarks if each.startswith("from: ")), "")
    run: Callable[[Any, Problem, Array], tuple[Any, float | None]] | None = {
        "PyTorch": _torch, "ONNX": _onnx, "Keras": _keras, "scikit-learn": _sklearn,
    }.get(framework)  # fmt: skip
    if run is None or not head:
        return None
    problem = _as_filed(problem)
    rows = np.random.default_rng(1).normal(size=(ROWS, problem.network.sizes[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            outputs, gradients = run(path, problem, rows)
        except ImportError as error:
            return OwnCheck(framework, skipped=f"{error.name} is not installed" if error.name else str(error))
        except Exception as error:  # whatever a framework says of a file that it does not run
            return OwnCheck(framework, skipped=f"it does not run this file ({type(error).__name__})")
        found = np.asarray(outputs, dtype=float).reshape(ROWS, -1)
        if found.shape[1] == 2 and problem.network.sizes[-1] == 1:
            found = found[:, 1:]
        return OwnCheck(
            framework, _difference(forward(problem.network, problem.parameters, rows).outputs[-1], found), gradients
        )


def _as_filed(problem: Problem) -> Problem:
    """Return the problem with the last layer as its file has it, without the activation that its loss contains."""
    if not any(each.endswith(OF_LOSS) for each in problem.remarks):
        return problem
    own = problem.network
    layers = [*own.layers[:-1], replace(own.layers[-1], activation=activation("identity"))]
    network = Network(own.inputs, layers, loss("half_squared_error"))
    parameters = Parameters(network.layout, problem.parameters.vector)
    return replace(problem, network=network, parameters=parameters, examples=None, fitted=None)


def _difference(one: Array, other: Array) -> float:
    if one.shape != other.shape:
        return float("inf")
    return float((np.abs(one - other) / np.maximum(1.0, np.abs(one))).max(initial=0.0))


def _onnx(path: Any, problem: Problem, rows: Array) -> tuple[Any, None]:
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(path)
    given = session.get_inputs()[0]
    kind = np.float64 if "double" in given.type else np.float32
    shape = [each if isinstance(each, int) and place else -1 for place, each in enumerate(given.shape)]
    size = given.shape[0] if given.shape and isinstance(given.shape[0], int) else ROWS
    found = []
    for start in range(0, ROWS, size):
        part = np.resize(rows[start : start + size], (size, rows.shape[1])).astype(kind)
        last = session.run(None, {given.name: part.reshape(size, *shape[1:]) if len(shape) > 1 else part})[-1]
        found.append(
            np.array([[*each.values()] for each in last]) if isinstance(last, list) else last.reshape(size, -1)
        )
    return np.concatenate(found)[:ROWS], None


def _keras(path: Any, problem: Problem, rows: Array) -> tuple[Any, None]:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    if Path(path).suffix.lower() not in (".keras", ".h5", ".hdf5"):
        raise ImportError("it reads files that end in .keras or .h5")
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    return model.predict(rows.reshape(ROWS, *model.input_shape[1:]), verbose=0), None


def _sklearn(path: Any, problem: Problem, rows: Array) -> tuple[Any, None]:
    import skops.io

    trusted = [f"sklearn.neural_network._stochastic_optimizers.{each}Optimizer" for each in ("Adam", "SGD")]
    model = skops.io.load(path, trusted=trusted)
    return (model.predict_proba if hasattr(model, "predict_proba") else model.predict)(rows), None


def _torch(path: Any, problem: Problem, rows: Array) -> tuple[Any, float | None]:
    import torch

    module, size = None, ROWS
    if _is_program(path):
        program = torch.export.load(path)
        module, size = program.module(), _rows_of(program)
    else:
        module = _loaded(torch, path, problem)
    first = next(iter(module.parameters()))
    if not isinstance(module, torch.fx.GraphModule):
        module = module.eval()
    rows = np.resize(rows, (-(-ROWS // size) * size, rows.shape[1]))
    given = torch.tensor(rows, dtype=first.dtype)
    outputs = torch.cat([module(part) for part in given.split(size)])
    targets = torch.zeros_like(outputs)
    (0.5 * (outputs - targets) ** 2).sum().backward()
    found = [each.grad.numpy().astype(float).ravel() for each in module.parameters() if each.grad is not None]
    return outputs.detach().numpy()[:ROWS], _of_gradients(problem, rows, np.concatenate(found))


def _is_program(path: Any) -> bool:
    """Return whether a file is an exported program; PyTorch tells of others at length that they are none."""
    with suppress(ClearpropError), Archive(path) as archive:
        return any(map(archive.inside, PROGRAMS))
    return False


def _rows_of(program: Any) -> int:
    """Return the number of rows that an exported program takes at once."""
    first = next(iter(program.graph_signature.user_inputs))
    shape = next(node.meta["val"].shape for node in program.graph.nodes if node.name == first)
    return int(shape[0]) if isinstance(shape[0], int) else ROWS


def _loaded(torch: Any, path: Any, problem: Problem) -> Any:
    """Return the module in a file, by PyTorch's own reading of weights alone; one is made for a ``state_dict``."""
    if Path(path).suffix == ".safetensors":
        from safetensors.numpy import load_file

        content: Any = load_file(path)
        tensors: Mapping[str, Any] = content
    else:
        with torch.serialization.safe_globals([getattr(torch.nn, name) for name in MODULES] + [set]):
            content = torch.load(path, weights_only=True)
        if isinstance(content, torch.nn.Module):
            return content
        found = tensors_in(content, lambda each: isinstance(each, torch.Tensor), str(path))
        tensors = {name: each.float().numpy() if each.dtype != torch.float64 else each.numpy()
                   for name, each in found.items()}  # fmt: skip
    rules = [layer.rule for layer in problem.network.layers]
    read = from_tensors(
        tensors, Chain(), str(path), ["identity"] * len(rules), ordered=Path(path).suffix != ".safetensors"
    )
    read.layers = [replace(layer, rule=rule) for layer, rule in zip(read.layers, rules, strict=True)]
    return to_torch(replace(made(read, str(path), Told()), fitted=None))


def _of_gradients(problem: Problem, rows: Array, theirs: Array) -> float | None:
    """Return the largest difference of the gradients of half the squared outputs; None where layers were folded."""
    network = problem.network
    objective = Objective(loss("half_squared_error"), "sum", "sum")
    plain = tuple(replace(layer, dropout=0.0) for layer in network.layers)
    examples = Examples(rows, np.zeros((len(rows), network.sizes[-1])))
    squared = replace(problem, network=Network(network.inputs, plain, objective), penalty=Penalty(), examples=examples)
    squared = replace(squared, parameters=replace(problem.parameters, layout=squared.network.layout), fitted=None)
    mine = cycle(squared, "all").gradients.of.vector
    return None if mine.size != theirs.size else _difference(mine, theirs)
