"""Single changes of a problem's declared conventions: what other frameworks do otherwise, one key at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from clearprop.errors import ClearpropError
from clearprop.messages import brief, brief_exponents
from clearprop.network.description import Network
from clearprop.network.problem import Problem
from clearprop.rules.activations import AnyActivation, activation
from clearprop.rules.losses import loss
from clearprop.rules.optimizers import OPTIMIZERS, Optimizer, optimizer, optimizer_keys
from clearprop.rules.penalties import Penalty

Stage = Literal["outputs", "errors", "gradients", "updated"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""In computing order: what a change can show in first."""
WITHOUT_HALF = {"half_squared_error": "squared_error", "squared_error": "half_squared_error"}
PER = {"all": "by the norm of all gradients", "variable": "by the norm of each layer's weights, and of its biases"}
CLIPS = {"clip_norm": PER["all"], "clip_value": "each number"}
CLIPPED = "-(t * log(max(y, 1e-7)) + (1 - t) * log(max(1 - y, 1e-7)))"
ACTIVATIONS: tuple[tuple[str, dict[str, float], str], ...] = (
    ("gelu", {}, "GELU exact, by erf"),
    ("z / 2 * (1 + tanh(sqrt(2 / 3.141592653589793) * (z + 0.044715 * z**3)))", {}, "GELU by tanh"),
    ("leaky_relu", {"slope": 0.01}, "LeakyReLU's slope in PyTorch"),
    ("leaky_relu", {"slope": 0.2}, "leaky_relu's slope as a name in Keras"),
    ("leaky_relu", {"slope": 0.3}, "LeakyReLU's slope in Keras as a layer"),
    ("max(0, min(1, z / 6 + 1 / 2))", {}, "hard sigmoid as in PyTorch and Keras 3"),
    ("max(0, min(1, 0.2 * z + 0.5))", {}, "hard sigmoid as in ONNX and Keras 2"),
)
KINKS = (
    ("where(z >= 0, z, 0)", "the slope of relu at 0 is 1"),
    ("(z + abs(z)) / 2", "the slope of relu at 0 is a half, as of a maximum"),
)
FLAGS = {
    "rate_in_velocity": "the velocity holds the rate, as in Keras and scikit-learn",
    "eps_in_sqrt": "eps is added below the root, as in Keras",
    "correction_in_rate": "Adam's correction is in the rate, as in Keras and scikit-learn",
    "eps_in_max": "eps is within the maximum of Adamax, as in PyTorch",
    "nesterov": "Nesterov's momentum",
    "decoupled_weight_decay": "weight decay is taken from the weight, not added to the gradient",
    "centered": "RMSprop takes the mean from the mean square",
}
EPS = {1e-8: "PyTorch's and scikit-learn's eps", 1e-7: "Keras's eps", 1e-10: "PyTorch's eps of Adagrad"}
OVER = {"over_outputs": ("sum", "mean"), "over_examples": ("sum", "mean", "weighted_mean")}
FACTORS = {2.0: "the penalty is l2 Σw², without ½, as in Keras", 0.5: "the penalty is a quarter of l2 Σw²"}


@dataclass(frozen=True)
class Change:
    """One assignment to a key of the network file, in words too, and the problem with it."""

    key: str
    value: str
    says: str
    stage: Stage
    apply: Callable[[Problem], Problem]

    @property
    def text(self) -> str:
        """The assignment, as in the network file."""
        return f"{self.key} = {self.value}"


