"""Programs by their settings: what the tests of fingerprints and of built code compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

import clearprop as cp
from clearprop.engine import build
from clearprop.engine.fingerprint import Part
from clearprop.engine.machine import Target
from clearprop.engine.numbers import Numbers
from clearprop.engine.panels import Panels
from clearprop.engine.program import Program, Tile, each_once
from clearprop.engine.single import fits
from clearprop.network.examples import Examples
from clearprop.rules.activations import Activation
from clearprop.rules.optimizers import OPTIMIZERS
from clearprop.rules.schedules import Schedule

TARGET = Target("x86_64-unknown-linux-gnu", "x86-64", ())
PARTS: tuple[Part, ...] = get_args(Part)
Settings = Mapping[str, Any]


BASE: Settings = {
    "sizes": (3, 5, 2), "activation": "leaky_relu", "slope": 0.1, "last": "tanh", "bias": "unit", "train_bias": True,
    "dropout": 0.0, "outputs_dropout": 0.0, "loss": "huber", "delta": 1.0, "over_outputs": "sum",
    "optimizer": "sgd", "options": {},
    "clip_norm": None, "clip_norm_per": "all", "clip_value": None, "l1": 0.0, "l2": 0.0,
    "weighted": False, "numbers": ("float64", 2, False),
    "tile": (2, 1, 2), "widths": None, "triple": TARGET.triple, "x86": True, "whole": False, "alone": False,
    "single": False,
    # What no code is made of:
    "rate": 0.1, "seed": 0, "names": False, "over_examples": "mean", "schedule": "constant", "epochs": 3,
}  # fmt: skip


PROGRAMS: dict[str, Program] = {}
CODES: dict[tuple[int, Part], str] = {}


def program(settings: Settings = BASE, **changes: Any) -> Program:
    """A small program, without the plan: tiles that make little code. The same one for the same settings."""
    s = {**BASE, **settings, **changes}
    return PROGRAMS.setdefault(repr(sorted(s.items())), _program(s))


def _program(s: Settings) -> Program:
    inputs, *hidden, outputs = s["sizes"]
    constants = {"slope": s["slope"]} if s["activation"] == "leaky_relu" else {}
    rule = cp.activation(s["activation"], **constants)
    same: dict[str, Any] = {"bias": s["bias"], "train_bias": s["train_bias"]}
    layers = [
        cp.Dense(_units(size, k, s["names"]), rule, dropout=s["dropout"], **same) for k, size in enumerate(hidden)
    ]
    loss = cp.loss(s["loss"], **({"delta": s["delta"]} if s["loss"] == "huber" else {}))
    objective = cp.Objective(loss, s["over_outputs"], s["over_examples"])
    last = cp.Dense(outputs, s["last"], dropout=s["outputs_dropout"], **same)
    network = cp.Network(_units(inputs, 9, s["names"]), [*layers, last], objective)
    optimizer = replace(
        OPTIMIZERS[s["optimizer"]](s["rate"], **s["options"]),
        clip_norm=s["clip_norm"],
        clip_norm_per=s["clip_norm_per"] if s["clip_norm"] else "all",
        clip_value=s["clip_value"],
        schedule=Schedule(s["schedule"]),
    )
    examples = Examples(np.ones((2, inputs)), np.full((2, outputs), 1 / outputs), weights=np.array([1.0, 2.0]))
    problem = cp.Problem(
        network,
        optimizer=optimizer,
        penalty=cp.Penalty(l1=s["l1"], l2=s["l2"]),
        examples=examples if s["weighted"] else None,
        settings=cp.Settings(seed=s["seed"], epochs=s["epochs"]),
        name="another" if s["names"] else "the network",
    )
    return of_problem(problem, s)


def of_problem(problem: cp.Problem, s: Settings = BASE) -> Program:
    """A program as the plan has it, but for what the settings say."""
    numbers, tile, network, layers = Numbers(*s["numbers"]), Tile(*s["tile"]), problem.network, problem.network.layers
    return Program(
        numbers,
        tile,
        s["triple"],
        s["x86"],
        s["widths"] or Panels(numbers, tile.vectors, network).widths,
        hidden=each_once([layer.rule for layer in layers[:-1]]),
        last=layers[-1].rule,
        loss=network.loss.rule,
        fused=network.fused,
        optimizer=problem.optimizer,
        penalty=problem.penalty,
        weighted=problem.examples is not None,
        dropped=any(layer.dropout for layer in layers),
        outputs_dropped=layers[-1].dropout > 0,
        shared=any(layer.bias == "shared" and layer.train_bias for layer in layers),
        whole_gradient=s["whole"],
        alone=s["alone"],
        single=network if s["single"] and fits(network, problem.optimizer, 1, "float32") else None,
    )


def _units(size: int, layer: int, named: bool) -> Any:
    return [f"n{layer}_{k}" for k in range(size)] if named else size


def code(of: Program, part: Part) -> str:
    """The code of a program, built once if the program stays."""
    if not any(of is each for each in PROGRAMS.values()):
        return build.source(of, part)
    key = (id(of), part)
    if key not in CODES:
        CODES[key] = build.source(of, part)
    return CODES[key]


@dataclass(frozen=True)
class Doubled(Activation):
    """An activation whose slope does not follow from its fields."""
