"""The graph of an ONNX model, followed from the input to the output as a chain of linear layers.

What is computed from constants alone is computed; whatever is computed from the input must be a linear node, or
elementwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.interop.chain import Chain, NotAChain, Signal, Stage, short_place
from clearprop.interop.onnx_operators import Node, Operators
from clearprop.interop.operators import as_number, is_condition
from clearprop.interop.problem import Found, damaged
from clearprop.messages import abridged, listing
from clearprop.network.data import Label
from clearprop.types import Array

LABELS = ("ArgMax", "ArrayFeatureExtractor", "ZipMap", "TopK", "LabelEncoder", "Binarizer")
"""What turns probabilities into labels, at the end of scikit-learn's models."""
UNKNOWN = object()
"""A shape that is computed from the input's."""
KEPT = ("Identity", "Cast", "CastLike", "Flatten", "Dropout")
OTHER = {
    "Conv": "a convolution", "ConvTranspose": "a convolution", "LSTM": "a recurrent layer", "GRU": "a recurrent layer",
    "RNN": "a recurrent layer", "LayerNormalization": "a layer norm", "Attention": "attention",
    "MaxPool": "pooling", "AveragePool": "pooling", "GlobalAveragePool": "pooling", "Gather": "an embedding",
    "If": "a branch", "Loop": "a loop", "Scan": "a loop", "TreeEnsembleClassifier": "a forest",
    "TreeEnsembleRegressor": "a forest",
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QLinearMatMul"),
                    "quantization, before which the model can be read"),
}  # fmt: skip
MANY = 1_000_000
"""Numbers that an operator may always make of constants."""
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
"""Whose operators are known; those of others may have the same names."""
TO_NUMBERS: Mapping[str, Callable[..., Any]] = {
    "Identity": lambda x: x, "Neg": np.negative, "Sqrt": np.sqrt, "Exp": np.exp, "Reciprocal": lambda x: 1 / x,
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Pow": np.power, "Abs": np.abs,
}  # fmt: skip


def from_graph(model: Any, read: Callable[[Any], Array], shown: str) -> Found:
    """Return the layers of a model's graph.

    Raises:
        NotAChain: the first node, in computing order, that is not part of a chain.
    """
    graph = model.graph
    opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 13)
    nodes = [Node(each, number, read, shown) for number, each in enumerate(graph.node, start=1)]
    constants = {each.name: each for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in constants]
    if len(inputs) != 1:
        names = listing([abridged(each.name, 30) for each in inputs], 6) if inputs else "none"
        raise NotAChain(f"{shown}: expected one input, found {len(inputs)} ({names}); only a chain can be taken")
    target = _target(nodes, [each.name for each in graph.output], shown)
    needed = _ancestors(nodes, target)
    following = _Following(nodes, constants, read, opset, shown)
    following.target = target
    single = inputs[0].type.tensor_type.elem_type != 11
    following.chain.single = single
    if inputs[0].type.tensor_type.HasField("shape"):
        following.shape = [each.dim_value for each in inputs[0].type.tensor_type.shape.dim]
        following.rank = len(following.shape)
    following.values[inputs[0].name] = Signal(Stage())
    for node in nodes:
        if needed & set(node.outputs):
            following.step(node)
    last = following.values.get(target)
    if not isinstance(last, Signal):
        raise NotAChain(f"{shown}: its output {abridged(target, 40)} does not depend on its input")
    return Found(following.chain.layers(last), following.chain, "ONNX", classes=_classes(nodes, following))


def _target(nodes: list[Node], outputs: list[str], shown: str) -> str:
    """Return the value that the network's outputs are: the model's output, without the labels that scikit-learn's
    exporter makes of it."""
    before = {name: node for node in nodes for name in node.outputs}
    for node in nodes:
        if node.op == "ZipMap":
            return str(node.inputs[0])
    own = []
    for name in outputs:
        ops = {before[each].op for each in _ancestors(nodes, name) if each in before}
        if not ops & {*LABELS}:
            own.append(name)
    if not own:
        cut = next((node.inputs[0] for node in nodes if node.op in ("ArgMax", "TopK")), None)
        if cut is not None:
            return str(cut)
    if len(own) != 1:
        names = listing([abridged(each, 30) for each in own], 6) if own else "none"
        raise NotAChain(f"{shown}: expected one output, found {len(own)} ({names}); only a chain can be taken")
    return own[0]


def _ancestors(nodes: list[Node], target: str) -> set[str]:
    needed = {target}
    for node in reversed(nodes):
        if needed & set(node.outputs):
            needed |= set(node.inputs)
    return needed


