"""Single changes of a problem's declared conventions: what other frameworks do otherwise, one key at a time, and ways
that no key declares."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from clearprop.errors import ClearpropError
from clearprop.expressions import Symbol, substitute
from clearprop.interop.ways import WAYS, Stage
from clearprop.messages import brief, brief_exponents
from clearprop.network.description import Network
from clearprop.network.problem import Problem
from clearprop.rules.activations import ACTIVATIONS, AnyActivation, activation
from clearprop.rules.losses import LOSSES, loss
from clearprop.rules.optimizers import OPTIMIZERS, Optimizer, optimizer, optimizer_keys
from clearprop.rules.penalties import Penalty
from clearprop.rules.roles import rate as rate_of_step
from clearprop.rules.schedules import Schedule

WITHOUT_HALF = {"half_squared_error": "squared_error", "squared_error": "half_squared_error"}
PER = {"all": "by the norm of all gradients", "variable": "by the norm of each layer's weights, and of its biases"}
CLIPS = {"clip_norm": PER["all"], "clip_value": "each number"}
CLIPPED = "-(t * log(max(y, 1e-7)) + (1 - t) * log(max(1 - y, 1e-7)))"
FORMS: tuple[tuple[str, dict[str, float], str], ...] = (
    ("gelu", {}, "GELU exact, by erf"),
    ("gelu_tanh", {}, "GELU by tanh"),
    ("leaky_relu", {"slope": 0.01}, "LeakyReLU's slope in PyTorch"),
    ("leaky_relu", {"slope": 0.2}, "leaky_relu's slope as a name in Keras"),
    ("leaky_relu", {"slope": 0.3}, "LeakyReLU's slope in Keras as a layer"),
    ("hard_sigmoid", {}, "hard sigmoid as in PyTorch and Keras 3"),
    ("max(0, min(1, 0.2 * z + 0.5))", {}, "hard sigmoid as in ONNX and Keras 2"),
)
"""Activations of one name with other constants or formulas."""
FAMILIES = (("gelu",), ("leaky_relu",), ("max(0, min(1", "hard_sigmoid"))
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
OF_OTHERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("sgd", "", {}),
    ("adam", "PyTorch", {}),
    ("adam", "Keras", {"eps": 1e-7, "correction_in_rate": True}),
    ("adam", "scikit-learn", {"correction_in_rate": True}),
    ("adamw", "PyTorch", {}),
    ("adamw", "Keras", {"eps": 1e-7, "correction_in_rate": True, "weight_decay": 0.004}),
    ("rmsprop", "PyTorch", {}),
    ("rmsprop", "Keras", {"alpha": 0.9, "eps": 1e-7, "eps_in_sqrt": True}),
    ("adagrad", "PyTorch", {}),
    ("adagrad", "Keras", {"eps": 1e-7, "eps_in_sqrt": True, "initial_accumulator_value": 0.1}),
    ("adadelta", "PyTorch", {}),
    ("adadelta", "Keras", {"rho": 0.95, "eps": 1e-7}),
    ("adamax", "PyTorch", {}),
    ("adamax", "Keras", {"eps": 1e-7, "eps_in_max": False}),
    ("nadam", "PyTorch", {}),
    ("nadam", "Keras", {"eps": 1e-7, "momentum_decay": 1.0}),
)
"""Optimizers with the usual settings of a framework, whose rate is the program's."""


@dataclass(frozen=True)
class Change:
    """One assignment to a key of the network file, or several, in words too, and the problem with it; or a ``way``
    that no key declares. Changes that are ``rare`` are tried alone or beside one that is not."""

    key: str
    value: str
    says: str
    stage: Stage
    apply: Callable[[Problem], Problem]
    rare: bool = False
    way: str = ""

    @property
    def text(self) -> str:
        """The assignment, as in the network file; a way in words."""
        return self.says if self.way else f"{self.key} = {self.value}"


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


def changes(
    problem: Problem, other: Problem | None = None, start: Problem | None = None, ways: Sequence[str] = ()
) -> list[Change]:
    """Return all single changes of a problem's conventions; those to what ``other`` declares come first. ``start`` is
    the problem before other changes, and ``ways`` are those in which a program may compute: where there are any, it
    may have other rules, too."""
    found: list[Change] = []
    for each in _all(problem, other, start or problem, ways):
        if (each.key, each.value) not in {(known.key, known.value) for known in found}:
            found.append(each)
    return found


