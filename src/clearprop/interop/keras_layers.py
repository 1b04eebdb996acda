"""Keras's layers in a row: from the configuration in a file, or of a live model, with the weights of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from clearprop.expressions import Operator
from clearprop.expressions.tree import minimum, where
from clearprop.interop.chain import Chain, NotAChain, Signal, Stage
from clearprop.interop.keras_learning import learning
from clearprop.interop.operators import applied, clip, rule
from clearprop.interop.problem import Found, damaged
from clearprop.messages import abridged, counted
from clearprop.rules.roles import z
from clearprop.types import Array


class Place(NamedTuple):
    """Where a layer is: its class, its name, its number among the layers of that class, and the model within the model
    that holds it."""

    kind: str
    name: str
    number: int
    within: Place | None = None


Weights = Callable[[Place], Sequence[Array]]
"""The weights of the layer at a place."""
OTHER = {
    "Conv": "a convolution", "LSTM": "a recurrent layer", "GRU": "a recurrent layer", "SimpleRNN": "a recurrent layer",
    "LayerNormalization": "a layer norm", "Lambda": "code of its own, which is not run", "Add": "a residual addition",
    "Concatenate": "a branch", "Embedding": "an embedding", "MultiHeadAttention": "attention",
}  # fmt: skip
KNOWN = (
    "relu", "relu6", "sigmoid", "tanh", "selu", "silu", "swish", "mish", "softsign", "hard_sigmoid", "hard_silu",
    "hard_swish", "log_sigmoid", "tanh_shrink", "exponential", "linear", "softmax", "softplus", "elu", "celu", "gelu",
    "leaky_relu", "hard_shrink", "soft_shrink", "hard_tanh", "sparse_plus", "squareplus", "sparse_sigmoid",
)  # fmt: skip
MODELS = ("Sequential", "Functional", "Model")
OWN = {"hard_silu": "hardswish", "hard_swish": "hardswish"}


def from_layers(config: Mapping[str, Any], compiled: Any, weights: Weights, shown: str, begun: bool = False) -> Found:
    """Return the layers of a model's configuration; ``compiled`` is that of its training, which has ``begun`` where its
    optimizer has made steps.

    Raises:
        NotAChain: a layer that is not supported; names the first.
    """
    chain = Chain()
    signal = Signal(Stage())
    penalty: dict[str, tuple[float, float]] = {}
    kinds: set[Any] = set()
    for at, own in _flat(config, None, chain, shown):
        kind, place = at.kind, f"{shown}: layer {abridged(at.name, 40)} ({abridged(at.kind, 40)})"

        @cache
        def read(at: Place = at) -> Sequence[Array]:
            return weights(at)

        if kind == "Dense":
            found = read()
            kinds |= {each.dtype for each in found}
            penalty[at.name] = _regularizer(own, place)
            if own.get("trainable") is False:
                chain.note(f"left out: layer {abridged(at.name, 40)} is not trained (trainable is false); here all are")
            if "float16" in (policy := _policy(own)):
                chain.note(f"left out: layer {abridged(at.name, 40)} computes in {policy}; here in float32")
            for key in ("kernel_constraint", "bias_constraint"):
                if own.get(key):
                    chain.note(f"left out: the {key} of layer {abridged(at.name, 40)}")
        signal = _after(chain, signal, kind, own, read, place)
    chain.single = np.dtype("float64") not in kinds
    loss, optimizer, logits, l2 = learning(compiled, signal, chain, shown, penalty)
    if begun and optimizer is not None:
        chain.begins_anew(optimizer)
    return Found(chain.layers(signal), chain, "Keras", loss, optimizer, l2, logits=logits)


def _part(table: Any, key: str, kind: type, shown: str) -> Any:
    if not isinstance(table, Mapping) or not isinstance(table.get(key), kind):
        raise damaged(shown, f'its configuration has no valid "{key}"')
    return table[key]


def _flat(
    config: Mapping[str, Any], within: Place | None, chain: Chain, shown: str
) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Yield the layers in their order with their configurations, those of models within the model in its place."""
    counts: dict[str, int] = {}
    for entry in _row(config, shown):
        kind, own = _part(entry, "class_name", str, shown), _part(entry, "config", dict, shown)
        at = Place(kind, str(own.get("name", kind)), counts.get(kind, 0), within)
        counts[kind] = at.number + 1
        if entry.get("registered_name"):
            raise NotAChain(f"{shown}: layer {abridged(at.name, 40)} ({abridged(kind, 40)}) is of a class of its own, "
                            "whose code is not run; only Keras's own layers in a row can be taken")  # fmt: skip
        if kind in MODELS:
            chain.note(f"flattened: {abridged(at.name, 40)}, a model within the model, is its layers")
            yield from _flat(entry, at, chain, shown)
        elif kind != "InputLayer":
            yield at, own


