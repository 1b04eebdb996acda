"""A ``state_dict``: tensors by the names of their layers, in the order of a chain; activations are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from clearprop.errors import UnreadableFile
from clearprop.interop.chain import Chain, Layer, NotAChain, Signal, Stage
from clearprop.interop.problem import Found, NoActivations, activations_for
from clearprop.messages import abridged, brief
from clearprop.types import Array

USUAL = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights", "params")
"""How checkpoints call the weights of the model."""
INSTEAD = "read the model itself: in Python cp.from_torch(model), or export it as .pt2 or ONNX"
EPS = 1e-5
CONVOLUTION = "a convolution"
KINDS: tuple[tuple[str, str], ...] = (
    (r"weight_(ih|hh)(_|$)", "a recurrent layer"),
    (r"in_proj_weight|q_proj|k_proj|v_proj", "attention"),
    (r"original[01]|weight_g|weight_v|weight_orig", "a parametrized weight (weight or spectral norm)"),
)


def tensors_in(content: Any, is_tensor: Callable[[Any], bool], shown: str) -> dict[str, Any]:
    """Return the tensors of a model by name: the file's own, or those of the one ``state_dict`` in a checkpoint."""
    if not isinstance(content, Mapping):
        raise UnreadableFile(f"{shown}: holds no state_dict, the weights of a model by name; {INSTEAD}")
    own = {name: each for name, each in content.items() if is_tensor(each)}
    if own and all(isinstance(name, str) for name in own):
        return own
    found: dict[str, dict[str, Any]] = {}
    for key, each in content.items():
        inner = getattr(each, "items", None) if not isinstance(each, Mapping) else each
        if not isinstance(inner, Mapping):
            continue
        tensors = {name: value for name, value in inner.items() if isinstance(name, str) and is_tensor(value)}
        if tensors:
            found[str(key)] = tensors
    usual = [name for name in USUAL if name in found] or list(found)
    if len(usual) == 1 or (usual and usual[0] in USUAL[:2]):
        return found[usual[0]]
    if usual:
        names = ", ".join(abridged(name, 30) for name in usual[:6])
        raise UnreadableFile(
            f"{shown}: holds the weights of several models ({names}); save the one as a file of its own"
        )
    raise UnreadableFile(f"{shown}: holds no tensors by name; {INSTEAD}")


def from_tensors(
    tensors: Mapping[str, Array], chain: Chain, shown: str, activations: Sequence[str] | None, *, ordered: bool
) -> Found:
    """Return the layers of a ``state_dict``; ``ordered`` says that the tensors stand in the order of the model.

    Raises:
        NoActivations: none are told; says which layers there are.
        NotAChain: a layer that is not linear, or layers that do not fit each other.
    """
    chain.single = not any(each.dtype == np.float64 for each in tensors.values())
    groups: dict[str, dict[str, Array]] = {}
    for name, values in tensors.items():
        prefix, _, leaf = name.rpartition(".")
        groups.setdefault(prefix, {})[leaf] = values
    for prefix, group in groups.items():
        _refuse_other(prefix, group, shown)
    linear = [name for name, group in groups.items() if group.get("weight") is not None and group["weight"].ndim == 2]
    if not linear:
        raise NotAChain(f"{shown}: its state_dict has no linear layer; {INSTEAD}")
    linear = _in_order(linear, groups, shown, ordered, chain)
    shapes = [groups[name]["weight"].shape for name in linear]
    if activations is None:
        raise NoActivations(shown, linear, shapes)
    rules = activations_for(activations, len(linear))
    norms = _norms(groups, linear, shown)
    layers = []
    signal = Signal(Stage())
    for name, rule in zip(linear, rules, strict=True):
        group = groups[name]
        signal = chain.linear(signal, group["weight"], group.get("bias"), f"{shown}: {name or 'weight'}")
        if name in norms:
            scale, shift = normalization(groups[norms[name]], EPS)
            chain.note(f"assumed: eps {brief(EPS)} in the batch norm {norms[name]}")
            signal = chain.affine(signal, scale, shift, f"batch norm {norms[name]}", f"{shown}: {norms[name]}")
        weights = signal.stage.weights
        assert weights is not None
        layers.append(Layer(weights, signal.stage.bias, rule))
    return Found(layers, chain, "PyTorch", stated=False)