def _all(problem: Problem, other: Problem | None, start: Problem, ways: Sequence[str]) -> Iterator[Change]:
    same_size = other is not None and other.network.sizes == problem.network.sizes
    yield from _activations(problem, other if same_size else None)
    yield from _losses(problem, other)
    yield from _penalties(problem, other)
    yield from _kinks(problem)
    yield from _frozen(problem, other if same_size else None)
    yield from _optimizers(problem, other, start.penalty.l2)
    for name in ways:
        yield Change(f"way.{name}", "", WAYS[name].says, WAYS[name].stage, lambda given: given, True, name)
    if ways and other is None:
        yield from _other_rules(problem, start)


def _other_rules(problem: Problem, start: Problem) -> Iterator[Change]:
    """Yield changes to other rules, for a program that says nothing of its own."""
    for index, layer in enumerate(problem.network.layers):
        known = [each for each in FORMS if each[0].isidentifier()]
        for name, constants, _ in (*((each, {}, "") for each in ACTIVATIONS), *known):
            rule = activation(name, **constants)
            if rule != layer.rule:
                says, apply = f"layer {index + 1} has {rule.name}", _layer(index, activation=rule)
                yield Change(f"layers[{index + 1}].activation", toml(_named(rule)), says, "outputs", apply, True)
    for name in LOSSES:
        if name != problem.network.loss.rule.name:
            yield Change("loss.name", toml(name), f"the loss is {name}", "errors", _objective(rule=loss(name)), True)
    own = problem.optimizer
    if problem.penalty.l2 and not problem.penalty.l1:
        l2 = problem.penalty.l2

        def with_l1(given: Problem) -> Problem:
            return replace(given, penalty=replace(given.penalty, l1=l2, l2=0.0))

        def of_mean(given: Problem) -> Problem:
            return replace(given, penalty=replace(given.penalty, l2=2 * l2, divide_by_examples=True))

        yield Change("penalty.l2", f"{toml(2 * l2)}; penalty.divide_by_examples = true",
                     "the penalty is l2 Σw² over the number of examples", "errors", of_mean, True)  # fmt: skip
        yield Change("penalty.l1", f"{toml(l2)}; penalty.l2 = 0.0", "the penalty is l1 Σ|w|, in place of the squares",
                     "errors", with_l1, True)  # fmt: skip
    for name, framework, settings in OF_OTHERS:
        text = "".join(f"; optimizer.{key} = {toml(value)}" for key, value in settings.items())
        says = f"the optimizer is {name}{f' as in {framework}' if framework else ''}"
        made = optimizer(name, learning_rate=own.learning_rate, schedule=own.schedule, **settings)
        if name != own.name:
            yield Change("optimizer.name", f"{toml(name)}{text}", says, "updated", _optimized(made), True)
    yield from _of_other_assignments(own, start.penalty.l2)


def _of_other_assignments(own: Optimizer, l2: float) -> Iterator[Change]:
    """Yield what an optimizer may do that none of its settings says."""
    momentum, hyperparameters = own.constants.get("momentum"), own.hyperparameters
    if own.name == "sgd" and momentum and not hyperparameters.get("dampening"):
        rate = float(brief(own.learning_rate * (1 - momentum)))
        says = "the velocity is a running mean, in which the gradient counts 1 - momentum: as with this rate"
        yield Change("optimizer.learning_rate", toml(rate), says, "updated",
                     _optimized(rebuilt(own, learning_rate=rate)), True)  # fmt: skip
    if "decoupled_weight_decay" in hyperparameters and (decay := hyperparameters["weight_decay"] or l2):
        own = rebuilt(own, weight_decay=decay, decoupled_weight_decay=True)
        if not hyperparameters["weight_decay"]:
            says = "decoupled weight decay of the weights, not of the biases, in place of a penalty"
            yield Change("way.spared", "", says, "updated", _optimized(own), True, "spared_biases")
        by = Symbol("weight_decay") / rate_of_step
        made = [
            each._replace(expression=substitute(each.expression, lambda key: by if key == "weight_decay" else None))
            for each in own.assignments
        ]
        says = "weight decay is taken from the weight without the rate"
        yield Change("way.without_rate", "", says, "updated", _optimized(replace(own, assignments=tuple(made))), True,
                     "without_rate")  # fmt: skip


