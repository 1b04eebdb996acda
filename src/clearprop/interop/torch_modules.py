"""PyTorch's modules in a row, from a file or alive: linear layers, activations, batch norms, dropout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from clearprop.interop.chain import Chain, NotAChain, Signal, Stage
from clearprop.interop.operators import applied, clip, rule
from clearprop.interop.problem import Found
from clearprop.interop.state_dict import normalization
from clearprop.messages import abridged
from clearprop.types import Array

ROW = ("Sequential",)
CONSTANTS = {
    "LeakyReLU": ("negative_slope",),
    "ELU": ("alpha",),
    "CELU": ("alpha",),
    "GELU": ("approximate",),
    "Softplus": ("beta", "threshold"),
    "Softshrink": ("lambd",),
    "Hardshrink": ("lambd",),
    "Threshold": ("threshold", "value"),
}
PLAIN = (
    "Identity", "ReLU", "ReLU6", "SELU", "Sigmoid", "SiLU", "Mish", "Tanh", "Softsign", "Hardsigmoid", "Hardswish",
    "LogSigmoid", "Tanhshrink", "Softmax",
)  # fmt: skip
DROPOUTS = ("AlphaDropout", "FeatureAlphaDropout", "Dropout1d", "Dropout2d", "Dropout3d")
OTHER = {
    "Conv": "a convolution", "LSTM": "a recurrent layer", "GRU": "a recurrent layer", "RNN": "a recurrent layer",
    "LayerNorm": "a layer norm", "GroupNorm": "a group norm", "MultiheadAttention": "attention",
    "Transformer": "a transformer", "Embedding": "an embedding", "Bilinear": "a bilinear layer",
}  # fmt: skip


class Module(Protocol):
    """A module, from a file or alive."""

    kind: str

    @property
    def children(self) -> Sequence[tuple[str, Any]]: ...

    def get(self, name: str, usual: Any = None) -> Any: ...

    def tensor(self, name: str) -> Array | None: ...


def rows(module: Module, name: str = "") -> Iterator[tuple[str, Module]]:
    """Yield the modules of a Sequential in their order, those of one within it in place."""
    if module.kind not in ROW:
        yield name, module
        return
    for own, child in module.children:
        yield from rows(child, f"{name}.{own}" if name else own)


def from_module(module: Module, shown: str, size: int | None = None) -> Found:
    """Return the layers of modules in a row.

    Raises:
        NotAChain: one that is neither linear nor an activation; names the first.
    """
    chain = Chain(single=False)
    signal = Signal(Stage())
    singles = []
    for name, each in rows(module):
        place = f"{shown}: module {abridged(name, 40) or 'itself'} ({abridged(each.kind, 40)})"
        weights = each.tensor("weight")
        if weights is not None:
            singles.append(weights.dtype != np.float64)
        signal = _after(chain, signal, each, name, place)
    chain.single = any(singles)
    return Found(chain.layers(signal), chain, "PyTorch")


def _after(chain: Chain, signal: Signal, module: Module, name: str, place: str) -> Signal:
    kind = module.kind
    match kind:
        case "Linear":
            weights = module.tensor("weight")
            if weights is None:
                raise NotAChain(f"{place}: its weight is missing")
            return chain.linear(signal, weights, module.tensor("bias"), place)
        case "BatchNorm1d":
            return _normalized(chain, signal, module, name, place)
        case "Dropout":
            rate = module.get("p", 0.5)
            if module.get("training", True) and rate:
                chain.dropout(signal, float(rate))
                chain.note(f"kept: dropout {name} ({rate:g}), since the model is in train mode")
            elif rate:
                chain.note(f"left out: dropout {name} ({rate:g}), since the model is in eval mode")
            return signal
        case _ if kind in DROPOUTS:
            if module.get("training", True) and module.get("p", 0.5):
                raise NotAChain(f"{place}: in train mode cannot be taken; call model.eval() first")
            return signal
        case "Flatten":
            if module.get("start_dim", 1) not in (1, -1) or module.get("end_dim", -1) not in (1, -1):
                raise NotAChain(f"{place}: joins other axes than all but the first; only flat inputs can be taken")
            return signal
        case "Hardtanh" | "ReLU6":
            return chain.elementwise(signal, clip(module.get("min_val", -1.0), module.get("max_val", 1.0)), place)
        case "PReLU":
            return _prelu(chain, signal, module, place)
        case "RReLU" if not module.get("training", True):
            slope = (module.get("lower", 1 / 8) + module.get("upper", 1 / 3)) / 2
            return chain.elementwise(signal, rule("leaky_relu", slope=float(slope)), place)
        case "Softmax" | "Softmin" if module.get("dim") not in (None, 1, -1):
            raise NotAChain(f"{place}: over axis {module.get('dim')}; only over a layer's units it can be taken")
    if kind == "Softmin":
        signal = chain.affine(signal, -np.ones(1), np.zeros(1), "the sign of Softmin", place)
        return chain.softmax(signal, place)
    if kind in PLAIN or kind in CONSTANTS:
        given = {key: module.get(key) for key in CONSTANTS.get(kind, ())}
        return applied(chain, signal, kind, place, **given)
    if kind == "LogSoftmax":
        raise NotAChain(
            f"{place}: clearprop's outputs are probabilities, not their logarithms; with its NLLLoss, "
            "cp.from_torch(model, loss=torch.nn.NLLLoss()) takes both as softmax and categorical_cross_entropy"
        )
    what = next((f", {what}," for start, what in OTHER.items() if kind.startswith(start)), "")
    raise NotAChain(f"{place}{what} cannot be taken; only linear layers and activations in a row can")


def _normalized(chain: Chain, signal: Signal, module: Module, name: str, place: str) -> Signal:
    if module.tensor("running_mean") is None or module.get("training", True):
        raise NotAChain(
            f"{place}: in training it uses the mean of each batch, which is no weighted sum; call model.eval() first"
        )
    group = {each: module.tensor(each) for each in ("running_mean", "running_var", "weight", "bias")}
    scale, shift = normalization(group, float(module.get("eps", 1e-5)))  # type: ignore[arg-type]
    return chain.affine(signal, scale, shift, f"batch norm {name}", place)


def _prelu(chain: Chain, signal: Signal, module: Module, place: str) -> Signal:
    slopes = module.tensor("weight")
    if slopes is None or (slopes.size > 1 and np.ptp(slopes)):
        raise NotAChain(f"{place}: a slope per unit cannot be taken; one for the whole layer can, PReLU()")
    chain.note(f"folded: the slope of {place.rpartition(': ')[2]} is a constant, not trained any more")
    return chain.elementwise(signal, rule("leaky_relu", slope=float(slopes.flat[0])), place)
