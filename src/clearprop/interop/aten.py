"""The graph of an exported PyTorch program, followed from the input to the output as a chain of linear layers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.expressions import Operator
from clearprop.expressions.tree import greater, less, maximum, minimum, where
from clearprop.interop.chain import AFFINE, Chain, NotAChain, Signal, Stage
from clearprop.interop.operators import UNARY, applied, as_number, clip, elu, is_condition, rule
from clearprop.interop.problem import Found, damaged
from clearprop.interop.state_dict import normalization
from clearprop.messages import abridged
from clearprop.rules.roles import z
from clearprop.types import Array

KEPT = (
    "contiguous",
    "clone",
    "to",
    "_to_copy",
    "alias",
    "detach",
    "lift_fresh_copy",
    "type_as",
    "_assert_tensor_metadata",
)
FLOATS, WIDE = (6, 7, 8, 13), (7, 8)
"""Types of numbers as programs call them: those that are no whole numbers, and of these float32 and float64."""
FLAT = ("flatten", "view", "reshape", "_unsafe_view", "_reshape_alias")
BINARY = {
    "add": Operator.ADD, "sub": Operator.SUBTRACT, "mul": Operator.MULTIPLY, "div": Operator.DIVIDE,
    "true_divide": Operator.DIVIDE, "pow": Operator.POWER, "maximum": maximum, "minimum": minimum,
    "gt": Operator.GREATER, "ge": Operator.GREATER_EQUAL, "lt": Operator.LESS, "le": Operator.LESS_EQUAL,
}  # fmt: skip
PLAIN = (
    "relu", "relu6", "sigmoid", "tanh", "selu", "silu", "mish", "softsign", "hardsigmoid", "hardswish", "log_sigmoid",
)  # fmt: skip
OTHER = {
    "conv": "a convolution", "lstm": "a recurrent layer", "gru": "a recurrent layer", "rnn": "a recurrent layer",
    "layer_norm": "a layer norm", "group_norm": "a group norm", "embedding": "an embedding", "cat": "a branch",
    "scaled_dot_product": "attention", "max_pool": "pooling", "avg_pool": "pooling",
}  # fmt: skip


NO_LOGARITHMS = "loss: NLLLoss takes the logarithms of probabilities; the module does not end in log-softmax"


def from_nodes(
    nodes: Sequence[Mapping[str, Any]],
    constants: Mapping[str, Array],
    source: str,
    target: str,
    rank: int,
    shown: str,
    logarithms: bool = False,
) -> Found:
    """Return the layers of a graph. With ``logarithms`` its last node must be a log-softmax, and is taken as the
    softmax whose logarithms a loss takes.

    Raises:
        NotAChain: the first node, in computing order, that is not part of a chain.
    """
    following = _Following(shown, constants, source, rank)
    following.logarithms = target if logarithms else None
    for node in nodes:
        following.step(node)
    last = following.values.get(target)
    if not isinstance(last, Signal):
        raise NotAChain(f"{shown}: its output {abridged(target, 40)} does not depend on its input")
    if following.logarithms:
        raise InvalidArgument(NO_LOGARITHMS)
    return Found(following.chain.layers(last), following.chain, "PyTorch")


class _Following:
    def __init__(self, shown: str, constants: Mapping[str, Array], source: str, rank: int) -> None:
        self.shown, self.rank = shown, rank
        self.values: dict[str, Any] = {**constants, source: Signal(Stage())}
        floats = [each.dtype for each in constants.values() if each.dtype.kind == "f" and each.ndim]
        self.chain = Chain(single=np.dtype("float64") not in floats)
        self.logarithms: str | None = None

    def argument(self, given: Mapping[str, Any], place: str) -> Any:
        """Return the value of an argument: a signal, an array, a number, a word, or None."""
        ((kind, value),) = given.items()
        if kind == "as_tensor":
            if value["name"] not in self.values:
                raise NotAChain(f"{place}: takes {abridged(value['name'], 40)}, which is not of the chain")
            return self.values[value["name"]]
        return None if kind == "as_none" else value

    def step(self, node: Mapping[str, Any]) -> None:
        target = str(node["target"])
        full = target.removeprefix("torch.ops.aten.")
        name = full.split(".")[0].removesuffix("_")
        outputs = node["outputs"]
        own = next(iter(each["as_tensor"]["name"] for each in outputs if "as_tensor" in each), None)
        stack = str((node.get("metadata") or {}).get("nn_module_stack", "")).split(";")[-1].split(",")
        module = f", module {abridged(stack[1], 40)}" if len(stack) > 1 and stack[1] else ""
        place = f"{self.shown}: node {abridged(str(own), 40)} ({abridged(full, 40)}{module})"
        given = {each["name"]: each["arg"] for each in node["inputs"]}
        values = {key: self.argument(each, place) for key, each in given.items() if "as_tensors" not in each}
        if own is None:
            return  # an assertion about shapes
        if not any(isinstance(each, Signal) for each in values.values()):
            if any("as_tensors" in each for each in given.values()):
                self.refuse(name, place)
            self.values[own] = self.constant(name, values, place)
            return
        if not target.startswith("torch.ops.aten."):
            raise NotAChain(f"{place}: an operator of its own cannot be taken")
        if name in ("log_softmax", "_log_softmax") and own == self.logarithms:
            self.logarithms, name = None, "softmax"
        self.values[own] = self.signal(name, values, place)

    def constant(self, name: str, values: Mapping[str, Any], place: str) -> Any:
        first = values.get("self", values.get("input"))
        if name in KEPT and isinstance(first, np.ndarray):
            return first
        if isinstance(first, np.ndarray) and not first.ndim and first.dtype.kind == "i":
            return first  # the batches that a batch norm counts in training, which it is then refused for
        if name in ("t", "numpy_T") and isinstance(first, np.ndarray):
            return first.T
        if name in ("transpose", "permute") and isinstance(first, np.ndarray) and first.ndim == 2:
            return first.T
        if name in ("full", "scalar_tensor", "full_like") and isinstance(
            values.get("fill_value", values.get("s")), (int, float)
        ):
            return np.array(float(values.get("fill_value", values.get("s"))))
        raise NotAChain(
            f"{place}: computes weights, as weight and spectral norm do; take it away first: "
            "torch.nn.utils.parametrize.remove_parametrizations(MODULE, NAME)"
        )

    @staticmethod
    def refuse(name: str, place: str) -> None:
        what = next((f", {what}," for start, what in OTHER.items() if start in name), "")
        raise NotAChain(f"{place}{what} cannot be taken; only linear layers and activations in a row can")

    def signal(self, name: str, values: Mapping[str, Any], place: str) -> Signal:
        chain = self.chain
        first = values.get("self", values.get("input"))
        if name in ("linear", "addmm", "mm", "matmul"):
            return self.linear(name, values, place)
        if isinstance(first, Signal):
            if name in KEPT:
                return self.kept(first, values.get("dtype"), place)
            if name == "squeeze" and first.stage.units == 1 and values.get("dim") in (1, -1):
                return first
            if name in FLAT:
                return self.flat(name, first, values, place)
            if (found := self.activated(name, first, values, place)) is not None:
                return found
        if values.get("rounding_mode") is not None:
            raise NotAChain(f"{place}: rounds to whole numbers")
        if (name in BINARY and "other" in values) or name == "pow":
            one, two = values["self"], values.get("other", values.get("exponent"))
            alpha = values.get("alpha")
            if alpha not in (None, 1):
                two = self.binary(Operator.MULTIPLY, two, alpha, place) if isinstance(two, Signal) else two * alpha
            return self.binary(BINARY[name], one, two, place)
        match name:
            case "rsub" if values.get("alpha") in (None, 1):
                return self.binary(Operator.SUBTRACT, values["other"], first, place)
            case "reciprocal":
                return chain.apply(Operator.DIVIDE, 1.0, first, place=place)
            case "rsqrt":
                return chain.apply(Operator.DIVIDE, 1.0, chain.apply(UNARY["sqrt"], first, place=place), place=place)
            case "where":
                operands = [self.scalar(values[key]) for key in ("condition", "self", "other")]
                if isinstance(operands[0], Signal):
                    return chain.apply(Operator.WHERE, *operands, place=place)
        if name in UNARY and isinstance(first, Signal):
            return chain.apply(UNARY[name], first, place=place)
        self.refuse(name, place)
        raise AssertionError

    def linear(self, name: str, values: Mapping[str, Any], place: str) -> Signal:
        if name == "linear":
            signal, weights, bias = values["input"], values["weight"], values.get("bias")
        elif name == "addmm":
            signal, weights, bias = values["mat1"], values["mat2"], values["self"]
        else:
            signal, weights, bias = values["self"], values.get("mat2", values.get("other")), None
        if not isinstance(signal, Signal) or not isinstance(weights, np.ndarray) or weights.ndim != 2:
            raise NotAChain(f"{place}: its weights are no constant matrix; only linear layers in a row can be taken")
        if bias is not None and not isinstance(bias, np.ndarray):
            raise NotAChain(f"{place}: its biases are no constants; only linear layers in a row can be taken")
        if signal.stage.weights is None and self.rank > 2:
            raise NotAChain(f"{place}: is applied along the last of several axes, which are not flattened before")
        if any(values.get(key) not in (None, 1) for key in ("alpha", "beta")):
            raise NotAChain(f"{place}: with factors of its own it cannot be taken")
        return self.chain.linear(signal, weights if name == "linear" else weights.T, bias, place)

    def kept(self, signal: Signal, kind: Any, place: str) -> Signal:
        """Return the signal of a node that changes at most the type of its numbers."""
        kind = kind.get("as_scalar_type", kind) if isinstance(kind, Mapping) else kind
        if is_condition(signal.tree):
            return signal if kind in (None, 12) else replace(signal, tree=as_number(signal.tree))
        if kind not in (None, *FLOATS):
            raise NotAChain(f"{place}: rounds to whole numbers")
        if kind not in (None, *WIDE):
            self.chain.note(f"left out: {place} rounds to fewer digits")
        return signal

    def flat(self, name: str, signal: Signal, values: Mapping[str, Any], place: str) -> Signal:
        """Return the signal of a node that changes only its shape."""
        units = signal.stage.units
        if name == "flatten":
            if values.get("start_dim", 0) != 1 or values.get("end_dim", -1) not in (-1, self.rank - 1):
                raise NotAChain(f"{place}: keeps an axis; only flat inputs can be taken")
        else:
            sizes = values.get("size", values.get("shape"))
            last = sizes[-1] if isinstance(sizes, list) and len(sizes) == 2 else None
            last = last.get("as_int", -1) if isinstance(last, Mapping) else last
            if last is None or (units is not None and last not in (-1, units)):
                raise NotAChain(f"{place}: gives another shape; only flat outputs can be taken")
        self.rank = 2
        return signal

    def activated(self, name: str, signal: Signal, values: Mapping[str, Any], place: str) -> Signal | None:
        chain = self.chain

        def number(key: str, usual: float) -> float:
            value = values.get(key)
            return usual if value is None else float(value)

        if name in PLAIN:
            return applied(chain, signal, name, place)
        match name:
            case "leaky_relu":
                return applied(chain, signal, name, place, slope=number("negative_slope", 0.01))
            case "elu":
                tree = elu(number("alpha", 1.0), number("scale", 1.0), number("input_scale", 1.0))
                return chain.elementwise(signal, tree, place)
            case "celu" | "softplus" | "softshrink" | "hardshrink" | "threshold" | "gelu":
                return applied(
                    chain, signal, name, place, **{key: each for key, each in values.items() if each is not signal}
                )
            case "hardtanh":
                return chain.elementwise(signal, clip(number("min_val", -1.0), number("max_val", 1.0)), place)
            case "clamp" | "clip" | "clamp_min" | "clamp_max":
                bounds = [None if values.get(key) is None else float(values[key]) for key in ("min", "max")]
                return chain.elementwise(signal, clip(bounds[0], bounds[1]), place)
            case "sign" | "sgn":
                return chain.elementwise(signal, where(greater(z, 0), 1, where(less(z, 0), -1, 0)), place)
            case "square":
                return chain.elementwise(signal, z**2, place)
            case "prelu" | "_prelu_kernel":
                slope = values["weight"]
                if not isinstance(slope, np.ndarray) or (slope.size > 1 and np.ptp(slope)):
                    raise NotAChain(f"{place}: a slope per unit cannot be taken")
                chain.note("folded: the slope of PReLU is a constant, not trained any more")
                return chain.elementwise(signal, rule("leaky_relu", slope=float(slope.flat[0])), place)
            case "rrelu" | "rrelu_with_noise" if not values.get("training"):
                slope = (number("lower", 1 / 8) + number("upper", 1 / 3)) / 2
                return chain.elementwise(signal, rule("leaky_relu", slope=slope), place)
            case "softmax" | "_softmax":
                if values.get("dim") not in (1, -1):
                    raise NotAChain(
                        f"{place}: over axis {values.get('dim')}; only over a layer's units it can be taken"
                    )
                return chain.softmax(signal, place)
            case "log_softmax" | "_log_softmax":
                raise NotAChain(f"{place}: gives logarithms of probabilities; export the model without it")
            case "dropout" | "native_dropout" | "alpha_dropout" | "feature_dropout":
                if values.get("train") and name in ("dropout", "native_dropout"):
                    chain.dropout(signal, number("p", 0.5))
                elif values.get("train"):
                    raise NotAChain(f"{place}: in train mode cannot be taken; call model.eval() first")
                return signal
            case "batch_norm" | "_native_batch_norm_legit_no_training":
                if values.get("training"):
                    raise NotAChain(f"{place}: in training it uses the mean of each batch; call model.eval() first")
                group = {key: values.get(key) for key in ("weight", "bias", "running_mean", "running_var")}
                scale, shift = normalization(group, number("eps", 1e-5))  # type: ignore[arg-type]
                return chain.affine(signal, scale, shift, "batch norm", place)
        return None

    def scalar(self, value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.size == 1:
            return float(value.flat[0])
        return float(value) if isinstance(value, (int, float)) else value

    def binary(self, operator: Operator, one: Any, two: Any, place: str) -> Signal:
        one_rank, two_rank = (each.ndim if isinstance(each, np.ndarray) else 0 for each in (one, two))
        if isinstance(one, Signal) and isinstance(two, Signal):
            return self.chain.apply(operator, one, two, place=place)
        signal, other, first = (one, two, True) if isinstance(one, Signal) else (two, one, False)
        if not isinstance(signal, Signal):
            raise damaged(self.shown, re.sub("^.*?: ", "", place))
        stage = signal.stage
        as_bias = operator is AFFINE[0] and signal.plain and stage.units == 1 and stage.bias is None
        number = self.scalar(other)
        if isinstance(number, float) and not (as_bias and max(one_rank, two_rank)):
            operands = (signal, number) if first else (number, signal)
            return self.chain.apply(operator, *operands, place=place)
        if not isinstance(other, np.ndarray) or (other.ndim > 1 and other.shape[:-1] != (1,) * (other.ndim - 1)):
            raise NotAChain(f"{place}: an operator in a branch; only a chain of layers can be taken")
        return self.chain.vector(operator, signal, other, first=first, place=place)
