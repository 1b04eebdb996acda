"""The graph of an ONNX model, followed from the input to the output as a chain of linear layers.

What is computed from constants alone is computed; whatever is computed from the input must be a linear node, or
elementwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.expressions import Operator
from clearprop.expressions.tree import greater, less, logistic, where
from clearprop.interop.chain import AFFINE, Chain, NotAChain, Signal, Stage
from clearprop.interop.operators import BINARY, UNARY, applied, as_number, clip, is_condition, rule
from clearprop.interop.problem import Found, damaged
from clearprop.messages import abridged, listing
from clearprop.network.data import Label
from clearprop.rules.roles import z
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
}  # fmt: skip
NAMED = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softsign": "softsign", "HardSwish": "hardswish",
    "Mish": "mish", "Softplus": "softplus",
}  # fmt: skip
TO_NUMBERS: Mapping[str, Callable[..., Any]] = {
    "Identity": lambda x: x, "Neg": np.negative, "Sqrt": np.sqrt, "Exp": np.exp, "Reciprocal": lambda x: 1 / x,
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Pow": np.power, "Abs": np.abs,
}  # fmt: skip


def short(value: float) -> float:
    """Return the shortest decimal that is this number in float32, as a person wrote it.

    >>> short(0.10000000149011612)
    0.1
    """
    return float(str(np.float32(value)))


class _Node:
    """A node with its attributes, and how messages call it."""

    def __init__(self, proto: Any, number: int, read: Callable[[Any], Array], shown: str) -> None:
        self.op, self.inputs, self.outputs = proto.op_type, list(proto.input), list(proto.output)
        name = f'"{abridged(proto.name, 60)}" ' if proto.name else f"{number} "
        self.place = f"{shown}: node {name}({abridged(self.op, 40)})"
        self.attributes = {each.name: each for each in proto.attribute}
        self.read = read
        self.domain = proto.domain

    def number(self, name: str, usual: float) -> float:
        each = self.attributes.get(name)
        return usual if each is None else short(each.f) if each.type == 1 else float(each.i)

    def whole(self, name: str, usual: int) -> int:
        each = self.attributes.get(name)
        return usual if each is None else int(each.i)

    def numbers(self, name: str) -> Array | None:
        each = self.attributes.get(name)
        return None if each is None else np.array(each.floats if len(each.floats) else each.ints, dtype=float)

    def text(self, name: str, usual: str) -> str:
        each = self.attributes.get(name)
        return usual if each is None else each.s.decode("utf-8", "replace")


def from_graph(model: Any, read: Callable[[Any], Array], shown: str) -> Found:
    """Return the layers of a model's graph.

    Raises:
        NotAChain: the first node, in computing order, that is not part of a chain.
    """
    graph = model.graph
    opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 13)
    nodes = [_Node(each, number, read, shown) for number, each in enumerate(graph.node, start=1)]
    constants = {each.name: each for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in constants]
    if len(inputs) != 1:
        names = listing([abridged(each.name, 30) for each in inputs], 6) if inputs else "none"
        raise NotAChain(f"{shown}: expected one input, found {len(inputs)} ({names}); only a chain can be taken")
    target = _target(nodes, [each.name for each in graph.output], shown)
    needed = _ancestors(nodes, target)
    following = _Following(nodes, constants, read, opset, shown)
    single = inputs[0].type.tensor_type.elem_type != 11
    following.chain.single = single
    following.rank = len(inputs[0].type.tensor_type.shape.dim) if inputs[0].type.tensor_type.HasField("shape") else 2
    following.values[inputs[0].name] = Signal(Stage())
    for node in nodes:
        if needed & set(node.outputs):
            following.step(node)
    last = following.values.get(target)
    if not isinstance(last, Signal):
        raise NotAChain(f"{shown}: its output {abridged(target, 40)} does not depend on its input")
    return Found(following.chain.layers(last), following.chain, "ONNX", classes=_classes(nodes, following))


def _target(nodes: list[_Node], outputs: list[str], shown: str) -> str:
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


def _ancestors(nodes: list[_Node], target: str) -> set[str]:
    needed = {target}
    for node in reversed(nodes):
        if needed & set(node.outputs):
            needed |= set(node.inputs)
    return needed


def _classes(nodes: list[_Node], following: _Following) -> tuple[Label, ...] | None:
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
        self, nodes: list[_Node], constants: Mapping[str, Any], read: Callable[[Any], Array], opset: int, shown: str
    ) -> None:
        self.constants, self.read, self.opset, self.shown = constants, read, opset, shown
        self.values: dict[str, Any] = {}
        self.chain = Chain()
        self.rank = 2

    def value(self, name: str, node: _Node) -> Any:
        """Return a value: a signal, an array, or None for an input that is left out."""
        if not name:
            return None
        if name not in self.values:
            if name not in self.constants:
                raise damaged(self.shown, f"{node.place.removeprefix(f'{self.shown}: ')} takes {abridged(name, 40)}, "
                              "which no node before it gives")  # fmt: skip
            self.values[name] = self.read(self.constants[name])
        return self.values[name]

    def step(self, node: _Node) -> None:
        names = node.inputs[:1] if node.op == "CastLike" else node.inputs  # of the other, only the type counts
        given = [self.value(name, node) for name in names]
        if any(isinstance(each, Signal) for each in given):
            found = self.signal(node, given)
        elif any(each is UNKNOWN for each in given):
            found = UNKNOWN
        else:
            found = self.constant(node, given)
        self.values[node.outputs[0]] = found

    def constant(self, node: _Node, given: list[Any]) -> Any:
        """Return what a node makes of constants."""
        try:
            with np.errstate(all="ignore"):
                return self._constant(node, given)
        except (TypeError, ValueError, IndexError, KeyError):
            raise damaged(self.shown, f"{node.place.removeprefix(f'{self.shown}: ')} makes no sense") from None

    def _constant(self, node: _Node, given: list[Any]) -> Any:
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
            return np.asarray(TO_NUMBERS[node.op](*(np.asarray(each) for each in given)))
        raise NotAChain(f"{node.place}: cannot be taken; only linear layers and activations in a row can")

    def signal(self, node: _Node, given: list[Any]) -> Any:
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
            if (found := self.activated(node, first, given)) is not None:
                return found
        if (found := self.operated(node, given)) is not None:
            return found
        what = f", {OTHER[op]}," if op in OTHER else ""
        raise NotAChain(f"{place}{what} cannot be taken; only linear layers and activations in a row can")

    def linear(self, node: _Node, given: list[Any]) -> Signal:
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

    def kept(self, node: _Node, signal: Signal, given: list[Any]) -> Signal | None:
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
            case "Cast" if is_condition(signal.tree):
                return signal if node.whole("to", 1) == 9 else replace(signal, tree=as_number(signal.tree))
            case "Cast" if node.whole("to", 1) not in (1, 10, 11, 16):
                raise NotAChain(f"{node.place}: rounds to whole numbers")
            case "BatchNormalization":
                return self.normalized(node, signal, given)
            case "Scaler":
                offset, scale = (node.numbers(name) for name in ("offset", "scale"))
                offset, scale = np.zeros(1) if offset is None else offset, np.ones(1) if scale is None else scale
                return self.chain.affine(signal, scale, -offset * scale, "Scaler", node.place)
        return signal if node.op in KEPT else None

    def reshaped(self, node: _Node, signal: Signal, shape: Any) -> Signal:
        sizes = [int(n) for n in shape.ravel()] if isinstance(shape, np.ndarray) else None
        units = signal.stage.units
        if sizes is not None:
            flat = (len(sizes) == 2 and sizes[1] in (-1, units)) or (len(sizes) == 1 and units == 1)
            of_input = units is None and len(sizes) == 2
            if not (flat or of_input):
                raise NotAChain(f"{node.place}: gives shape {sizes}; only flat outputs can be taken")
        self.rank = 2
        return signal

    def normalized(self, node: _Node, signal: Signal, given: list[Any]) -> Signal:
        if node.whole("training_mode", 0) or not all(isinstance(each, np.ndarray) for each in given[1:5]):
            raise NotAChain(f"{node.place}: in training it uses the mean of each batch; export the model in eval mode")
        weight, bias, mean, variance = (np.asarray(each, float).ravel() for each in given[1:5])
        scale = weight / np.sqrt(variance + node.number("epsilon", 1e-5))
        return self.chain.affine(signal, scale, bias - mean * scale, "BatchNormalization", node.place)

    def activated(self, node: _Node, signal: Signal, given: list[Any]) -> Signal | None:
        """Return an activation applied to a signal, or None if the node is none."""
        op, place, number = node.op, node.place, node.number
        chain = self.chain
        if op in NAMED:
            return applied(chain, signal, NAMED[op], place)
        match op:
            case "Softmax":
                if node.whole("axis", 1 if self.opset < 13 else -1) not in (1, -1):
                    raise NotAChain(f"{place}: over axis {node.whole('axis', 0)}; only over a layer's units can it be")
                return chain.softmax(signal, place)
            case "LogSoftmax":
                raise NotAChain(f"{place}: gives logarithms of probabilities; export the model without it")
            case "LeakyRelu":
                return chain.elementwise(signal, rule("leaky_relu", slope=number("alpha", 0.01)), place)
            case "Elu":
                return chain.elementwise(signal, rule("elu", alpha=number("alpha", 1.0)), place)
            case "Selu":
                scale, alpha = number("gamma", 1.0507010), number("alpha", 1.6732632)
                return chain.elementwise(signal, rule("selu", scale=scale, alpha=alpha), place)
            case "Celu":
                alpha = number("alpha", 1.0)
                return chain.elementwise(signal, rule("celu", alpha=alpha), place)
            case "Gelu" | "FastGelu":
                approximate = "tanh" if op == "FastGelu" else node.text("approximate", "none")
                return applied(chain, signal, "gelu", place, approximate=approximate)
            case "HardSigmoid":
                alpha, beta = number("alpha", 0.2), number("beta", 0.5)
                return applied(chain, signal, "hardsigmoidof", place, alpha=alpha, beta=beta)
            case "ThresholdedRelu":
                return applied(chain, signal, "thresholdedrelu", place, theta=number("alpha", 1.0))
            case "Swish":
                alpha = number("alpha", 1.0)
                return chain.elementwise(signal, z * logistic(z if alpha == 1 else alpha * z), place)
            case "Shrink":
                by, bias = number("lambd", 0.5), number("bias", 0.0)
                tree = where(greater(z, by), z - bias, where(less(z, -by), z + bias, 0))
                return chain.elementwise(signal, tree, place)
            case "Clip":
                bounds = [self.scalar(each) for each in given[1:3]] if self.opset >= 11 else []
                low = (bounds[0] if bounds else None) if self.opset >= 11 else number("min", -np.inf)
                high = (bounds[1] if len(bounds) > 1 else None) if self.opset >= 11 else number("max", np.inf)
                finite = [None if each is None or abs(each) > 1e38 else each for each in (low, high)]
                return chain.elementwise(signal, clip(*finite), place)
            case "PRelu":
                slope = given[1]
                if not isinstance(slope, np.ndarray) or (slope.size > 1 and np.ptp(slope)):
                    raise NotAChain(f"{place}: a slope per unit cannot be taken")
                return chain.elementwise(signal, rule("leaky_relu", slope=short(float(slope.flat[0]))), place)
        return None

    def operated(self, node: _Node, given: list[Any]) -> Signal | None:
        """Return an operator of the expression language applied to signals and constants, or None."""
        op, place = node.op, node.place
        if op in ("Max", "Min", "Sum") or (op.lower() in BINARY):
            operator = Operator.ADD if op == "Sum" else BINARY[op.lower()]
            found = given[0]
            for each in given[1:]:
                found = self.binary(operator, found, each, place)
            return found if isinstance(found, Signal) else None
        if op.lower() in UNARY:
            return self.chain.apply(UNARY[op.lower()], given[0], place=place)
        match op:
            case "Reciprocal":
                return self.chain.apply(Operator.DIVIDE, 1.0, given[0], place=place)
            case "Sign":
                return self.chain.elementwise(given[0], where(greater(z, 0), 1, where(less(z, 0), -1, 0)), place)
            case "Where":
                operands = [each if isinstance(each, Signal) else self.scalar(each) for each in given]
                whole = [each for each in operands if each is not None]
                if isinstance(operands[0], Signal) and len(whole) == 3:
                    return self.chain.apply(Operator.WHERE, *whole, place=place)
            case "And" | "Or" | "Not":
                numbers = [replace(each, tree=as_number(each.tree)) for each in given if isinstance(each, Signal)]
                if len(numbers) == len(given) and all(is_condition(each.tree) for each in given):
                    if op == "Not":
                        return self.chain.apply(Operator.LESS, numbers[0], 0.5, place=place)
                    joined = self.chain.apply(BINARY["mul" if op == "And" else "add"], *numbers, place=place)
                    return self.chain.apply(Operator.GREATER, joined, 0.5, place=place)
            case "Concat":
                return self.shares(node, given)
        return None

    def shares(self, node: _Node, given: list[Any]) -> Signal | None:
        """Return the probability of the second of two classes, where both are put side by side: 1 - p and p."""
        one, two = (*given, None, None)[:2]
        if len(given) == 2 and isinstance(one, Signal) and isinstance(two, Signal) and one.stage is two.stage:
            complement = self.chain.apply(Operator.SUBTRACT, 1.0, two, place=node.place)
            if one.tree == complement.tree:
                return two
        return None

    def binary(self, operator: Operator, one: Any, two: Any, place: str) -> Any:
        if isinstance(one, Signal) and isinstance(two, Signal):
            return self.chain.apply(operator, one, two, place=place)
        signal, other, first = (one, two, True) if isinstance(one, Signal) else (two, one, False)
        if not isinstance(signal, Signal) or not isinstance(other, np.ndarray):
            raise NotAChain(f"{place}: an operator in a branch; only a chain of layers can be taken")
        stage = signal.stage
        as_bias = other.ndim and stage.weights is not None and stage.bias is None and operator in AFFINE[:1]
        if other.size == 1 and not (as_bias and signal.plain and stage.units == 1):
            number = self.scalar(other)
            operands = (signal, number) if first else (number, signal)
            return self.chain.apply(operator, *operands, place=place)
        if other.ndim > 1 and other.shape[:-1] != (1,) * (other.ndim - 1):
            raise NotAChain(f"{place}: numbers of shape {other.shape} that differ from row to row")
        return self.chain.vector(operator, signal, other, first=first, place=place)

    @staticmethod
    def scalar(value: Any) -> float | None:
        if not isinstance(value, np.ndarray) or value.size != 1 or value.dtype == object:
            return None
        single = value.dtype in (np.float32, np.float16)
        return short(float(value.flat[0])) if single else float(value.flat[0])