def toml(value: Any) -> str:
    """Return a value as the network file writes it.

    >>> toml(True), toml("mean"), toml({"name": "leaky_relu", "slope": 0.2})
    ('true', '"mean"', '{name = "leaky_relu", slope = 0.2}')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else brief_exponents(repr(value))


def changes(problem: Problem, other: Problem | None = None, start: Problem | None = None) -> list[Change]:
    """Return all single changes of a problem's conventions; those to what ``other`` declares come first. ``start`` is
    the problem before other changes."""
    found: list[Change] = []
    for each in _all(problem, other, start or problem):
        if (each.key, each.value) not in {(known.key, known.value) for known in found}:
            found.append(each)
    return found


def _all(problem: Problem, other: Problem | None, start: Problem) -> Iterator[Change]:
    same_size = other is not None and other.network.sizes == problem.network.sizes
    yield from _activations(problem, other if same_size else None)
    yield from _losses(problem, other)
    yield from _penalties(problem, other)
    yield from _kinks(problem)
    yield from _frozen(problem, other if same_size else None)
    yield from _optimizers(problem, other, start.penalty.l2)


def _with_network(problem: Problem, **changed: Any) -> Problem:
    network = problem.network
    parts = {"inputs": network.inputs, "layers": network.layers, "loss": network.loss, **changed}
    made = Network(parts["inputs"], parts["layers"], parts["loss"])
    return replace(problem, network=made, parameters=replace(problem.parameters, layout=made.layout))


def _layer(index: int, **changed: Any) -> Callable[[Problem], Problem]:
    def apply(problem: Problem) -> Problem:
        layers = list(problem.network.layers)
        layers[index] = replace(layers[index], **changed)
        return _with_network(problem, layers=tuple(layers))

    return apply


def _named(rule: AnyActivation) -> Any:
    return {"name": rule.name, **rule.constants} if rule.constants else rule.name


def _activations(problem: Problem, other: Problem | None) -> Iterator[Change]:
    families = (("gelu", "tanh(sqrt("), ("leaky_relu",), ("max(0, min(1", "hard_sigmoid"))
    for index, layer in enumerate(problem.network.layers):
        key, own = f"layers[{index + 1}].activation", layer.rule
        if other is not None and (rule := other.network.layers[index].rule) != own:
            yield Change(
                key, toml(_named(rule)), f"layer {index + 1} has {rule.name}", "outputs", _layer(index, activation=rule)
            )
        for name, constants, says in ACTIVATIONS:
            rule = activation(name, **constants)
            related = any(
                any(part in name for part in family) and any(part in own.name for part in family) for family in families
            )
            if related and rule != own:
                yield Change(key, toml(_named(rule)), says, "outputs", _layer(index, activation=rule))


def _kinks(problem: Problem) -> Iterator[Change]:
    for index, layer in enumerate(problem.network.layers):
        if layer.rule.name == "relu":
            for formula, says in KINKS:
                rule = activation(formula)
                key = f"layers[{index + 1}].activation"
                yield Change(key, toml(formula), says, "gradients", _layer(index, activation=rule))


def _objective(**changed: Any) -> Callable[[Problem], Problem]:
    return lambda problem: _with_network(problem, loss=replace(problem.network.loss, **changed))


def _losses(problem: Problem, other: Problem | None) -> Iterator[Change]:
    own = problem.network.loss
    theirs = None if other is None else other.network.loss
    names = {WITHOUT_HALF.get(own.rule.name, ""): "the ½ in the squared error"}
    if own.rule.name == "binary_cross_entropy":
        names[CLIPPED] = "probabilities are kept above 1e-7 in the loss, as in Keras"
    if theirs is not None and theirs.rule != own.rule:
        changed = Change("loss.name", toml(theirs.rule.name), f"the loss is {theirs.rule.name}", "errors",
                         _objective(rule=theirs.rule))  # fmt: skip
        if theirs.rule.name not in names:
            yield changed
    for name, says in names.items():
        if name:
            yield Change("loss.name", toml(name), says, "errors", _objective(rule=loss(name)))
    for field, over in (("over_outputs", "the outputs"), ("over_examples", "the examples of a batch")):
        for reduction in OVER[field]:
            if reduction != getattr(own, field):
                says = f"the {reduction} of the errors over {over}"
                yield Change(f"loss.{field}", toml(reduction), says, "errors", _objective(**{field: reduction}))


def _penalties(problem: Problem, other: Problem | None) -> Iterator[Change]:
    own = problem.penalty
    theirs = None if other is None else other.penalty

    def with_penalty(**changed: Any) -> Callable[[Problem], Problem]:
        return lambda problem: replace(problem, penalty=replace(problem.penalty, **changed))

    for field in ("l2", "l1"):
        value = getattr(own, field)
        if theirs is not None and getattr(theirs, field) != value:
            given = getattr(theirs, field)
            yield Change(
                f"penalty.{field}", toml(given), f"{field} is {brief(given)}", "errors", with_penalty(**{field: given})
            )
        for factor, says in FACTORS.items() if value else ():
            yield Change(
                f"penalty.{field}", toml(value * factor), says, "errors", with_penalty(**{field: value * factor})
            )
        if value:
            yield Change(f"penalty.{field}", toml(0.0), "there is no penalty", "errors", with_penalty(**{field: 0.0}))
    if "divide_by_examples" in Penalty.__dataclass_fields__ and own:
        value = not own.divide_by_examples  # type: ignore[attr-defined, unused-ignore]
        says = f"the penalty is {'' if value else 'not '}divided by the number of examples, as scikit-learn's α"
        yield Change("penalty.divide_by_examples", toml(value), says, "errors", with_penalty(divide_by_examples=value))


def _frozen(problem: Problem, other: Problem | None) -> Iterator[Change]:
    for index, layer in enumerate(problem.network.layers):
        if layer.bias != "none":
            value = not layer.train_bias
            says = f"the biases of layer {index + 1} are {'' if value else 'not '}trained"
            yield Change(
                f"layers[{index + 1}].train_bias", toml(value), says, "updated", _layer(index, train_bias=value)
            )


def _rebuilt(own: Optimizer, **changed: Any) -> Optimizer:
    given = {"learning_rate": own.learning_rate, "schedule": own.schedule, **own.hyperparameters}
    given |= own.clips | changed
    return optimizer(own.name, **{key: value for key, value in given.items() if value is not None})


def _optimizers(problem: Problem, other: Problem | None, l2: float) -> Iterator[Change]:
    own = problem.optimizer
    known = optimizer_keys(own.name)

    def changed(key: str, value: Any, says: str) -> Iterator[Change]:
        with suppress(ClearpropError):  # nesterov, say, without a momentum: with one it makes sense
            if _rebuilt(own, **{key: value}) == own:
                return

        def apply(given: Problem) -> Problem:
            return replace(given, optimizer=_rebuilt(given.optimizer, **{key: value}))

        yield Change(f"optimizer.{key}", toml(value), says, "updated", apply)

    for key, says in FLAGS.items():
        if key in known:
            value = not own.hyperparameters.get(key, False)
            yield from changed(key, value, says if value else f"not: {says}")
    for eps, says in EPS.items():
        if "eps" in known and own.hyperparameters.get("eps") != eps:
            yield from changed("eps", eps, says)
    if own.hyperparameters.get("dampening"):
        yield from changed("dampening", 0.0, "the velocity takes the whole gradient")
    elif own.hyperparameters.get("momentum") and "dampening" in known:
        yield from changed("dampening", own.hyperparameters["momentum"], "dampening, which spares the first step")
    if decay := own.hyperparameters.get("weight_decay"):
        yield from changed("weight_decay", 0.0, "no weight decay")
        yield from changed("weight_decay", 2 * decay, "weight decay is twice as strong, that of λ Σw²")
    elif l2 and "weight_decay" in known:
        says = "weight decay of all parameters in place of a penalty, as in PyTorch"
        yield from changed("weight_decay", l2, says)
    clips = [key for key in CLIPS if getattr(own, key) is not None]
    for key in clips:
        yield from _without_clip(own, key)
        for instead in CLIPS:
            if instead not in clips:
                yield from _other_clip(own, key, instead)
    if own.clip_norm is not None:
        per = "all" if own.clip_norm_per == "variable" else "variable"
        yield from changed("clip_norm_per", per, f"gradients are clipped {PER[per]}")
    if other is None:
        return
    theirs = other.optimizer
    if theirs.name != own.name:
        if theirs.name in OPTIMIZERS:
            yield Change("optimizer.name", toml(theirs.name), f"the optimizer is {theirs.name}", "updated",
                         lambda given: replace(given, optimizer=theirs))  # fmt: skip
        return
    for key in known:
        value = theirs.hyperparameters.get(key, getattr(theirs, key, None))
        if key != "schedule" and value is not None and value != own.hyperparameters.get(key, getattr(own, key, None)):
            yield from changed(key, value, f"{key} is {value}")


def _limited(**limits: Any) -> Callable[[Problem], Problem]:
    return lambda problem: replace(problem, optimizer=replace(problem.optimizer, **limits))


def _without_clip(own: Optimizer, key: str) -> Iterator[Change]:
    """Yield a limit so large that it does nothing: a key cannot be unset by an assignment."""
    yield Change(f"optimizer.{key}", toml(1e30), f"without {key}", "updated", _limited(**{key: 1e30}))


def _other_clip(own: Optimizer, key: str, instead: str) -> Iterator[Change]:
    value = getattr(own, key)
    says = f"gradients are clipped {CLIPS[instead]}"
    text = f"{toml(value)}; optimizer.{key} = {toml(1e30)}"
    yield Change(
        f"optimizer.{instead}", text, says, "updated", _limited(clip_norm_per="all", **{key: None, instead: value})
    )