def _row(config: Mapping[str, Any], shown: str) -> list[Any]:
    """Return the layers in their order: of a Sequential, or of a functional model in which each follows the last."""
    kind = config.get("class_name")
    inner = _part(config, "config", dict, shown)
    layers = _part(inner, "layers", list, shown) if kind in MODELS else None
    if layers is None:
        raise NotAChain(
            f"{shown}: the model is of the class {abridged(str(kind), 40)}, whose code is not run; only Sequential, "
            "and functional models in a row, can be taken"
        )
    if kind == "Sequential":
        return list(layers)
    before: str | None = None
    for each in layers:
        own = _part(each, "config", dict, shown)
        name = str(each.get("name", own.get("name")))
        sources = _sources(each.get("inbound_nodes"))
        first = each.get("class_name") == "InputLayer"
        if (sources != [] if first else sources != [before]) or (first and before is not None):
            raise NotAChain(
                f"{shown}: layer {abridged(name, 40)} ({abridged(str(each.get('class_name')), 40)}) takes "
                f"{', '.join(sources) or 'another input'}; only layers in a row can be taken"
            )
        before = name
    return list(layers)


def _sources(nodes: Any) -> list[str]:
    """Return the names of the layers that a layer's one call takes."""
    found: list[str] = []
    stack = [nodes]
    while stack:
        each = stack.pop()
        if isinstance(each, Mapping):
            history = each.get("keras_history")
            if isinstance(history, list) and history:
                found.append(str(history[0]))
            else:
                stack += [value for key, value in each.items() if key in ("args", "config")][::-1]
        elif isinstance(each, list):
            if len(each) >= 3 and isinstance(each[0], str) and isinstance(each[1], int):
                found.append(each[0])
            else:
                stack += each[::-1]
    return found


def _after(
    chain: Chain, signal: Signal, kind: str, own: Mapping[str, Any], read: Callable[[], Sequence[Array]], place: str
) -> Signal:
    match kind:
        case "Dense":
            tensors = list(read())
            if own.get("lora_rank") or own.get("quantization_config"):
                raise NotAChain(f"{place}: its weights are changed by quantization or LoRA")
            expected = 2 if own.get("use_bias", True) else 1
            if len(tensors) != expected or tensors[0].ndim != 2:
                raise damaged(place, f"expected a kernel{' and biases' if expected > 1 else ''}")
            units, own_units = tensors[0].shape[1], own.get("units")
            if isinstance(own_units, int) and own_units != units:
                raise damaged(place, f"its weights are of {counted(units, 'unit')}, but it says {own_units:,}")
            signal = chain.linear(signal, tensors[0].T, tensors[1] if expected > 1 else None, place)
            return _activated(chain, signal, own.get("activation"), place)
        case "Activation":
            return _activated(chain, signal, own.get("activation"), place)
        case "Dropout" | "AlphaDropout" | "GaussianNoise" | "GaussianDropout" | "ActivityRegularization":
            rate = own.get("rate", own.get("stddev"))
            chain.note(f"left out: {kind} ({rate}), which acts in training only")
            return signal
        case "Flatten":
            return signal
        case "Reshape":
            shape = own.get("target_shape")
            if not isinstance(shape, list) or len(shape) != 1:
                raise NotAChain(f"{place}: only flat outputs can be taken")
            return signal
        case "Normalization":
            return _normalization(chain, signal, own, read, place)
        case "Rescaling":
            scale, offset = (np.atleast_1d(np.asarray(own.get(each, usual), float)).ravel()
                             for each, usual in (("scale", 1.0), ("offset", 0.0)))  # fmt: skip
            return chain.affine(signal, scale, offset, "Rescaling", place)
        case "BatchNormalization":
            return _batch_normalization(chain, signal, own, read, place)
        case "ReLU":
            slope, high, threshold = own.get("negative_slope", 0.0), own.get("max_value"), own.get("threshold", 0.0)
            tree = rule("leaky_relu", slope=float(slope)) if slope else clip(0.0, None)
            if threshold:
                tree = where(
                    Operator.GREATER_EQUAL(z, float(threshold)), z, float(slope or 0.0) * (z - float(threshold))
                )
            return chain.elementwise(signal, tree if high is None else minimum(tree, float(high)), place)
        case "LeakyReLU":
            slope = own.get("negative_slope", own.get("alpha", 0.3))
            return applied(chain, signal, "leaky_relu", place, slope=slope)
        case "ELU":
            return applied(chain, signal, "elu", place, alpha=own.get("alpha", 1.0))
        case "PReLU":
            slopes = np.asarray(read()[0])
            if slopes.size > 1 and np.ptp(slopes):
                raise NotAChain(f"{place}: a slope per unit cannot be taken")
            chain.note("folded: the slope of PReLU is a constant, not trained any more")
            return applied(chain, signal, "leaky_relu", place, slope=float(slopes.flat[0]))
        case "Softmax" if own.get("axis", -1) in (-1, 1, [-1], [1]):
            return chain.softmax(signal, place)
    what = next((f", {what}," for start, what in OTHER.items() if kind.startswith(start)), "")
    raise NotAChain(f"{place}{what} cannot be taken; only Dense layers and activations in a row can")


