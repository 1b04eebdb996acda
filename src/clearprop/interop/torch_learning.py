"""PyTorch's losses and optimizers, with their reductions and settings."""

from __future__ import annotations

from typing import Any, NamedTuple

from clearprop.errors import InvalidArgument
from clearprop.messages import abridged
from clearprop.network.description import Objective, Reduction
from clearprop.rules.losses import loss
from clearprop.rules.optimizers import Optimizer, optimizer

INSIDE = {"BCEWithLogitsLoss": "logistic", "CrossEntropyLoss": "softmax", "NLLLoss": "log_softmax"}
"""The activation that a loss contains, or that stands before it."""


class Meant(NamedTuple):
    """A loss here, and the activation that the framework's contains."""

    objective: Objective
    logits: str = ""


def torch_loss(given: Any) -> Meant:
    """Return the loss that an object of ``torch.nn`` is.

    Raises:
        InvalidArgument: one with a setting that changes it in a way that no loss here has.
    """
    kind = type(given).__name__
    for name in ("weight", "pos_weight"):
        if getattr(given, name, None) is not None:
            raise InvalidArgument(f"loss: {kind} with {name} cannot be taken; give examples weights instead")
    if getattr(given, "label_smoothing", 0.0):
        raise InvalidArgument(f"loss: {kind} with label_smoothing cannot be taken; smooth the targets instead")
    reduction = getattr(given, "reduction", "mean")
    if reduction not in ("mean", "sum"):
        raise InvalidArgument(f"loss: {kind} without a reduction gives no one number; expected mean or sum")
    over: Reduction = "mean" if reduction == "mean" else "sum"
    match kind:
        case "MSELoss":
            return Meant(Objective(loss("squared_error"), over, over))
        case "L1Loss":
            return Meant(Objective(loss("absolute_error"), over, over))
        case "HuberLoss":
            return Meant(Objective(loss("huber", delta=float(given.delta)), over, over))
        case "SmoothL1Loss":
            return Meant(Objective(_smooth(float(given.beta)), over, over))
        case "BCELoss" | "BCEWithLogitsLoss":
            return Meant(Objective(loss("binary_cross_entropy"), over, over), INSIDE.get(kind, ""))
        case "CrossEntropyLoss" | "NLLLoss":
            return Meant(Objective(loss("categorical_cross_entropy"), "sum", over), INSIDE[kind])
        case "PoissonNLLLoss" if not given.full:
            formula = "exp(y) - t * y" if given.log_input else f"y - t * log(y + {given.eps!r})"
            return Meant(Objective(loss(formula), over, over))
        case "SoftMarginLoss":
            return Meant(Objective(loss("log(1 + exp(-t * y))"), over, over))
    raise InvalidArgument(
        f"loss: {abridged(kind, 40)} cannot be taken; give its name, or an expression in y and t, as loss"
    )


def _smooth(beta: float) -> Any:
    if beta == 1:
        return loss("huber")
    return loss(f"where(abs(t - y) < {beta!r}, (t - y)**2 / {2 * beta!r}, abs(t - y) - {beta / 2!r})")


SETTINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "SGD": ("sgd", ("momentum", "dampening", "nesterov", "weight_decay")),
    "Adam": ("adam", ("betas", "eps", "weight_decay")),
    "AdamW": ("adamw", ("betas", "eps", "weight_decay")),
    "RMSprop": ("rmsprop", ("alpha", "eps", "momentum", "centered", "weight_decay")),
    "Adagrad": ("adagrad", ("lr_decay", "eps", "initial_accumulator_value", "weight_decay")),
    "Adadelta": ("adadelta", ("rho", "eps", "weight_decay")),
    "Adamax": ("adamax", ("betas", "eps", "weight_decay")),
    "NAdam": ("nadam", ("betas", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay")),
}


def torch_optimizer(given: Any) -> Optimizer:
    """Return the optimizer that an object of ``torch.optim`` is.

    Raises:
        InvalidArgument: one that there is none for here, or with settings that differ from weight to weight.
    """
    kind = type(given).__name__
    if kind not in SETTINGS:
        raise InvalidArgument(
            f"optimizer: {abridged(kind, 40)} cannot be taken; known are {', '.join(SETTINGS)}, or give the name of one"
        )
    name, keys = SETTINGS[kind]
    groups = [{key: value for key, value in each.items() if key != "params"} for each in given.param_groups]
    if any(group != groups[0] for group in groups):
        raise InvalidArgument(f"optimizer: {kind} with settings that differ from weight to weight cannot be taken")
    group = groups[0]
    for key in ("amsgrad", "maximize"):
        if group.get(key):
            raise InvalidArgument(f"optimizer: {kind} with {key} cannot be taken")
    if kind == "Adam" and group.get("decoupled_weight_decay"):
        name = "adamw"
    options = {key: _number(group[key]) for key in keys if key in group}
    options = {key: value for key, value in options.items() if value or key not in ("decoupled_weight_decay",)}
    return optimizer(name, learning_rate=_number(group["lr"]), **options)


def _number(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(float(each) for each in value)
    return value if isinstance(value, bool) else float(value)