def _classes(nodes: list[Node], following: _Following) -> tuple[Label, ...] | None:
    for node in nodes:
        if node.op == "ZipMap":
            texts, whole = node.attributes.get("classlabels_strings"), node.attributes.get("classlabels_int64s")
            if texts is not None and len(texts.strings):
                return tuple(each.decode("utf-8", "replace") for each in texts.strings)
            if whole is not None and len(whole.ints):
                return tuple(map(float, whole.ints))
        if node.op == "ArrayFeatureExtractor" and node.inputs[0] in following.constants:
            labels = following.read(following.constants[node.inputs[0]]).ravel().tolist()
            return tuple(each if isinstance(each, str) else float(each) for each in labels)
    return None


class _Following:
    """The values of a graph, as they are followed node by node."""

    def __init__(
        self, nodes: list[Node], constants: Mapping[str, Any], read: Callable[[Any], Array], opset: int, shown: str
    ) -> None:
        self.constants, self.read, self.shown = constants, read, shown
        self.values: dict[str, Any] = {}
        self.chain = Chain()
        self.target = ""
        self.operators = Operators(self.chain, opset)
        self.rank = 2
        self.shape: list[int] = []
        """Of the inputs as far as it is known: 0 for a size that may be any."""

    def value(self, name: str, node: Node) -> Any:
        """Return a value: a signal, an array, or None for an input that is left out."""
        if not name:
            return None
        if name not in self.values:
            if name not in self.constants:
                raise damaged(self.shown, f"{node.place.removeprefix(f'{self.shown}: ')} takes {abridged(name, 40)}, "
                              "which no node before it gives")  # fmt: skip
            self.values[name] = self.read(self.constants[name])
        return self.values[name]

    def step(self, node: Node) -> None:
        if node.domain not in DOMAINS:
            raise NotAChain(f"{node.place}: an operator of {abridged(node.domain, 40)}, which is not known here")
        names = node.inputs[:1] if node.op == "CastLike" else node.inputs  # of the other, only the type counts
        given = [self.value(name, node) for name in names]
        if any(isinstance(each, Signal) for each in given):
            found = self.signal(node, given)
        elif any(each is UNKNOWN for each in given):
            found = UNKNOWN
        else:
            found = self.constant(node, given)
        self.values[node.outputs[0]] = found

    def constant(self, node: Node, given: list[Any]) -> Any:
        """Return what a node makes of constants."""
        try:
            with np.errstate(all="ignore"):
                return self._constant(node, given)
        except (TypeError, ValueError, IndexError, KeyError):
            raise damaged(self.shown, f"{node.place.removeprefix(f'{self.shown}: ')} makes no sense") from None

    def _constant(self, node: Node, given: list[Any]) -> Any:
        match node.op:
            case "Constant":
                each = next(iter(node.attributes.values()))
                if each.name == "value":
                    return self.read(each.t)
                kinds = {"value_float": each.f, "value_int": each.i}
                return np.array(kinds[each.name]) if each.name in kinds else node.numbers(each.name)
            case "Cast" | "CastLike":
                return given[0]
            case "Transpose":
                axes = node.numbers("perm")
                return np.transpose(given[0], None if axes is None else axes.astype(int))
            case "Reshape" | "Unsqueeze" | "Squeeze" | "Flatten":
                return given[0].reshape(-1) if node.op != "Reshape" else given[0].reshape([int(n) for n in given[1]])
            case "Concat" | "Gather" | "Shape" | "Slice":
                return UNKNOWN
        if node.op in TO_NUMBERS:
            return self.computed(node, [np.asarray(each) for each in given])
        raise self.refused(node)

    def computed(self, node: Node, given: list[Array]) -> Array:
        """Return what an operator makes of arrays, which no exporter writes to become more numbers than they are."""
        size = math.prod(np.broadcast_shapes(*(each.shape for each in given)))
        if size > max(MANY, *(each.size for each in given)):
            what = f"{node.place.removeprefix(f'{self.shown}: ')} makes {size:,} numbers of fewer constants"
            raise damaged(self.shown, what)
        return np.asarray(TO_NUMBERS[node.op](*given))

    @staticmethod
    def refused(node: Node) -> NotAChain:
        """Return the error for a node that cannot be taken."""
        what = f", {OTHER[node.op]}," if node.op in OTHER else ""
        return NotAChain(f"{node.place}{what} cannot be taken; only linear layers and activations in a row can")

    def signal(self, node: Node, given: list[Any]) -> Any:
        """Return what a node makes of a signal."""
        op, place = node.op, node.place
        first = given[0] if given and isinstance(given[0], Signal) else None
        if op in ("Shape", "Size"):
            return UNKNOWN
        if op in ("MatMul", "Gemm", "FusedMatMul") and (first is None or node.whole("transA", 0)):
            raise NotAChain(f"{place}: multiplies from the other side; only weights times outputs can be taken")
        if op in ("MatMul", "Gemm"):
            return self.linear(node, given)
        if first is not None:
            if (kept := self.kept(node, first, given)) is not None:
                return kept
            if (found := self.operators.activated(node, first, given)) is not None:
                return found
        if (found := self.operators.operated(node, given)) is not None:
            return found
        raise self.refused(node)

    def linear(self, node: Node, given: list[Any]) -> Signal:
        place = node.place
        signal, weights = given[0], given[1]
        if not isinstance(weights, np.ndarray) or weights.ndim != 2:
            raise NotAChain(f"{place}: its weights are no constant matrix; only linear layers in a row can be taken")
        if signal.stage.weights is None and self.rank > 2:
            raise NotAChain(f"{place}: is applied along the last of several axes, which are not flattened before")
        if node.op == "MatMul":
            return self.chain.linear(signal, weights.T, None, place)
        weights = np.asarray(weights if node.whole("transB", 0) else weights.T, dtype=float)
        bias = given[2] if len(given) > 2 else None
        if bias is not None and not (isinstance(bias, np.ndarray) and bias.size in (1, len(weights))):
            raise NotAChain(f"{place}: its third input is not one bias per unit")
        bias = None if bias is None else np.asarray(bias, float) * node.number("beta", 1.0)
        return self.chain.linear(signal, weights * node.number("alpha", 1.0), bias, place)

    def kept(self, node: Node, signal: Signal, given: list[Any]) -> Signal | None:
        """Return the signal of a node that changes nothing, or only its shape."""
        match node.op:
            case "Dropout" if len(given) > 2 and given[2] is not None and np.asarray(given[2]).any():
                raise NotAChain(f"{node.place}: drops outputs; export the model in eval mode")
            case "Flatten":
                if node.whole("axis", 1) not in (1, -1):
                    raise NotAChain(f"{node.place}: keeps an axis; only flat inputs can be taken")
                self.rank = 2
            case "Reshape":
                return self.reshaped(node, signal, given[1])
            case "Squeeze" if signal.stage.units == 1 and self.axes(node, given) in ([], [1], [-1]):
                return signal
            case "Cast" if is_condition(signal.tree):
                return signal if node.whole("to", 1) == 9 else replace(signal, tree=as_number(signal.tree))
            case "Cast" if node.whole("to", 1) not in (1, 10, 11, 16):
                raise NotAChain(f"{node.place}: rounds to whole numbers")
            case "Cast" if node.whole("to", 1) in (10, 16):
                self.chain.note(f"left out: {node.place} rounds to fewer digits")
            case "BatchNormalization":
                return self.normalized(node, signal, given)
            case "Scaler":
                offset, scale = (node.numbers(name) for name in ("offset", "scale"))
                offset, scale = np.zeros(1) if offset is None else offset, np.ones(1) if scale is None else scale
                return self.chain.affine(signal, scale, -offset * scale, "Scaler", node.place)
        return signal if node.op in KEPT else None

    @staticmethod
    def axes(node: Node, given: list[Any]) -> list[int]:
        """Return the axes of a node, an attribute or, since opset 13, an input."""
        found = given[1] if len(given) > 1 else node.numbers("axes")
        return [] if not isinstance(found, np.ndarray) else [int(each) for each in found.ravel()]

    def reshaped(self, node: Node, signal: Signal, shape: Any) -> Signal:
        """Return the signal of a node that keeps the rows, and joins the other axes of the inputs."""
        sizes = [int(n) for n in shape.ravel()] if isinstance(shape, np.ndarray) else None
        units = signal.stage.units
        if sizes is not None:
            if sizes == [-1, 1] and (units or 0) > 1 and node.outputs[0] == self.target:
                self.chain.note(
                    f"left out: {short_place(node.place)} puts the outputs of a row below one another, as skl2onnx does"
                )
                return signal
            rows, *others = self.shape or [0]
            row = (units or math.prod(others)) or -1
            flat = len(sizes) == 2 and sizes[0] in (-1, 0, rows or 0) and (sizes[1] == -1 or row in (-1, sizes[1]))
            if not flat and not (len(sizes) == 1 and units == 1):
                raise NotAChain(f"{node.place}: gives shape {sizes}; only flat outputs can be taken")
        self.rank = 2
        return signal

    def normalized(self, node: Node, signal: Signal, given: list[Any]) -> Signal:
        if node.whole("training_mode", 0) or not all(isinstance(each, np.ndarray) for each in given[1:5]):
            raise NotAChain(f"{node.place}: in training it uses the mean of each batch; export the model in eval mode")
        weight, bias, mean, variance = (np.asarray(each, float).ravel() for each in given[1:5])
        scale = weight / np.sqrt(variance + node.number("epsilon", 1e-5))
        return self.chain.affine(signal, scale, bias - mean * scale, "BatchNormalization", node.place)
