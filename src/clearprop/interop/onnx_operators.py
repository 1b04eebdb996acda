"""ONNX's elementwise operators and activations, each as an expression in z applied to a signal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.expressions import Operator
from clearprop.expressions.tree import greater, less, logistic, where
from clearprop.interop.chain import AFFINE, Chain, NotAChain, Signal
from clearprop.interop.operators import BINARY, UNARY, applied, as_number, clip, is_condition, rule
from clearprop.messages import abridged
from clearprop.rules.activations import activation
from clearprop.rules.roles import z
from clearprop.types import Array

NAMED = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softsign": "softsign", "HardSwish": "hardswish",
    "Mish": "mish", "Softplus": "softplus",
}  # fmt: skip


def short(value: float) -> float:
    """Return the shortest decimal that is this number in float32, as a person wrote it.

    >>> short(0.10000000149011612)
    0.1
    """
    return float(str(np.float32(value)))


def whole(value: float, usual: float) -> float:
    """Return a usual constant with all its digits, where a file has those of float32, as attributes do.

    >>> whole(0.16666667, 1 / 6), whole(0.2, 1 / 6)
    (0.16666666666666666, 0.2)
    """
    return usual if np.float32(value) == np.float32(usual) else value


class Node:
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


class Operators:
    """Applies nodes of a graph of that opset to the signals of a chain."""

    def __init__(self, chain: Chain, opset: int) -> None:
        self.chain, self.opset = chain, opset

    def activated(self, node: Node, signal: Signal, given: list[Any]) -> Signal | None:
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
                usual = activation("selu").constants
                scale, alpha = number("gamma", usual["scale"]), number("alpha", usual["alpha"])
                constants = {"scale": whole(scale, usual["scale"]), "alpha": whole(alpha, usual["alpha"])}
                return chain.elementwise(signal, rule("selu", **constants), place)
            case "Celu":
                alpha = number("alpha", 1.0)
                return chain.elementwise(signal, rule("celu", alpha=alpha), place)
            case "Gelu" | "FastGelu":
                approximate = "tanh" if op == "FastGelu" else node.text("approximate", "none")
                return applied(chain, signal, "gelu", place, approximate=approximate)
            case "HardSigmoid":
                alpha, beta = whole(number("alpha", 0.2), 1 / 6), number("beta", 0.5)
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

    def operated(self, node: Node, given: list[Any]) -> Signal | None:
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

    def shares(self, node: Node, given: list[Any]) -> Signal | None:
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