def _optimized(by: Optimizer) -> Callable[[Problem], Problem]:
    return lambda problem: replace(problem, optimizer=by)


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
    for index, layer in enumerate(problem.network.layers):
        key, own = f"layers[{index + 1}].activation", layer.rule
        if other is not None and (rule := other.network.layers[index].rule) != own:
            yield Change(
                key, toml(_named(rule)), f"layer {index + 1} has {rule.name}", "outputs", _layer(index, activation=rule)
            )
        if other is not None and (share := other.network.layers[index].dropout) != layer.dropout:
            says = f"layer {index + 1} drops {brief(share)} of its outputs"
            yield Change(f"layers[{index + 1}].dropout", toml(share), says, "outputs", _layer(index, dropout=share))
        for name, constants, says in FORMS:
            rule = activation(name, **constants)
            related = any(
                any(part in name for part in family) and any(part in own.name for part in family) for family in FAMILIES
            )
            if related and rule != own:
                yield Change(key, toml(_named(rule)), says, "outputs", _layer(index, activation=rule))
    drops = other is not None and any(layer.dropout for layer in other.network.layers)
    if other is not None and drops and (seed := other.settings.seed) != problem.settings.seed:
        yield Change("training.seed", toml(seed), "another seed drops other outputs", "outputs",
                     lambda given: replace(given, settings=replace(given.settings, seed=seed)))  # fmt: skip


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
        constants = {key: value for key, value in theirs.rule.constants.items() if own.rule.constants.get(key) != value}
        text = "".join(f"; loss.{key} = {toml(value)}" for key, value in constants.items())
        says = f"the loss is {theirs.rule.name}{text.replace('; loss.', ', ')}"
        key, value = ("loss.name", f"{toml(theirs.rule.name)}{text}")
        if theirs.rule.name == own.rule.name:
            key, value = text.removeprefix("; ").split(" = ", 1)
        if theirs.rule.name not in names:
            yield Change(key, value, says, "errors", _objective(rule=theirs.rule))
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


def rebuilt(own: Optimizer, **changed: Any) -> Optimizer:
    given = {"learning_rate": own.learning_rate, "schedule": own.schedule, **own.hyperparameters}
    given |= own.clips | changed
    return optimizer(own.name, **{key: value for key, value in given.items() if value is not None})


def _optimizers(problem: Problem, other: Problem | None, l2: float) -> Iterator[Change]:
    own = problem.optimizer
    known = optimizer_keys(own.name)

    def changed(key: str, value: Any, says: str) -> Iterator[Change]:
        with suppress(ClearpropError):  # nesterov, say, without a momentum: with one it makes sense
            if rebuilt(own, **{key: value}) == own:
                return

        def apply(given: Problem) -> Problem:
            return replace(given, optimizer=rebuilt(given.optimizer, **{key: value}))

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
        if "decoupled_weight_decay" in known:
            apart = _optimized(rebuilt(own, weight_decay=l2, decoupled_weight_decay=True))
            yield Change("optimizer.weight_decay", f"{toml(l2)}; optimizer.decoupled_weight_decay = true",
                         "decoupled weight decay in place of a penalty", "updated", apart)  # fmt: skip
    clips = [key for key in CLIPS if getattr(own, key) is not None]
    for key in clips:
        yield from _without_clip(own, key)
        for instead in CLIPS:
            if instead not in clips:
                yield from _other_clip(own, key, instead)
    if own.clip_norm is not None:
        per = "all" if own.clip_norm_per == "variable" else "variable"
        yield from changed("clip_norm_per", per, f"gradients are clipped {PER[per]}")
    if own.schedule != Schedule() and other is None:
        yield from changed("schedule", "constant", "the rate stays as it is")
    if other is None:
        return
    theirs = other.optimizer
    if theirs.schedule != own.schedule:
        yield from changed("schedule", of_schedule(theirs.schedule), f"the rate's schedule is {theirs.schedule.name}")
    if theirs.name != own.name:
        if theirs.name in OPTIMIZERS:
            yield Change("optimizer.name", toml(theirs.name), f"the optimizer is {theirs.name}", "updated",
                         lambda given: replace(given, optimizer=theirs))  # fmt: skip
        return
    for key in known:
        value = theirs.hyperparameters.get(key, getattr(theirs, key, None))
        if key != "schedule" and value is not None and value != own.hyperparameters.get(key, getattr(own, key, None)):
            yield from changed(key, value, f"{key} is {value}")


def of_schedule(given: Schedule) -> dict[str, Any]:
    """Return a schedule as the network file writes it."""
    more = ({"warmup": given.warmup} if given.warmup else {}) | ({"by": given.by} if given.by != "epoch" else {})
    return {"name": given.name, **given.constants, **more}


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
