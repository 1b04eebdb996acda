"""The loss and the optimizer of a Keras model, in its own forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clearprop.interop.chain import Chain, NotAChain, Signal
from clearprop.messages import abridged, brief, listing
from clearprop.network.description import Objective
from clearprop.rules.losses import loss
from clearprop.rules.optimizers import Optimizer, optimizer
from clearprop.rules.other_names import plain
from clearprop.rules.penalties import Penalty

LOSSES: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("mse", "meansquarederror"), ("squared_error", "mean")),
    **dict.fromkeys(("mae", "meanabsoluteerror"), ("absolute_error", "mean")),
    "huber": ("huber", "mean"),
    "binarycrossentropy": ("binary_cross_entropy", "mean"),
    **dict.fromkeys(("categoricalcrossentropy", "sparsecategoricalcrossentropy"), ("categorical_cross_entropy", "sum")),
    "poisson": ("y - t * log(y)", "mean"),
    "logcosh": ("log((exp(y - t) + exp(t - y)) / 2)", "mean"),
    "hinge": ("max(0, 1 - t * y)", "mean"),
    "squaredhinge": ("max(0, 1 - t * y)**2", "mean"),
}
"""Keras's losses here, and how they treat several outputs; over the examples each takes the mean."""
LOGITS = {"binary_cross_entropy": "logistic", "categorical_cross_entropy": "softmax"}


def learning(
    compiled: Any, last: Signal, chain: Chain, shown: str, penalties: Mapping[str, tuple[float, float]]
) -> tuple[Objective | None, Optimizer | None, str, Penalty]:
    """Return the loss, the optimizer, the activation that the loss contains, and the penalty; None for what the model
    does not say."""
    penalty = _penalty(penalties, shown)
    if not isinstance(compiled, Mapping):
        return None, None, "", penalty
    objective, logits = _loss(compiled.get("loss"), last, chain, shown)
    given = compiled.get("optimizer", compiled.get("optimizer_config"))
    return objective, _optimizer(given, chain, shown), logits, penalty


def _penalty(penalties: Mapping[str, tuple[float, float]], shown: str) -> Penalty:
    different = sorted({*penalties.values()})
    if len(different) > 1:
        layers = {each: [abridged(name, 40) for name, own in penalties.items() if own == each] for each in different}
        found = "; ".join(
            f"l2 {brief(l2)} and l1 {brief(l1)}: {listing(layers[l2, l1], 4)}" for l2, l1 in different[:4]
        )
        raise NotAChain(
            f"{shown}: its layers have different regularizers ({found}), and here one penalty holds for all weights; "
            "give each Dense layer the same kernel_regularizer, or none"
        )
    l2, l1 = max(different, default=(0.0, 0.0))
    return Penalty(l2=2 * l2, l1=l1)  # λ Σw² is ½ · 2λ Σw²


def _loss(given: Any, last: Signal, chain: Chain, shown: str) -> tuple[Objective | None, str]:
    config: Mapping[str, Any] = {}
    if isinstance(given, Mapping) and isinstance(given.get("class_name"), str):
        inner = given.get("config")
        config = inner if isinstance(inner, Mapping) else {}
        given = given["class_name"]
        if given == "function" and isinstance(config.get("name"), str):
            given, config = config["name"], {}
    if isinstance(given, (list, tuple)) and len(given) == 1:
        given = given[0]
    if not isinstance(given, str):
        return None, ""
    name, over_outputs = LOSSES.get(plain(given), ("", ""))
    refused = next((key for key in ("label_smoothing", "ignore_class") if config.get(key)), None)
    if not name or refused:
        chain.note(f"left out: Keras's loss {abridged(given, 40)}{f' with {refused}' if refused else ''}")
        return None, ""
    constants = {"delta": float(config["delta"])} if name == "huber" and "delta" in config else {}
    reduction = config.get("reduction", "sum_over_batch_size")
    over_examples: Any = {"sum": "sum"}.get(str(reduction), "mean")
    logits = LOGITS[name] if config.get("from_logits") and name in LOGITS and last.plain else ""
    rule = loss(name, **constants)
    if name == "binary_cross_entropy" and not logits:
        chain.note("Keras keeps probabilities between 1e-7 and 1 - 1e-7 in its loss; here they are exact")
    return Objective(rule, over_outputs, over_examples), logits  # type: ignore[arg-type]


