"""PyTorch's losses and optimizers, with their reductions and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from clearprop.errors import InvalidArgument
from clearprop.messages import abridged, brief, listing
from clearprop.network.description import Objective, Reduction
from clearprop.rules.losses import loss
from clearprop.rules.optimizers import Optimizer, optimizer
from clearprop.rules.penalties import Penalty

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


COMMON = ("lr", "amsgrad", "maximize", "decoupled_weight_decay")
INSTEAD = "put them into one group, or leave the optimizer out and give one of clearprop's, such as cp.SGD(0.1)"


class Trained(NamedTuple):
    """An optimizer, with the penalty that its decay of the weights alone is, and what is to be said of both."""

    optimizer: Optimizer
    penalty: Penalty = Penalty()
    remarks: tuple[str, ...] = ()


def torch_optimizer(given: Any, parameters: Mapping[str, Any] | None = None) -> Trained:
    """Return the optimizer that an object of ``torch.optim`` is; ``parameters`` are those of a module's linear layers
    by name, else all that the optimizer has count.

    Raises:
        InvalidArgument: one that there is none for here, or with settings that differ from weight to weight.
    """
    kind = type(given).__name__
    if kind not in SETTINGS:
        raise InvalidArgument(
            f"optimizer: {abridged(kind, 40)} cannot be taken; known are {', '.join(SETTINGS)}, or give the name of one"
        )
    name, keys = SETTINGS[kind]
    groups = _groups(given, parameters, (*COMMON, *keys), kind)
    decay = _of_weights_alone(groups) if kind != "AdamW" else None
    if decay is not None:
        groups = [(each, {**group, "weight_decay": 0.0}) for each, group in groups]
    group = groups[0][1]
    if differ := [key for key in group if any(other.get(key) != group[key] for _, other in groups)]:
        raise InvalidArgument(_that_differ(kind, groups, differ[0]))
    for key in ("amsgrad", "maximize"):
        if group.get(key):
            raise InvalidArgument(f"optimizer: {kind} with {key} cannot be taken")
    if kind == "Adam" and group.get("decoupled_weight_decay"):
        name = "adamw"
    options = {key: _number(group[key]) for key in keys if key in group}
    options = {key: value for key, value in options.items() if value or key not in ("decoupled_weight_decay",)}
    remarks = []
    if decay is not None:
        remarks.append(
            f"taken: weight_decay {brief(decay)} of the weights without the biases as the penalty l2 {brief(decay)}, "
            "which also counts in the error and the gradients"
        )
    if given.state:
        remarks.append(f"left out: what {kind} remembers of earlier steps; here it begins anew")
    made = optimizer(name, learning_rate=_number(group["lr"]), **options)
    return Trained(made, Penalty(l2=decay or 0.0), tuple(remarks))


Groups = list[tuple[dict[str, Any], dict[str, Any]]]
"""Parameters by name, and their settings."""


def _groups(given: Any, parameters: Mapping[str, Any] | None, keys: Sequence[str], kind: str) -> Groups:
    called = None if parameters is None else {id(each): name for name, each in parameters.items()}
    groups: Groups = []
    seen = set()
    for number, group in enumerate(given.param_groups):
        own = {
            f"group {number}" if called is None else called[id(each)]: each
            for each in group["params"]
            if called is None or id(each) in called
        }
        seen |= set(own)
        if own:
            groups.append((own, {key: group[key] for key in keys if key in group}))
    frozen = [name for name, each in (parameters or {}).items() if name not in seen or not each.requires_grad]
    frozen = [name for name in frozen if called is None or called[id(parameters[name])] == name]  # type: ignore[index]
    if frozen or not groups:
        raise InvalidArgument(
            f"optimizer: {kind} does not train {_listed(frozen) if frozen else 'any layer'}, and here all layers are "
            "trained; give it all parameters, or leave the optimizer out"
        )
    return groups


def _of_weights_alone(groups: Groups) -> float | None:
    """Return the decay of all weights where no bias has one, which is the penalty l2; None where that is not so."""
    decays: tuple[set[float], set[float]] = set(), set()
    for parameters, group in groups:
        if group.get("decoupled_weight_decay"):
            return None
        for each in parameters.values():
            decays[each.ndim == 1].add(float(group.get("weight_decay", 0.0)))
    weights, biases = decays
    return weights.pop() if len(weights) == 1 and biases == {0.0} and weights != {0.0} else None


def _that_differ(kind: str, groups: Groups, key: str) -> str:
    by: dict[Any, list[str]] = {}
    for parameters, group in groups:
        by.setdefault(group.get(key), []).extend(parameters)
    each = " and ".join(f"{abridged(str(value), 20)} for {_listed(names)}" for value, names in [*by.items()][:3])
    return (
        f"optimizer: {kind} has {key} {each}; the settings must be the same for all parameters, only a weight_decay "
        f"within the gradient may be of all weights without the biases; {INSTEAD}"
    )


def _listed(names: Sequence[str]) -> str:
    return listing([abridged(each, 30) for each in names], 6)


def _number(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(float(each) for each in value)
    return value if isinstance(value, bool) else float(value)
