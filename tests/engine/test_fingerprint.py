"""What code is kept under: two programs that differ in their code never share it, and names do not matter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop as cp
from clearprop.engine import build, fingerprint, machine, modules
from clearprop.engine.block import Numbers
from clearprop.engine.fingerprint import Part, description
from clearprop.engine.machine import Target
from clearprop.engine.program import Program, Tile
from clearprop.expressions.tree import maximum
from clearprop.network.description import Network
from clearprop.network.examples import Examples
from clearprop.rules.activations import ACTIVATIONS, Activation
from clearprop.rules.losses import LOSSES
from clearprop.rules.optimizers import OPTIMIZERS
from clearprop.rules.roles import Role, z
from clearprop.rules.schedules import Schedule

TARGET = Target("x86_64-unknown-linux-gnu", "x86-64", ())
PARTS: tuple[Part, ...] = ("training", "inference")
Settings = Mapping[str, Any]


# --- programs by their settings ------------------------------------------------------------------------------

BASE: Settings = {
    "sizes": (3, 5, 2), "activation": "leaky_relu", "slope": 0.1, "last": "tanh", "bias": "unit", "train_bias": True,
    "dropout": 0.0, "loss": "huber", "delta": 1.0, "over_outputs": "sum", "optimizer": "sgd", "options": {},
    "clip_norm": None, "clip_value": None, "l1": 0.0, "l2": 0.0, "weighted": False, "numbers": ("float64", 2, False),
    "tile": (2, 1, 1, 4), "triple": TARGET.triple, "x86": True, "whole": False,
    "blanks": False, "stops": False,
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
    same: dict[str, Any] = {"bias": s["bias"], "train_bias": s["train_bias"], "dropout": s["dropout"]}
    layers = [cp.Dense(_units(size, k, s["names"]), rule, **same) for k, size in enumerate(hidden)]
    loss = cp.loss(s["loss"], **({"delta": s["delta"]} if s["loss"] == "huber" else {}))
    objective = cp.Objective(loss, s["over_outputs"], s["over_examples"])
    network = cp.Network(_units(inputs, 9, s["names"]), [*layers, cp.Dense(outputs, s["last"], **same)], objective)
    optimizer = replace(
        OPTIMIZERS[s["optimizer"]](s["rate"], **s["options"]),
        clip_norm=s["clip_norm"],
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
    target = s["triple"], s["x86"]
    return Program(
        problem, Numbers(*s["numbers"]), Tile(*s["tile"]), *target, s["whole"], blanks=s["blanks"], stops=s["stops"]
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


def confused(one: Program, other: Program) -> list[Part]:
    """The parts whose code differs although the fingerprints say that it is the same."""
    return [
        part
        for part in PARTS
        if fingerprint.fingerprint(one, TARGET, part) == fingerprint.fingerprint(other, TARGET, part)
        and code(one, part) != code(other, part)
    ]


# --- what matters --------------------------------------------------------------------------------------------

ADAM = {"optimizer": "adam"}
SOFTMAX = {"last": "softmax", "loss": "categorical_cross_entropy"}
MATTERS: Mapping[str, tuple[Settings, Settings]] = {
    "inputs": ({}, {"sizes": (4, 5, 2)}),
    "units": ({}, {"sizes": (3, 6, 2)}),
    "outputs": ({}, {"sizes": (3, 5, 1)}),
    "layers": ({}, {"sizes": (3, 5, 5, 2)}),
    "activation": ({}, {"activation": "relu"}),
    "last activation": ({}, {"last": "logistic"}),
    "a constant": ({}, {"slope": 0.2}),
    "its last bit": ({}, {"slope": float(np.nextafter(0.1, 1))}),
    "an expression": ({"activation": "z*z"}, {"activation": "z*(z)+z"}),
    "its last digit": ({"activation": "0.1*z"}, {"activation": "0.10000000000000002*z"}),
    "softmax": ({"loss": "squared_error"}, {"loss": "squared_error", "last": "softmax"}),
    "joined": ({"loss": "binary_cross_entropy", "last": "logistic"},
               {"loss": "-(t * log(y) + (1 - t) * log(1 - y))", "last": "logistic"}),
    "softmax, joined": (SOFTMAX, {**SOFTMAX, "loss": "-(t * log(y))"}),
    "bias": ({}, {"bias": "shared"}),
    "no bias": ({}, {"bias": "none"}),
    "frozen biases": ({}, {"train_bias": False}),
    "dropout": ({}, {"dropout": 0.5}),
    "its share": ({"dropout": 0.5}, {"dropout": 0.5000000000000001}),
    "loss": ({}, {"loss": "squared_error"}),
    "a constant of the loss": ({}, {"delta": 1.0000000000000002}),
    "mean over outputs": ({}, {"over_outputs": "mean"}),
    "optimizer": ({}, ADAM),
    "momentum": ({}, {"options": {"momentum": 0.9}}),
    "nesterov": ({"options": {"momentum": 0.9}}, {"options": {"momentum": 0.9, "nesterov": True}}),
    "coupled decay": (ADAM, {**ADAM, "options": {"weight_decay": 0.1}}),
    "clip_norm": ({"whole": True}, {"whole": True, "clip_norm": 1.0}),
    "its limit": ({"whole": True, "clip_norm": 1.0}, {"whole": True, "clip_norm": 1.0000000000000002}),
    "clip_value": ({}, {"clip_value": 1.0}),
    "its bound": ({"clip_value": 1.0}, {"clip_value": 1.0000000000000002}),
    "l2": ({}, {"l2": 0.1}),
    "how much l2": ({"l2": 0.1}, {"l2": float(np.nextafter(0.1, 1))}),
    "l1": ({}, {"l1": 0.1}),
    "l1 or l2": ({"l1": 0.1}, {"l2": 0.1}),
    "weights of examples": ({}, {"weighted": True}),
    "precision": ({}, {"numbers": ("float32", 2, False)}),
    "lanes": ({}, {"numbers": ("float64", 4, False)}),
    "fused": ({}, {"numbers": ("float64", 2, True)}),
    "rows of a tile": ({}, {"tile": (3, 1, 1, 4)}),
    "inputs of a tile": ({}, {"tile": (2, 2, 1, 4)}),
    "vectors of a tile": ({}, {"tile": (2, 1, 2, 4)}),
    "panels of a tile": ({}, {"tile": (2, 1, 1, 1)}),
    "triple": ({}, {"triple": "aarch64-unknown-linux-gnu"}),
    "x86": ({}, {"x86": False}),
    "the whole gradient": ({}, {"whole": True}),
    "blanks": ({}, {"blanks": True}),
    "stops": ({}, {"stops": True}),
}  # fmt: skip
DOES_NOT: Mapping[str, tuple[Settings, Settings]] = {
    "rate": ({}, {"rate": 0.2}),
    "schedule": ({}, {"schedule": "cosine"}),
    "seed": ({}, {"seed": 1}),
    "epochs": ({}, {"epochs": 4}),
    "names": ({}, {"names": True}),
    "momentum, once there is some": ({"options": {"momentum": 0.9}}, {"options": {"momentum": 0.8}}),
    "decay, once there is some": ({"options": {"weight_decay": 0.1}}, {"options": {"weight_decay": 0.2}}),
    "betas": (ADAM, {**ADAM, "options": {"betas": (0.8, 0.9), "eps": 1e-3}}),
    "initial state": (
        {"optimizer": "adagrad"},
        {"optimizer": "adagrad", "options": {"initial_accumulator_value": 1.0}},
    ),
    "another way to say it": ({"activation": "logistic"}, {"activation": "sigmoid"}),
    "the rule's name": ({"activation": "leaky_relu"}, {"activation": "where(z > 0, z, 0.1 * z)"}),
}


@pytest.mark.parametrize("name", MATTERS)
def test_what_changes_the_code_changes_the_fingerprint(name: str) -> None:
    one, other = (program(settings) for settings in MATTERS[name])
    assert code(one, "training") != code(other, "training")
    assert fingerprint.fingerprint(one, TARGET, "training") != fingerprint.fingerprint(other, TARGET, "training")
    assert not confused(one, other)


@pytest.mark.parametrize("name", DOES_NOT)
def test_what_does_not_leaves_it_alone(name: str) -> None:
    one, other = (program(settings) for settings in DOES_NOT[name])
    for part in PARTS:
        assert fingerprint.fingerprint(one, TARGET, part) == fingerprint.fingerprint(other, TARGET, part)
        assert code(one, part) == code(other, part)


def test_prediction_is_the_same_however_a_network_was_trained() -> None:
    plain = program()
    for change in (
        "optimizer",
        "coupled decay",
        "clip_norm",
        "clip_value",
        "l2",
        "the whole gradient",
        "blanks",
        "stops",
    ):
        one, other = (program(settings) for settings in MATTERS[change])
        assert fingerprint.fingerprint(one, TARGET, "inference") == fingerprint.fingerprint(other, TARGET, "inference")
        assert not confused(one, other)
    assert len({fingerprint.fingerprint(plain, TARGET, part) for part in PARTS}) == 2


CHOICES: Mapping[str, list[Any]] = {
    "sizes": [(1, 1), (1, 2), (2, 1), (1, 1, 1)],
    "activation": ["leaky_relu", "relu", "z", "identity", "where(z > 0, z, 0.1 * z)"],
    "last": ["logistic", "softmax"],
    "loss": ["binary_cross_entropy", "categorical_cross_entropy", "-(t * log(y))"],
    "bias": ["unit", "shared", "none"],
    "train_bias": [True, False],
    "dropout": [0.0, 0.5],
    "optimizer": ["sgd", "adagrad"],
    "over_outputs": ["sum", "mean"],
    "clip_norm": [None, 1.0],
    "l1": [0.0, 0.1],
    "weighted": [True, False],
    "whole": [True, False],
    "blanks": [True, False],
    "stops": [True, False],
    "names": [True, False],
    "rate": [0.1, 0.2],
    "numbers": [("float64", 2, False), ("float32", 4, False)],
    "tile": [(1, 1, 1, 1), (1, 1, 1, 2)],
}


@settings(max_examples=30)
@given(st.data())
def test_equal_fingerprints_mean_equal_code(data: st.DataObject) -> None:
    first = {name: data.draw(st.sampled_from(values), label=name) for name, values in CHOICES.items()}
    changed = data.draw(st.lists(st.sampled_from(sorted(CHOICES)), max_size=2, unique=True), label="changed")
    second = {**first, **{name: data.draw(st.sampled_from(CHOICES[name]), label=name) for name in changed}}
    if any(s["loss"] == "categorical_cross_entropy" and s["last"] != "softmax" for s in (first, second)):
        return
    assert not confused(program(first), program(second))


# Fields that would be missed, and a change that shows it.
MISSED = [
    (cp.Dense, "bias", "bias"),
    (cp.Dense, "train_bias", "frozen biases"),
    (cp.Dense, "dropout", "its share"),
    (cp.Dense, "activation", "activation"),
    (cp.Objective, "over_outputs", "mean over outputs"),
    (cp.Problem, "penalty", "l2"),
    (cp.Problem, "optimizer", "clip_norm"),
    (Numbers, "dtype", "precision"),
    (Numbers, "fused", "fused"),
    (Tile, "panels", "panels of a tile"),
    (Program, "whole_gradient", "the whole gradient"),
    (Program, "blanks", "blanks"),
    (Program, "stops", "stops"),
]


@pytest.mark.parametrize(("kind", "field", "change"), MISSED, ids=lambda value: getattr(value, "__name__", value))
def test_a_field_that_is_missed_would_be_found(
    kind: type, field: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (program(settings) for settings in MATTERS[change])
    missed = {**fingerprint.LEFT_OUT, kind: (*fingerprint.LEFT_OUT.get(kind, ()), field)}
    monkeypatch.setattr(fingerprint, "LEFT_OUT", missed)
    assert "training" in confused(one, other)


@pytest.mark.parametrize(
    ("kind", "change"),
    [(Network, "units"), (cp.Problem, "weights of examples"), (Activation, "its last bit")],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_follows_from_fields_would_be_found_missing(
    kind: type, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (program(settings) for settings in MATTERS[change])
    monkeypatch.setattr(fingerprint, "READ", {each: read for each, read in fingerprint.READ.items() if each != kind})
    assert "training" in confused(one, other)


# --- the description -----------------------------------------------------------------------------------------


def test_everything_that_comes_with_clearprop_has_a_fingerprint() -> None:
    settings: list[Settings] = [{"activation": name} for name in ACTIVATIONS]
    settings += [{"loss": name} for name in LOSSES if LOSSES[name].outputs[0] != 0.0]
    settings += [{"loss": "binary_cross_entropy", "last": "logistic"}, SOFTMAX]
    settings += [{"optimizer": name} for name in OPTIMIZERS]
    found = {fingerprint.fingerprint(program(each), TARGET, part) for each in settings for part in PARTS}
    assert None not in found
    assert len(found) > len(settings)


def test_numbers_are_exact() -> None:
    third = 1 / 3
    text = description(program(slope=third), "training")
    assert third.hex() in text
    assert description(program(slope=float(np.nextafter(third, 1))), "training") != text
    # Zero and minus zero are equal and compute differently.
    assert description(program(l2=1.0, slope=0.0), "training") != description(program(l2=1.0, slope=-0.0), "training")


def test_layers_with_equal_rules_share_their_code_and_the_fingerprint_knows() -> None:
    rule = cp.activation("leaky_relu", slope=0.1)
    again, other = replace(rule), replace(rule, name="another")
    assert again is not rule

    def of(*rules: Any) -> Program:
        network = cp.Network(2, [cp.Dense(3, each) for each in rules], "squared_error")
        return replace(program(), problem=cp.Problem(network))

    same, too, apart = of(rule, rule, rule), of(rule, again, rule), of(rule, other, rule)
    assert description(same, "training") == description(too, "training") != description(apart, "training")
    assert code(same, "training") == code(too, "training") != code(apart, "training")
    assert not confused(same, apart)
    assert description(of(other, rule, other), "training") == description(apart, "training")
    assert not confused(of(other, rule, other), apart)


@dataclass(frozen=True)
class Doubled(Activation):
    """An activation whose slope does not follow from its fields."""


def test_what_is_not_known_is_not_kept() -> None:
    strange = Doubled("strange", maximum(z, 0), "a test")
    network = cp.Network(2, [cp.Dense(1, strange)], "squared_error")
    of = replace(program(), problem=cp.Problem(network))
    assert fingerprint.fingerprint(of, TARGET, "training") is None
    with pytest.raises(TypeError, match="Doubled"):
        description(of, "training")
    for unknown in ({1}, object(), np.ones(2), Role, [1.0]):
        with pytest.raises(TypeError):
            fingerprint._written(unknown, {})


def test_numbers_of_other_types_are_told_apart() -> None:
    """They may round otherwise where the code is built."""
    written = {fingerprint._written(value, {}) for value in (1, 1.0, True, np.float32(1), np.float64(1), "1", None)}
    assert len(written) == 7


# --- the machine and the sources -----------------------------------------------------------------------------


def test_machine_and_versions_are_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    of = program()
    found = [fingerprint.fingerprint(of, TARGET, "training")]
    targets = (
        replace(TARGET, cpu="haswell"),
        replace(TARGET, features=("avx",)),
        replace(TARGET, lacking=("avx",)),
        replace(TARGET, triple="aarch64-apple-darwin"),
    )
    found += [fingerprint.fingerprint(of, target, "training") for target in targets]
    for name, value in (
        ("clearprop.engine.machine.versions", lambda: "llvmlite 0"),
        ("clearprop.engine.fingerprint.sources", lambda: "other"),
        ("numpy.__version__", "0"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(name, value)
            found.append(fingerprint.fingerprint(of, TARGET, "training"))
    assert None not in found
    assert len(set(found)) == len(found)
    assert fingerprint.fingerprint(of, TARGET, "training") == found[0]
    assert "LLVM" in machine.versions()


def test_the_sources_are_hashed_to_the_last_byte(tmp_path: Path) -> None:
    files = [tmp_path / name for name in (*fingerprint.FILES, *(f"{room}/a.py" for room in fingerprint.ROOMS))]
    files.append(tmp_path / "engine" / "kernels" / "deep.py")
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    (tmp_path / "engine" / "notes.txt").write_text("no code")
    found = [fingerprint.hashed(tmp_path)]
    assert found == [fingerprint.hashed(tmp_path)]
    for path in files:
        path.write_text("x = 2\n")
        found.append(fingerprint.hashed(tmp_path))
    files[-1].rename(files[-1].with_name("other.py"))
    found.append(fingerprint.hashed(tmp_path))
    (tmp_path / "engine" / "a.py").unlink()
    found.append(fingerprint.hashed(tmp_path))
    assert None not in found
    assert len(set(found)) == len(found)


def test_without_sources_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fingerprint.hashed(tmp_path) is None
    monkeypatch.setattr(fingerprint, "sources", lambda: None)
    assert fingerprint.fingerprint(program(), TARGET, "training") is None


OTHER_PROCESS = """
import hashlib
from tests.engine.test_fingerprint import ADAM, TARGET, build, fingerprint, program
of = program(ADAM, dropout=0.5, clip_norm=1.0)
code = build.source(of, "training").encode()
print(fingerprint.fingerprint(of, TARGET, "training"), hashlib.sha256(code).hexdigest())
"""


def test_other_processes_find_the_same() -> None:
    """Also with sets in another order."""
    root = Path(__file__).parents[2]
    found = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
        run = [sys.executable, "-c", OTHER_PROCESS]
        found.add(subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(found) == 1


# --- one module for all --------------------------------------------------------------------------------------


def functions(text: str) -> dict[str, str]:
    """The functions of a module, by name."""
    parts = text.split("\ndefine ")[1:]
    return {part.partition("@")[2].partition("(")[0]: part[: part.index("\n}")] for part in parts}


@pytest.mark.parametrize(
    "settings", [{}, SOFTMAX, {"last": "softmax", "dropout": 0.5}], ids=["plain", "joined", "apart"]
)
def test_together_functions_are_what_they_are_apart(settings: Settings) -> None:
    of = program(settings)
    whole = functions(code(of, "training"))
    makers: list[Callable[[Program], Any]] = [modules.training, modules.inference]
    parts = [functions(str(make(of))) for make in makers]
    assert whole == parts[0] | parts[1]
    assert all(parts[0][name] == parts[1][name] for name in parts[0].keys() & parts[1].keys())
    assert {'"train"', '"predict"', '"errors"'} <= whole.keys()