def _optimizer(given: Any, chain: Chain, shown: str) -> Optimizer | None:
    if isinstance(given, str):
        given = {"class_name": given, "config": {}}
    if not isinstance(given, Mapping) or not isinstance(given.get("config"), Mapping):
        return None
    name, config = str(given.get("class_name")).lower(), given["config"]
    options = _rate(config.get("learning_rate"), chain)
    form = _form(name, config)
    if form is None:
        chain.note(f"left out: Keras's optimizer {abridged(name, 40)}")
        return None
    own, more = form
    options |= more
    if (decay := config.get("weight_decay")) is not None and decay:
        options |= {"weight_decay": float(decay)} | ({} if own == "adamw" else {"decoupled_weight_decay": True})
    elif own == "adamw":
        options["weight_decay"] = 0.0 if decay is None else float(decay)
    for key, mine in {"global_clipnorm": "clip_norm", "clipnorm": "clip_norm", "clipvalue": "clip_value"}.items():
        if config.get(key):
            options[mine] = float(config[key])
    if config.get("clipnorm"):
        options["clip_norm_per"] = "variable"
    if config.get("use_ema") or config.get("amsgrad"):
        chain.note(f"left out: {'amsgrad' if config.get('amsgrad') else 'the moving average of weights'} of Keras")
    return optimizer(own, **options)


def _rate(given: Any, chain: Chain) -> dict[str, Any]:
    """Return the learning rate with its schedule, which Keras counts in steps."""
    if isinstance(given, (int, float)):
        return {"learning_rate": short(given)}
    name = str(given.get("class_name")) if isinstance(given, Mapping) else ""
    config = given.get("config") if isinstance(given, Mapping) else None
    own = _schedule(name, config) if isinstance(config, Mapping) else None
    if own is None or not isinstance(config, Mapping):
        chain.note(f"left out: Keras's schedule {abridged(name, 40)} of the learning rate; rate 0.001 is taken")
        return {"learning_rate": 0.001}
    return {"learning_rate": short(config["initial_learning_rate"]), "schedule": {"by": "step", **own}}


def _schedule(name: str, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return one of Keras's schedules as it is here, or None where there is none like it."""
    base, steps, by = (config.get(each) for each in ("initial_learning_rate", "decay_steps", "decay_rate"))
    if not isinstance(base, (int, float)) or not isinstance(steps, (int, float)) or int(steps) != steps or steps < 1:
        return None
    match name:
        case "ExponentialDecay" if isinstance(by, (int, float)) and by > 0:
            if config.get("staircase"):
                return {"name": "step", "size": int(steps), "gamma": float(by)}
            return {"name": "exponential", "gamma": float(by ** (1 / steps))}
        case "InverseTimeDecay" if isinstance(by, (int, float)) and not config.get("staircase"):
            return {"name": "inverse", "gamma": float(by / steps)}
        case "CosineDecay" if not config.get("warmup_steps"):
            return {"name": "cosine", "epochs": int(steps), "minimum": float(base * config.get("alpha", 0.0))}
        case "PolynomialDecay" if not config.get("cycle"):
            last, power = config.get("end_learning_rate", 1e-4), config.get("power", 1.0)
            return {"name": "polynomial", "epochs": int(steps), "minimum": float(last), "power": float(power)}
    return None


def short(value: float) -> float:
    """Return the shortest decimal of a number that was kept as float32."""
    single = np.float32(value)
    return float(str(single)) if float(single) == value else float(value)


def _form(name: str, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the optimizer's name here with the settings that make it Keras's form."""

    def number(key: str, usual: float) -> float:
        value = config.get(key)
        return usual if not isinstance(value, (int, float)) else float(value)

    betas = number("beta_1", 0.9), number("beta_2", 0.999)
    eps = number("epsilon", 1e-7)
    match name:
        case "sgd":
            momentum = number("momentum", 0.0)
            more = {"momentum": momentum, "nesterov": bool(config.get("nesterov")), "rate_in_velocity": True}
            return "sgd", more if momentum else {}
        case "adam" | "adamw":
            return name, {"betas": betas, "eps": eps, "correction_in_rate": True}
        case "rmsprop":
            more = {"alpha": number("rho", 0.9), "eps": eps, "eps_in_sqrt": True}
            more |= {"momentum": number("momentum", 0.0), "centered": bool(config.get("centered"))}
            return "rmsprop", more | ({"rate_in_velocity": True} if more["momentum"] else {})
        case "adagrad":
            start = number("initial_accumulator_value", 0.1)
            return "adagrad", {"eps": eps, "eps_in_sqrt": True, "initial_accumulator_value": start}
        case "adamax":
            return "adamax", {"betas": betas, "eps": eps, "eps_in_max": False}
        case "nadam":
            return "nadam", {"betas": betas, "eps": eps, "momentum_decay": 1.0}
        case "adadelta":
            return "adadelta", {"rho": number("rho", 0.95), "eps": eps}
    return None
