"""Models of other frameworks that are alive in the same Python: what they are now becomes a problem."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.fields import suggests_options
from clearprop.interop.chain import NotAChain
from clearprop.interop.problem import Found, Told, made
from clearprop.interop.torch_learning import Meant, torch_loss, torch_optimizer
from clearprop.messages import abridged, listing
from clearprop.network.description import Objective
from clearprop.network.problem import Problem
from clearprop.rules.losses import Loss
from clearprop.rules.optimizers import Optimizer
from clearprop.types import Array


def loss_of(given: Any) -> str | Objective:
    """Return a loss as a name or with its reductions, whatever framework it is of."""
    if isinstance(given, (str, Objective)):
        return given
    if isinstance(given, Loss):
        return Objective(given)
    return _loss(given).objective


def _loss(given: Any) -> Meant:
    if _of(given, "torch"):
        return torch_loss(given)
    if _of(given, "keras"):
        raise InvalidArgument("loss: a loss of Keras comes with its compiled model: cp.from_keras(model)")
    raise InvalidArgument(f"loss: expected a name, an expression or a loss, found {type(given).__name__}")


def optimizer_of(given: Any) -> str | Optimizer:
    """Return an optimizer as a name or with its settings, whatever framework it is of."""
    if isinstance(given, (str, Optimizer)):
        return given
    if _of(given, "torch"):
        found = torch_optimizer(given)
        if found.penalty:
            raise InvalidArgument("optimizer: one that decays weights and biases differently comes with its module: "
                                  "cp.from_torch(module, loss, optimizer)")  # fmt: skip
        return found.optimizer
    raise InvalidArgument(f"optimizer: expected a name or an optimizer, found {type(given).__name__}")


def _of(given: Any, framework: str) -> bool:
    return any(each.__module__.split(".")[0] == framework for each in type(given).__mro__)


@suggests_options()
def from_torch(module: Any, loss: Any = None, optimizer: Any = None) -> Problem:
    """Return a PyTorch module as a problem: an ``nn.Sequential`` module by module, any other by its exported
    program. In train mode its dropout is kept, in eval mode left out.

    ``loss`` and ``optimizer`` are PyTorch's own objects, or names. A loss of logits (CrossEntropyLoss,
    BCEWithLogitsLoss) puts its softmax or logistic into the last layer.

    Raises:
        NotAChain: a module that is neither linear nor an activation; names the first.
        InvalidArgument: not a module, or a loss or optimizer without a counterpart here.
    """
    if not _of(module, "torch") or not hasattr(module, "named_parameters"):
        raise InvalidArgument(f"from_torch: expected a torch.nn.Module, found {type(module).__name__}")
    name = type(module).__name__
    meant = _loss(loss) if loss is not None and not isinstance(loss, (str, Objective, Loss)) else None
    trained = torch_optimizer(optimizer, _of_linear(module)) if _of(optimizer, "torch") else None
    told = Told(None, None if loss is None or meant else loss_of(loss),
                None if optimizer is None or trained else optimizer_of(optimizer))  # fmt: skip
    found = _of_module(module, name, meant)
    if trained is not None:
        found.optimizer, found.penalty = trained.optimizer, trained.penalty
    for remark in (*_of_its_parameters(module), *(trained.remarks if trained is not None else ())):
        found.chain.note(remark)
    last = found.layers[-1].rule.name
    if meant is not None:
        found.loss = meant.objective
        found.logits = meant.logits if meant.logits != "log_softmax" else ""
        if found.logits and last != "identity":
            raise InvalidArgument(
                f"loss: {type(loss).__name__} contains {found.logits}, but the module ends in {last} already; "
                "take the one or the other away"
            )
    return made(found, name, told)


def _of_linear(module: Any) -> dict[str, Any]:
    """Return the parameters of what has a matrix, by name."""
    linear = [
        each
        for each in module.named_modules()
        if any(p.ndim == 2 for p in each[1]._parameters.values() if p is not None)
    ]
    return {
        f"{name}.{own}" if name else own: parameter
        for name, each in linear
        for own, parameter in each._parameters.items()
        if parameter is not None
    }


def _of_its_parameters(module: Any) -> Iterator[str]:
    """Yield what is true of a module's parameters, but of no network's here."""
    called: dict[int, str] = {}
    for name, each in module.named_parameters(remove_duplicate=False):
        if id(each) in called:
            both = f"{abridged(called[id(each)], 30)} and {abridged(name, 30)}"
            yield f"left out: {both} are the same parameter; here each is trained for itself"
        called.setdefault(id(each), name)
    if frozen := [name for name, each in _of_linear(module).items() if not each.requires_grad]:
        names = listing([abridged(each, 30) for each in frozen], 6)
        yield f"left out: {names} are not trained (requires_grad is False); here all are"


def _of_module(module: Any, name: str, meant: Meant | None) -> Found:
    from clearprop.interop.aten import NO_LOGARITHMS
    from clearprop.interop.torch_modules import from_module, rows

    if any(type(each).__name__.startswith("Uninitialized") for each in module.parameters()):
        raise InvalidArgument(f"{name}: has a layer whose size is not known yet; run the module once, module(inputs)")
    live = _Live(module)
    logarithms = meant is not None and meant.logits == "log_softmax"
    if not all(map(_plain, module.modules())):
        return _exported(module, name, logarithms)
    if not logarithms:
        return from_module(live, name)
    if [*rows(live)][-1][1].kind != "LogSoftmax":
        raise InvalidArgument(NO_LOGARITHMS)
    return from_module(_AsSoftmax(module), name)


def _plain(module: Any) -> bool:
    """Return whether a module is PyTorch's, without code of one's own or of a parametrization around it."""
    own = (each for name in ("_forward_hooks", "_forward_pre_hooks") for each in getattr(module, name, ()))
    return type(module).__module__.startswith("torch.nn.modules.") and not any(True for _ in own)


class _Live:
    """A live module, as ``from_module`` looks at one."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.kind = type(module).__name__

    @property
    def children(self) -> list[tuple[str, Any]]:
        return [(name, type(self)(each)) for name, each in self.module._modules.items()]  # the same one also twice

    def get(self, name: str, usual: Any = None) -> Any:
        """Return a setting."""
        return getattr(self.module, name, usual)

    def tensor(self, name: str) -> Array | None:
        """Return a parameter or buffer."""
        found = getattr(self.module, name, None)
        if found is None:
            return None
        if str(found.dtype) in ("torch.bfloat16", "torch.float16"):
            found = found.float()
        return np.array(found.detach().cpu().numpy())


