"""The third step explained: what every optimizer remembers, and every schedule's rate, recomputed by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support import command

from clearprop.cli.explain import run_explain
from clearprop.rules.optimizers import OPTIMIZERS, optimizer
from clearprop.rules.schedules import SCHEDULES, rate_at, schedule
from clearprop.types import Array

NETWORK = """
[inputs]
names = ["p", "q"]

[[layers]]
units = ["h1", "h2"]
activation = "tanh"
weights = [[0.4, -0.7], [0.9, 0.3]]
bias = [0.1, -0.2]

[[layers]]
units = ["either"]
activation = "logistic"
weights = [[0.8, -0.6]]
bias = [0.05]

[loss]
name = "binary_cross_entropy"
"""
START = np.array([0.4, -0.7, 0.9, 0.3, 0.1, -0.2, 0.8, -0.6, 0.05])
NAMES = ["w1", "w2", "w3", "w4", "b_h1", "b_h2", "w5", "w6", "b_either"]
SPOKEN = ["w1", "b_h2", "w6", "b_either"]
"""The parameters that are explained: a weight and a bias of each layer."""
IS_WEIGHT = np.array([name.startswith("w") for name in NAMES])
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
T = np.array([0.0, 1.0, 1.0, 0.0])
EXAMPLES = "".join(f"\n[[examples]]\ninputs = {x.tolist()}\ntargets = [{t}]\n" for x, t in zip(X, T, strict=True))
ALL = [0, 1, 2, 3]
DIGITS = 12
SHOWN = 2e-12
"""How closely a number with so many decimals must agree."""

Numbers = Mapping[str, Array]
Rule = Callable[[Mapping[str, Any], Array, Array, float, int, Numbers], dict[str, Array]]


# --- three steps by hand ----------------------------------------------------------------------------------


def gradient(w: Array, rows: Sequence[int], l2: float) -> Array:
    """∂L/∂(all parameters) of the mean over these examples, and of ½·l2·Σw²."""
    W1, b1, W2, b2 = w[:4].reshape(2, 2), w[4:6], w[6:8], w[8]
    hidden = np.tanh(X[rows] @ W1.T + b1)
    delta = (1 / (1 + np.exp(-(hidden @ W2 + b2))) - T[rows]) / len(rows)
    before = np.outer(delta, W2) * (1 - hidden**2)
    parts = (before.T @ X[rows]).ravel(), before.sum(axis=0), delta @ hidden, [delta.sum()]
    return np.asarray(np.concatenate(parts) + l2 * w * IS_WEIGHT)


def decayed(c: Mapping[str, Any], w: Array, g: Array, rate: float) -> tuple[Array, Array]:
    """The weight and the gradient after the decay."""
    if c["decoupled_weight_decay"]:
        return w * (1 - rate * c["weight_decay"]), g
    return w, g + c["weight_decay"] * w


def sgd(c: Mapping[str, Any], w: Array, g: Array, rate: float, step: int, old: Numbers) -> dict[str, Array]:
    w, g = decayed(c, w, g, rate)
    if not c["momentum"]:
        return {"w": w - rate * g}
    if c["rate_in_velocity"]:
        b = c["momentum"] * old["b"] - rate * (1 - c["dampening"] if step > 1 else 1) * g
        return {"b": b, "w": w + (c["momentum"] * b - rate * g if c["nesterov"] else b)}
    b = g if step == 1 else c["momentum"] * old["b"] + (1 - c["dampening"]) * g
    return {"b": b, "w": w - rate * (g + c["momentum"] * b if c["nesterov"] else b)}


def rmsprop(c: Mapping[str, Any], w: Array, g: Array, rate: float, step: int, old: Numbers) -> dict[str, Array]:
    w, g = decayed(c, w, g, rate)
    new = {"v": c["alpha"] * old["v"] + (1 - c["alpha"]) * g**2}
    spread = new["v"]
    if c["centered"]:
        new["m"] = c["alpha"] * old["m"] + (1 - c["alpha"]) * g
        spread = spread - new["m"] ** 2
    move = g / (np.sqrt(spread + c["eps"]) if c["eps_in_sqrt"] else np.sqrt(spread) + c["eps"])
    if c["momentum"] and c["rate_in_velocity"]:
        new["b"] = c["momentum"] * old["b"] - rate * move
        return {**new, "w": w + new["b"]}
    if c["momentum"]:
        move = new["b"] = c["momentum"] * old["b"] + move
    return {**new, "w": w - rate * move}


def adagrad(c: Mapping[str, Any], w: Array, g: Array, rate: float, step: int, old: Numbers) -> dict[str, Array]:
    w, g = decayed(c, w, g, rate)
    s = old["s"] + g**2
    root = np.sqrt(s + c["eps"]) if c["eps_in_sqrt"] else np.sqrt(s) + c["eps"]
    return {"s": s, "w": w - rate / (1 + (step - 1) * c["lr_decay"]) * g / root}


def adam(c: Mapping[str, Any], w: Array, g: Array, rate: float, step: int, old: Numbers) -> dict[str, Array]:
    return _adam(c, *decayed(c, w, g, rate), rate, step, old)


def adamw(c: Mapping[str, Any], w: Array, g: Array, rate: float, step: int, old: Numbers) -> dict[str, Array]:
    return _adam(c, w * (1 - rate * c["weight_decay"]), g, rate, step, old)


def _adam(c: Mapping[str, Any], w: Array, g: Array, rate: float, step: int, old: Numbers) -> dict[str, Array]:
    beta1, beta2 = c["betas"]
    m, v = beta1 * old["m"] + (1 - beta1) * g, beta2 * old["v"] + (1 - beta2) * g**2
    if c["correction_in_rate"]:
        corrected = rate * np.sqrt(1 - beta2**step) / (1 - beta1**step)
        return {"m": m, "v": v, "w": w - corrected * m / (np.sqrt(v) + c["eps"])}
    m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
    return {"m": m, "v": v, "m_hat": m_hat, "v_hat": v_hat, "w": w - rate * m_hat / (np.sqrt(v_hat) + c["eps"])}


DECAY: dict[str, Any] = {"weight_decay": 0.0, "decoupled_weight_decay": False}
MOMENTUM: dict[str, Any] = {"momentum": 0.0, "rate_in_velocity": False}
ADAM: dict[str, Any] = {"betas": [0.9, 0.999], "eps": 1e-8, "correction_in_rate": False}
RULES: dict[str, tuple[Rule, dict[str, Any]]] = {
    "sgd": (sgd, {**MOMENTUM, "dampening": 0.0, "nesterov": False, **DECAY}),
    "rmsprop": (rmsprop, {**MOMENTUM, "alpha": 0.99, "eps": 1e-8, "eps_in_sqrt": False, "centered": False, **DECAY}),
    "adagrad": (
        adagrad,
        {"lr_decay": 0.0, "eps": 1e-10, "eps_in_sqrt": False, "initial_accumulator_value": 0.0, **DECAY},
    ),
    "adam": (adam, {**ADAM, **DECAY}),
    "adamw": (adamw, {**ADAM, "weight_decay": 0.01}),
}
"""By hand, with the defaults of PyTorch."""
REMEMBERED = ("m", "v", "b", "s")
SPOKEN_AS = {"b": "velocity"}


@dataclass(frozen=True)
class Case:
    """A network file, and what its third step must show."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] | None = None
    clip: dict[str, float] = field(default_factory=dict)
    l2: float = 0.0
    rates: tuple[float, ...] = (0.25, 0.25, 0.25)
    batches: tuple[list[int], list[int]] = (ALL, ALL)
    explained: list[int] = field(default_factory=lambda: ALL)

    def __str__(self) -> str:
        given = {**self.options, **(self.schedule or {}), **self.clip}
        return " ".join([self.name, *(str(value) if key == "name" else key for key, value in given.items())])

    @property
    def text(self) -> str:
        """The network file."""
        table = {"name": self.name, "learning_rate": 0.25, **self.options, **self.clip}
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        if self.schedule:
            inner = ", ".join(f"{key} = {json.dumps(value)}" for key, value in self.schedule.items())
            lines.append(f"schedule = {{{inner}}}")
        training = f"[training]\nshuffle = false\nbatch_size = {len(self.batches[0])}\n"
        return f"{NETWORK}\n[optimizer]\n" + "\n".join(lines) + f"\n\n[penalty]\nl2 = {self.l2}\n\n{training}{EXAMPLES}"

    def by_hand(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """The weights and what is remembered before the third step, and all that the step gives."""
        rule, defaults = RULES[self.name]
        constants = {**defaults, **self.options}
        new: dict[str, Array] = {"w": START, **{name: np.zeros(len(START)) for name in REMEMBERED}}
        new["s"] = new["s"] + constants.get("initial_accumulator_value", 0.0)
        old = new
        for step, rows in enumerate((*self.batches, self.explained), start=1):
            old, g = new, self.clipped(gradient(new["w"], rows, self.l2))
            new = rule(constants, old["w"], g, self.rates[step - 1], step, old)
            new |= {"clipped": g} if self.clip else {}
        return old, new

    def clipped(self, g: Array) -> Array:
        """The gradient that the rule sees."""
        bound = self.clip.get("clip_value", np.inf)
        bounded = np.clip(g, -bound, bound)
        # PyTorch's way: a millionth keeps it clear of dividing by zero.
        factor = min(1.0, self.clip.get("clip_norm", np.inf) / (np.linalg.norm(bounded) + 1e-6))
        return np.asarray(factor * bounded)


# --- what is explained --------------------------------------------------------------------------------------


def explained(case: Case, folder: Path, *names: str, format: str = "text", notation: str = "lecture") -> str:
    """What ``clearprop explain`` writes about the third step."""
    net, output = folder / "net.toml", folder / "explained"
    net.write_text(case.text, encoding="utf-8")
    example = "all" if case.explained == ALL else str(case.explained[0] + 1)
    code = run_explain(
        str(net),
        list(names),
        format=format,
        output=str(output),
        digits=DIGITS,
        rounding="nearest",
        notation=notation,
        example=example,
        steps=3,
        cycles=None,
        paths=None,
        fragment=False,
    )
    assert code == 0
    return output.read_text(encoding="utf-8")


def statements(text: str) -> dict[str, list[str]]:
    """The parts of each ``symbol = expression = numbers = value``, by symbol; a statement may take several lines."""
    joined = re.sub(r"\n {3,}", " ", text)
    parts = (line.strip().split(" = ") for line in joined.split("\n") if line.startswith("  "))
    return {first: rest for first, *rest in parts if rest}


def shows(part: str, value: float) -> bool:
    """Whether a number is among those in a part of a statement."""
    found = re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", part)
    return any(abs(float(number) - value) <= SHOWN for number in found)


def check_text(case: Case, text: str, new_name: str = "new_{}") -> None:
    """Every line of the update has the numbers found by hand, and the ones that it starts from."""
    old, new = case.by_hand()
    found = statements(text)
    for name in SPOKEN:
        index = NAMES.index(name)
        for symbol in new:
            spoken = name if symbol == "w" else f"{SPOKEN_AS.get(symbol, symbol)}_{name}"
            remembered = symbol in (*REMEMBERED, "w")
            expression, *numbers, value = found[new_name.format(spoken) if remembered else spoken]
            assert float(value) == pytest.approx(new[symbol][index], rel=0, abs=SHOWN), (symbol, name)
            if remembered:
                assert re.search(rf"\b{spoken}\b", expression)
                assert shows(numbers[0], old[symbol][index]), (symbol, name)
            if symbol == "w" and not (case.options.get("rate_in_velocity") and not case.options.get("nesterov")):
                assert shows(numbers[0], case.rates[2])


def check_json(case: Case, text: str) -> None:
    """The same with all digits, symbol by symbol, in the rule's order."""
    _, new = case.by_hand()
    derivations = json.loads(text)["derivations"]
    for name in SPOKEN:
        index = NAMES.index(name)
        lines = {line["symbol"].removeprefix("new_"): line["value"] for line in derivations[name]["update"]}
        for symbol, values in new.items():
            spoken = name if symbol == "w" else f"{SPOKEN_AS.get(symbol, symbol)}_{name}"
            assert lines.pop(spoken) == pytest.approx(values[index], rel=1e-10, abs=1e-15)
        assert not lines  # nothing that was not found by hand


OPTIMIZER_CASES = [
    Case("sgd"),
    Case("sgd", {"weight_decay": 0.1}),
    Case("sgd", {"momentum": 0.9}),
    Case("sgd", {"momentum": 0.9, "weight_decay": 0.1}),
    Case("sgd", {"momentum": 0.9, "dampening": 0.3}),
    Case("sgd", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    Case("sgd", {"momentum": 0.9, "nesterov": True}),
    Case("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    Case("rmsprop"),
    Case("rmsprop", {"centered": True}),
    Case("rmsprop", {"momentum": 0.5}),
    Case("rmsprop", {"weight_decay": 0.1}),
    Case("rmsprop", {"alpha": 0.8, "eps": 1e-3, "momentum": 0.5, "centered": True, "weight_decay": 0.1}),
    Case("adagrad"),
    Case("adagrad", {"lr_decay": 0.5}),
    Case("adagrad", {"initial_accumulator_value": 0.3}),
    Case("adagrad", {"lr_decay": 0.5, "initial_accumulator_value": 0.3, "eps": 1e-3, "weight_decay": 0.1}),
    Case("adam"),
    Case("adam", {"weight_decay": 0.1}),
    Case("adam", {"betas": [0.7, 0.8], "eps": 1e-3}),
    Case("adamw"),
    Case("adamw", {"weight_decay": 0.0}),
    Case("adamw", {"betas": [0.7, 0.8], "eps": 1e-3, "weight_decay": 0.1}),
    Case("sgd", {"momentum": 0.9}, clip={"clip_norm": 0.05}),
    Case("adam", clip={"clip_norm": 5.0}),
    Case("adam", {"weight_decay": 0.1}, clip={"clip_value": 0.01}),
    Case("rmsprop", {"momentum": 0.5}, clip={"clip_value": 0.05, "clip_norm": 0.06}),
    Case("adamw", l2=0.2),
    Case("sgd", {"momentum": 0.9}, l2=0.2, clip={"clip_norm": 0.05}),
    Case("sgd", {"momentum": 0.9, "rate_in_velocity": True, "dampening": 0.5}),
    Case("sgd", {"momentum": 0.9, "rate_in_velocity": True, "nesterov": True}),
    Case("sgd", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    Case("rmsprop", {"momentum": 0.5, "rate_in_velocity": True, "eps_in_sqrt": True, "eps": 1e-3}),
    Case("rmsprop", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    Case("adagrad", {"eps_in_sqrt": True, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    Case("adam", {"correction_in_rate": True, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    Case("adamw", {"correction_in_rate": True}),
]

# A quarter at first. With all examples in one batch the third step is the first of the third epoch.
SCHEDULE_CASES: list[tuple[dict[str, Any], tuple[float, ...]]] = [
    ({"name": "constant"}, (0.25, 0.25, 0.25)),
    ({"name": "step", "size": 1, "gamma": 0.5}, (0.25, 0.125, 0.0625)),
    ({"name": "step", "size": 2, "gamma": 0.2}, (0.25, 0.25, 0.05)),
    ({"name": "exponential", "gamma": 0.8}, (0.25, 0.2, 0.16)),
    ({"name": "cosine", "epochs": 3}, (0.25, 0.1875, 0.0625)),
    ({"name": "cosine", "epochs": 2, "minimum": 0.05}, (0.25, 0.15, 0.05)),
    # The second epoch does not make a tenth of the loss, as it would have to.
    ({"name": "plateau", "factor": 0.5, "patience": 0, "threshold": 0.9}, (0.25, 0.25, 0.125)),
    ({"name": "plateau", "factor": 0.5, "patience": 1, "threshold": 0.9}, (0.25, 0.25, 0.25)),
    ({"name": "plateau", "factor": 0.1, "patience": 0, "threshold": 0.9, "minimum": 0.1}, (0.25, 0.25, 0.1)),
    ({"name": "constant", "warmup": 4}, (0.05, 0.1, 0.15)),
    ({"name": "constant", "warmup": 1}, (0.125, 0.25, 0.25)),
    ({"name": "step", "size": 1, "gamma": 0.5, "warmup": 4}, (0.05, 0.05, 0.0375)),
    ({"name": "exponential", "gamma": 0.8, "warmup": 3}, (0.0625, 0.1, 0.12)),
    ({"name": "cosine", "epochs": 3, "warmup": 4}, (0.05, 0.075, 0.0375)),
    ({"name": "plateau", "factor": 0.5, "patience": 0, "threshold": 0.9, "warmup": 4}, (0.05, 0.1, 0.075)),
]
# One that is not worked out above is at least explained with the rate that its rule gives.
SCHEDULE_CASES += [
    ({"name": name}, tuple(float(rate_at(schedule(name), 0.25, epoch, epoch + 1, len(X))) for epoch in range(3)))
    for name in sorted(SCHEDULES.keys() - {constants["name"] for constants, _ in SCHEDULE_CASES})
]


@pytest.mark.parametrize("case", OPTIMIZER_CASES, ids=str)
def test_what_every_optimizer_remembers(case: Case, tmp_path: Path) -> None:
    check_text(case, explained(case, tmp_path, *SPOKEN))
    check_json(case, explained(case, tmp_path, *SPOKEN, format="json"))


def test_no_optimizer_and_no_hyperparameter_is_left_out() -> None:
    assert {case.name for case in OPTIMIZER_CASES} == set(RULES) <= set(OPTIMIZERS)
    for name, (_, defaults) in RULES.items():
        assert set(optimizer(name).hyperparameters) == set(defaults)
        tried = {key for case in OPTIMIZER_CASES if case.name == name for key in case.options}
        assert set(defaults) <= tried | {"betas"}


@pytest.mark.parametrize(("schedule", "rates"), SCHEDULE_CASES, ids=lambda given: "-".join(map(str, given)))
@pytest.mark.parametrize(("name", "options"), [("adamw", {}), ("adagrad", {"lr_decay": 0.5})])
def test_the_rate_of_every_schedule(
    schedule: dict[str, Any],
    rates: tuple[float, ...],
    name: str,
    options: dict[str, Any],
    tmp_path: Path,
) -> None:
    case = Case(name, options, schedule, rates=rates)
    check_text(case, explained(case, tmp_path, *SPOKEN))


@pytest.mark.parametrize(("schedule", "rates"), SCHEDULE_CASES, ids=lambda given: "-".join(map(str, given)))
def test_the_whole_cycle_says_the_rate(schedule: dict[str, Any], rates: tuple[float, ...], tmp_path: Path) -> None:
    case = Case("sgd", {"momentum": 0.9}, schedule, rates=rates)
    text = explained(case, tmp_path)
    shown = re.search(r"sgd, learning rate n = ([^\s,]+)", text)
    assert shown is not None
    assert float(shown[1]) == pytest.approx(rates[2], rel=0, abs=SHOWN)
    check_text(case, text)


@pytest.mark.parametrize("case", [OPTIMIZER_CASES[7], OPTIMIZER_CASES[12], OPTIMIZER_CASES[16]], ids=str)
@pytest.mark.parametrize("explained_rows", [ALL, [0], [2]], ids=str)
def test_steps_of_two_examples_and_then_one_example(case: Case, explained_rows: list[int], tmp_path: Path) -> None:
    """Before it the steps are those of training, two in an epoch; then whatever example is asked for."""
    halves = Case(
        case.name,
        case.options,
        {"name": "step", "size": 1, "gamma": 0.5},
        rates=(0.25, 0.25, 0.125),
        batches=([0, 1], [2, 3]),
        explained=explained_rows,
    )
    check_text(halves, explained(halves, tmp_path, *SPOKEN))
    check_json(halves, explained(halves, tmp_path, *SPOKEN, format="json"))


def test_from_the_prompt_in_the_standard_notation(tmp_path: Path) -> None:
    schedule = {"name": "exponential", "gamma": 0.8, "warmup": 3}
    case = Case("adam", {"weight_decay": 0.1}, schedule, {"clip_value": 0.01}, rates=(0.0625, 0.1, 0.12))
    (tmp_path / "net.toml").write_text(case.text, encoding="utf-8")
    arguments = ["--steps", "3", "--example", "all", "--digits", str(DIGITS)]
    done = command("explain", "net.toml", *SPOKEN, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    check_text(case, done.stdout, "{}⁺")