def normalization(group: Mapping[str, Array], eps: float) -> tuple[Array, Array]:
    """Return the factor and shift of a batch norm: weight · (z - running_mean) / √(running_var + eps) + bias."""
    mean, variance = (np.asarray(group[name], float) for name in ("running_mean", "running_var"))
    scale = 1 / np.sqrt(variance + eps)
    if group.get("weight") is not None:
        scale = scale * group["weight"]
    bias = group.get("bias")
    return scale, -mean * scale + (0.0 if bias is None else bias)


def _refuse_other(prefix: str, group: Mapping[str, Array], shown: str) -> None:
    """Refuse what is neither a linear layer nor a batch norm."""
    for leaf, values in group.items():
        name = abridged(f"{prefix}.{leaf}" if prefix else leaf)
        what = next((what for pattern, what in KINDS if re.search(pattern, leaf)), None)
        if leaf == "weight" and values.ndim > 2:
            what = CONVOLUTION
        if leaf == "weight" and values.ndim == 1 and "running_mean" not in group:
            what = "a layer norm" if "bias" in group else "a layer that is not linear, such as PReLU"
        known = leaf in ("weight", "bias") or "running_mean" in group
        if what is None and not known:
            what = "a parameter of an own layer"
        if what is not None:
            raise NotAChain(f"{shown}: {name} is of {what}; only linear layers in a row can be taken")
        if leaf == "bias" and "weight" not in group:
            raise NotAChain(f"{shown}: {name} is without a weight; only linear layers in a row can be taken")


def _natural(name: str) -> list[Any]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]


def _in_order(
    names: Sequence[str], groups: Mapping[str, Mapping[str, Array]], shown: str, ordered: bool, chain: Chain
) -> list[str]:
    """Return the layers in the order of the chain: the file's, where it has one, else that of their numbers."""
    shapes = {name: groups[name]["weight"].shape for name in names}

    def fits(order: Sequence[str]) -> bool:
        return all(shapes[one][0] == shapes[two][1] for one, two in pairwise(order))

    given = list(names) if ordered else sorted(names, key=_natural)
    orders = _orders(names, shapes)
    numbered = all(re.search(r"\d", name) for name in names)
    if fits(given) and (ordered or numbered or len(orders) == 1):
        if len(orders) > 1:
            chain.note(f"assumed: layers in the order {', '.join(given[:6])}{', …' if len(given) > 6 else ''}")
        return given
    if len(orders) == 1:
        return orders[0]
    first = next((n for n in range(1, len(given)) if shapes[given[n]][1] != shapes[given[n - 1]][0]), None)
    if first is not None and not orders:
        one, two = given[first - 1], given[first]
        raise NotAChain(
            f"{shown}: {two}.weight takes {shapes[two][1]} numbers, but {one}.weight before it gives {shapes[one][0]}; "
            "only linear layers in a row can be taken"
        )
    raise NotAChain(f"{shown}: the order of its layers is not certain ({', '.join(given[:6])}); {INSTEAD}")


def _orders(names: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> list[list[str]]:
    """Return up to two orders in which each layer takes what the one before gives."""
    found: list[list[str]] = []
    steps = 0

    def extend(order: list[str], left: tuple[str, ...]) -> None:
        nonlocal steps
        steps += 1
        if steps > 2_000 or len(found) > 1:
            return
        if not left:
            found.append(order)
            return
        for name in left:
            if not order or shapes[order[-1]][0] == shapes[name][1]:
                extend([*order, name], tuple(each for each in left if each != name))

    if len(names) <= 100:
        extend([], tuple(names))
    return found if steps <= 2_000 else [list(names), list(names)]


def _norms(groups: Mapping[str, Mapping[str, Array]], linear: Sequence[str], shown: str) -> dict[str, str]:
    """Return the batch norm directly after each linear layer, by the numbers of a Sequential; refuse others, whose
    place beside the activation nobody knows."""
    found = {}
    for name, group in groups.items():
        if "running_mean" not in group:
            continue
        parent, _, number = name.rpartition(".")
        before = f"{parent}." if parent else ""
        previous = f"{before}{int(number) - 1}" if number.isdecimal() else ""
        if previous not in linear:
            raise NotAChain(
                f"{shown}: {name} is a batch norm, and a state_dict does not say whether it stands before or after the "
                f"activation; {INSTEAD}"
            )
        found[previous] = name
    return found