class _AsSoftmax(_Live):
    """The same with softmax in place of its logarithm, which the loss takes."""

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        self.kind = {"LogSoftmax": "Softmax"}.get(self.kind, self.kind)


def _exported(module: Any, name: str, logarithms: bool) -> Found:
    """Return the layers of a module with code of its own: the program that PyTorch makes of it."""
    import torch

    from clearprop.interop.archive import Archive
    from clearprop.interop.exported_program import program

    if isinstance(module, torch.jit.ScriptModule):
        raise NotAChain(f"{name}: a TorchScript program, whose code is not read; give the module that it was made of")
    linear = next((each for each in module.modules() if isinstance(each, torch.nn.Linear)), None)
    weights = linear.weight if linear is not None else next((p for p in module.parameters() if p.ndim == 2), None)
    weights = weights if isinstance(weights, torch.Tensor) else None
    if weights is None:
        own = next((each for each in module.named_modules() if not [*each[1].children()]), (name, module))
        raise NotAChain(
            f"{name}: module {abridged(own[0], 40)} ({abridged(type(own[1]).__name__, 40)}) has no plain matrix of "
            "weights, and no other module has; of a quantized model, give the one before quantization"
        )
    example = torch.zeros(2, weights.shape[1], dtype=weights.dtype, device=weights.device)
    file = io.BytesIO()
    try:
        torch.export.save(torch.export.export(module, (example,)), file)
    except Exception as error:  # whatever the module's own code raises
        raise NotAChain(
            f"{name}: PyTorch cannot export it: {abridged(str(error).strip().splitlines()[0], 120)}"
        ) from None
    file.seek(0)
    with Archive(file, name) as archive:
        return program(archive, logarithms)


@suggests_options()
def from_keras(model: Any) -> Problem:
    """Return a Keras model as a problem, with the loss and the optimizer that it was compiled with.

    Raises:
        NotAChain: a layer that is not supported; names the first.
        InvalidArgument: not a Keras model.
    """
    from clearprop.interop.keras_layers import Place, from_layers

    if not _of(model, "keras") or not hasattr(model, "layers"):
        raise InvalidArgument(f"from_keras: expected a Keras model, found {type(model).__name__}")
    import keras

    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model), default=str))
    compiled = config.get("compile_config")

    def layer(place: Place) -> Any:
        return (model if place.within is None else layer(place.within)).get_layer(place.name)

    def weights(place: Place) -> Sequence[Array]:
        return [np.asarray(each) for each in layer(place).get_weights()]

    config = {"class_name": config["class_name"], "config": config["config"]}
    begun = bool(np.asarray(getattr(getattr(model, "optimizer", None), "iterations", 0)))
    return made(from_layers(config, compiled, weights, str(model.name), begun), str(model.name), Told())


@suggests_options()
def from_sklearn(estimator: Any) -> Problem:
    """Return a fitted MLPClassifier or MLPRegressor, or a pipeline of scalers before one, as a problem.

    Raises:
        NotAChain: an estimator that is none of them.
    """
    from clearprop.interop.sklearn_mlp import from_estimator

    name = type(estimator).__name__
    if not _of(estimator, "sklearn"):
        raise InvalidArgument(f"from_sklearn: expected an estimator of scikit-learn, found {name}")
    return made(from_estimator(_Fitted(estimator), name), name, Told())


class _Fitted:
    """A live estimator, as ``from_estimator`` looks at one."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.kind = type(estimator).__name__

    def get(self, name: str, usual: Any = None) -> Any:
        """Return an attribute."""
        found = getattr(self.estimator, name, usual)
        if name == "steps":
            return [(own, each if each is None or isinstance(each, str) else _Fitted(each)) for own, each in found]
        return found


@suggests_options()
def from_onnx(model: Any, loss: Any = None, optimizer: Any = None) -> Problem:
    """Return the problem in an ONNX model, or in the file at a path.

    Raises:
        NotAChain: the first node that is not part of a chain.
        MissingExtra: the package onnx is not installed.
    """
    from clearprop.interop.onnx_file import from_model, read_onnx

    told = Told(None, None if loss is None else loss_of(loss), None if optimizer is None else optimizer_of(optimizer))
    if isinstance(model, (str, os.PathLike)):
        return read_onnx(model, told)
    if not _of(model, "onnx") or not hasattr(model, "graph"):
        raise InvalidArgument(f"from_onnx: expected a model or a path, found {type(model).__name__}")
    return from_model(model, model.graph.name or "the ONNX model", told)
