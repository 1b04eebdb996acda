"""Fingerprints: programs told apart without building them.

Compiled code is kept under a hash of everything that it is made of. That is the program as a tree of
dataclasses, written out field by field, with exact numbers. A field that is added to one of them is
part of it at once; what does not matter to the code is left out by name, in a table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import numpy as np

from clearprop.engine import machine
from clearprop.engine.machine import Target
from clearprop.engine.program import Program
from clearprop.expressions import Apply, Number, Symbol
from clearprop.network.description import Network
from clearprop.network.layer import Dense
from clearprop.rules.activations import Activation, Softmax
from clearprop.rules.fused import Fused, SoftmaxCrossEntropy
from clearprop.rules.losses import Loss
from clearprop.rules.optimizers import Optimizer
from clearprop.rules.penalties import Penalty

Part = Literal["kernels", "epochs", "train", "gradient", "apply", "errors", "predict"]
"""The parts of a program; each is compiled separately."""

LEFT_OUT: Mapping[type, tuple[str, ...]] = {
    Network: ("inputs",),
    Dense: ("units", "weight_names", "bias_names", "init"),
    Activation: ("name", "output", "source", "shown_slope", "constants", "bounds", "init"),
    Softmax: ("name", "source", "constants", "bounds", "init"),
    Loss: ("name", "error", "source", "constants", "outputs", "targets", "sums_to_one", "task"),
    Fused: ("shown_slope", "source"),
    SoftmaxCrossEntropy: ("shown_slope", "source"),
    Optimizer: ("name", "learning_rate", "source", "hyperparameters", "constants", "state", "schedule"),
    Penalty: ("l2", "l1"),
}
"""Fields that do not matter to code: names, sources, and numbers given to it when it runs."""

READ: Mapping[type, Callable[[Any], Any]] = {
    # Layers with equal rules share their code.
    Network: lambda network: (network.sizes, network.fused, _first_alike([layer.rule for layer in network.layers])),
    Activation: lambda rule: (rule.formula, rule.slope.simplified),
    Loss: lambda rule: (rule.formula, rule.slope.simplified),
    Fused: lambda rule: rule.slope.simplified,
    # The constants' numbers come with each step; which names are constants decides what is computed when.
    Optimizer: lambda optimizer: (tuple(sorted(optimizer.constants)), tuple(optimizer.state), optimizer.bounded),
    # Which of its terms there are.
    Penalty: lambda penalty: penalty.symbolic,
}
"""Values that matter to code but are no fields: they follow from fields."""

ONLY_TRAIN = ("optimizer", "penalty", "dropped", "outputs_dropped", "shared", "whole_gradient", "alone", "single")
ONLY_GRADIENT = ("penalty", "dropped", "outputs_dropped", "alone")
ONLY_ERRORS = ("loss", "fused", "weighted")
UNKNOWN_TO: Mapping[Part, tuple[str, ...]] = {
    "train": (),
    "gradient": ("optimizer", "whole_gradient", "single"),
    "apply": (*ONLY_GRADIENT, *ONLY_ERRORS, "whole_gradient", "single", "hidden", "last"),
    "errors": ONLY_TRAIN,
    "predict": (*ONLY_TRAIN, *ONLY_ERRORS),
    "kernels": (*ONLY_TRAIN, *ONLY_ERRORS, "hidden", "last"),
    "epochs": (*ONLY_TRAIN, *ONLY_ERRORS, "hidden", "last", "tile", "widths"),
}
"""The fields of a program that do not matter to a part: its code is the same, whatever they are."""


def fingerprint(program: Program, target: Target, part: Part) -> str | None:
    """Return the hash of everything that a program's code is made of.

    Return None, so that the code is not kept, if something in it is not known here or the sources of clearprop cannot
    be read.

    >>> import clearprop as cp
    >>> from clearprop.engine import machine, plan
    >>> program = plan.program(cp.load("lecture"), "float32", machine.host(), batch=1)
    >>> len(fingerprint(program, machine.host(), "train"))
    64
    """
    made_by = sources()
    if made_by is None:
        return None
    try:
        described = description(program, part)
    except TypeError:
        return None
    whole = "\n".join((made_by, machine.versions(), np.__version__, str(target), described))
    return hashlib.sha256(whole.encode()).hexdigest()


def description(program: Program, part: Part) -> str:
    """Return everything in a program that its code depends on, as text.

    Raises:
        TypeError: a kind of thing that is not known here.
    """
    written = _written(program, {**LEFT_OUT, Program: UNKNOWN_TO[part]})
    # Rules that differ in name alone have different numbers.
    return (
        f"{part} {written}"
        if part in ("kernels", "epochs", "apply")
        else f"{part} {written} {len(program.activations)}"
    )


def _written(value: Any, without: Mapping[type, tuple[str, ...]]) -> str:
    """Return a value as text that no other value has."""
    kind = type(value)
    match value:
        case Number(number):
            return _written(number, without)
        case Symbol(key):
            return _written(key, without)
        case Apply(operator, arguments):
            return "({} {})".format(operator.name, " ".join(_written(each, without) for each in arguments))
        case Enum():
            return f"{kind.__name__}.{value.name}"
    if value is None or kind in (bool, int, str):
        return repr(value)
    if kind is float:
        return float.hex(value)
    if isinstance(value, Real):
        # Of another type, for another type may round otherwise.
        return f"{kind.__name__} {float(value).hex()}"
    ours = kind.__module__.startswith("clearprop.")
    if kind is tuple or (isinstance(value, tuple) and ours):
        return "({})".format(" ".join(_written(each, without) for each in value))
    # A class of somebody else's may be made of what is in none of its fields.
    if not (is_dataclass(value) and ours):
        raise TypeError(f"not known: {kind!r}")
    names = [each.name for each in fields(value) if each.name not in without.get(kind, ())]
    parts = [f"{name}={_written(getattr(value, name), without)}" for name in names]
    if kind in READ:
        parts.append(_written(READ[kind](value), without))
    return f"{kind.__name__}({', '.join(parts)})"


def _first_alike(rules: list[Any]) -> tuple[int, ...]:
    """Return for each rule the place of the first that equals it."""
    return tuple(map(rules.index, rules))


# --- sources ---------------------------------------------------------------------------------------------

ROOMS = ("engine", "expressions", "rules")
FILES = ("__init__.py", "network/description.py", "network/problem.py", "propagation/dropout.py")
ROOT = Path(__file__).parents[1]


@cache
def sources() -> str | None:
    """Return the hash of the source files that make code, as they stood when this module was imported, or None if they
    cannot be read."""
    return hashed(ROOT)


def unchanged() -> bool:
    """Return whether they stand so still. If somebody is at work on them, nobody knows which of them made the code."""
    return hashed(ROOT) == sources()


def hashed(root: Path) -> str | None:
    """Return the hash of those files below a folder."""
    whole = hashlib.sha256()
    try:
        paths = [path for room in ROOMS for path in (root / room).rglob("*.py")]
        for path in sorted([*paths, *(root / name for name in FILES)]):
            content = path.read_bytes()
            whole.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
            whole.update(content)
    except OSError:
        return None
    return whole.hexdigest()


sources()