def _activated(chain: Chain, signal: Signal, given: Any, place: str) -> Signal:
    constants: Mapping[str, Any] = {}
    if isinstance(given, Mapping):
        config = given.get("config")
        if isinstance(config, str):  # a function by its name
            given = config
        elif isinstance(config, Mapping):
            constants, given = config, given.get("class_name")
            given = {"LeakyReLU": "leaky_relu", "ReLU": "relu", "ELU": "elu"}.get(str(given), given)
            if given == "relu" and any(config.get(k) for k in ("negative_slope", "threshold", "max_value")):
                return _after(chain, signal, "ReLU", config, tuple, place)
    if given is None:
        return signal
    if not isinstance(given, str) or given == "__lambda__":
        raise NotAChain(f"{place}: its activation is code of its own, which is not run; name one of Keras's")
    if given not in KNOWN:
        raise NotAChain(f"{place}: its activation {abridged(given, 40)} cannot be taken; only Keras's own that are "
                        "computed from one number each, and softmax, can")  # fmt: skip
    if given == "leaky_relu":
        constants = {"slope": constants.get("negative_slope", 0.2)}
    if given == "gelu":
        constants = {"approximate": constants.get("approximate", False)}
    if given == "log_softmax":
        return chain.elementwise(signal, z, place)
    return applied(chain, signal, OWN.get(given, given), place, **constants)


def _normalization(
    chain: Chain, signal: Signal, own: Mapping[str, Any], read: Callable[[], Sequence[Array]], place: str
) -> Signal:
    if own.get("axis", [-1]) not in ([-1], -1, [1], 1, None, []):
        raise NotAChain(f"{place}: over axis {own.get('axis')}; only one number per input can be taken")
    mean, variance = own.get("mean"), own.get("variance")
    if mean is None or variance is None:
        mean, variance = list(read())[:2]
    mean, variance = (np.asarray(each, float).ravel() for each in (mean, variance))
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    if own.get("invert"):
        return chain.affine(signal, deviation, mean, "Normalization", place)
    return chain.affine(signal, 1 / deviation, -mean / deviation, "Normalization", place)


def _batch_normalization(
    chain: Chain, signal: Signal, own: Mapping[str, Any], read: Callable[[], Sequence[Array]], place: str
) -> Signal:
    axis = own.get("axis", -1)
    if axis not in (-1, 1, [-1], [1]):
        raise NotAChain(f"{place}: over axis {axis}; only one number per unit can be taken")
    tensors = [np.asarray(each, float) for each in read()]
    center, scaled = bool(own.get("center", True)), bool(own.get("scale", True))
    if len(tensors) != 2 + center + scaled:
        raise damaged(place, f"expected {2 + center + scaled} tensors, found {len(tensors)}")
    gamma = tensors.pop(0) if scaled else np.ones(1)
    beta = tensors.pop(0) if center else np.zeros(1)
    mean, variance = tensors
    scale = gamma / np.sqrt(variance + float(own.get("epsilon", 1e-3)))
    return chain.affine(signal, scale, beta - mean * scale, f"BatchNormalization {own.get('name', '')}", place)


def _policy(own: Mapping[str, Any]) -> str:
    """Return the name of the type that a layer computes in."""
    given = own.get("dtype")
    config = given.get("config") if isinstance(given, Mapping) else None
    return abridged(str(config.get("name") if isinstance(config, Mapping) else given), 40)


def _regularizer(own: Mapping[str, Any], place: str) -> tuple[float, float]:
    """Return λ of λ Σw², and that of λ Σ|w|, on a kernel; others cannot be taken."""
    for key in ("bias_regularizer", "activity_regularizer"):
        if own.get(key):
            raise NotAChain(f"{place}: its {key} cannot be taken; l1 and l2 on kernels can")
    given = own.get("kernel_regularizer")
    if given is None:
        return 0.0, 0.0
    config = given.get("config") if isinstance(given, Mapping) else None
    known = isinstance(config, Mapping) and set(config) <= {"l1", "l2", "name"}
    if not known or not isinstance(config, Mapping):
        raise NotAChain(f"{place}: its kernel_regularizer cannot be taken; l1 and l2 on kernels can")
    return float(config.get("l2") or 0.0), float(config.get("l1") or 0.0)
