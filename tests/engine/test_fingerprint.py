"""What code is kept under: two programs that differ in their code never share it, and names do not matter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.support.changes import CAUTIOUS, DOES_NOT, MATTERS, RULES, SOFTMAX
from tests.engine.support.programs import PARTS, TARGET, Doubled, Settings, code, of_problem, program

import clearprop as cp
from clearprop.engine import build, fingerprint, machine
from clearprop.engine.fingerprint import Part, description
from clearprop.engine.numbers import Numbers
from clearprop.engine.program import Program, Tile
from clearprop.expressions.tree import maximum
from clearprop.network.description import Network
from clearprop.rules.activations import ACTIVATIONS, Activation
from clearprop.rules.losses import LOSSES, Loss
from clearprop.rules.optimizers import OPTIMIZERS, Optimizer
from clearprop.rules.roles import Role, z

pytestmark = pytest.mark.usefixtures("kept")


def confused(one: Program, other: Program) -> list[Part]:
    """The parts whose code differs although the fingerprints say that it is the same."""
    return [
        part
        for part in PARTS
        if fingerprint.fingerprint(one, TARGET, part) == fingerprint.fingerprint(other, TARGET, part)
        and code(one, part) != code(other, part)
    ]


# --- what matters --------------------------------------------------------------------------------------------


def marks(of: Program) -> list[str | None]:
    """The fingerprints of all parts."""
    return [fingerprint.fingerprint(of, TARGET, part) for part in PARTS]


@pytest.mark.parametrize("name", MATTERS)
def test_what_changes_the_code_changes_the_fingerprint(name: str) -> None:
    """Of the parts that are made of it, and of no other."""
    *settings, parts = MATTERS[name]
    one, other = (program(each) for each in settings)
    assert tuple(part for part in PARTS if code(one, part) != code(other, part)) == parts
    apart = {part for part, *pair in zip(PARTS, marks(one), marks(other), strict=True) if pair[0] != pair[1]}
    assert apart == {*parts, *CAUTIOUS.get(name, ())}


@pytest.mark.parametrize("name", DOES_NOT)
def test_what_does_not_leaves_it_alone(name: str) -> None:
    one, other = (program(settings) for settings in DOES_NOT[name])
    assert marks(one) == marks(other)
    for part in PARTS:
        assert code(one, part) == code(other, part)


def test_parts_have_fingerprints_of_their_own() -> None:
    assert len(set(marks(program()))) == len(PARTS)


CHOICES: Mapping[str, list[Any]] = {
    "sizes": [(1, 1), (1, 2), (2, 1), (1, 1, 1)],
    "activation": ["leaky_relu", "logistic", "softmax", "z", "identity", "where(z > 0, z, 0.1 * z)"],
    "last": ["logistic", "softmax", "1 / (1 + exp(-z))"],
    "loss": ["binary_cross_entropy", "categorical_cross_entropy", "-(t * log(y))"],
    "bias": ["unit", "shared", "none"],
    "train_bias": [True, False],
    "dropout": [0.0, 0.5],
    "outputs_dropout": [0.0, 0.5],
    "single": [True, False],
    "alone": [True, False],
    "widths": [None, (1,), (2,), (1, 2)],
    "optimizer": ["sgd", "adagrad"],
    "over_outputs": ["sum", "mean"],
    "clip_norm": [None, 1.0],
    "clip_norm_per": ["all", "variable"],
    "l1": [0.0, 0.1, 0.2],
    "weighted": [True, False],
    "whole": [True, False],
    "stops": [True, False],
    "names": [True, False],
    "rate": [0.1, 0.2],
    "numbers": [("float64", 2, False), ("float32", 4, False)],
    "tile": [(1, 1, 2), (1, 2, 2)],
}


@settings(max_examples=15)
@given(st.data())
def test_equal_fingerprints_mean_equal_code(data: st.DataObject) -> None:
    first = {name: data.draw(st.sampled_from(values), label=name) for name, values in CHOICES.items()}
    changed = data.draw(st.lists(st.sampled_from(sorted(CHOICES)), max_size=2, unique=True), label="changed")
    second = {**first, **{name: data.draw(st.sampled_from(CHOICES[name]), label=name) for name in changed}}
    for s in (first, second):
        if s["loss"] == "categorical_cross_entropy":
            s["last"] = "softmax"
    assert not confused(program(first), program(second))


# Fields that would be missed, and a change that shows it.
MISSED = [
    (Numbers, "dtype", "precision"),
    (Numbers, "lanes", "lanes"),
    (Numbers, "fma", "fma"),
    (Tile, "rows", "rows of a tile"),
    (Tile, "inputs", "inputs of a tile"),
    (Tile, "vectors", "vectors of a tile"),
    (Optimizer, "assignments", "nesterov"),
    (Optimizer, "clip_norm", "its limit"),
    (cp.Dense, "train_bias", "frozen biases, single"),
    (cp.Dense, "bias", "no bias, single"),
    (cp.Objective, "over_outputs", "mean over outputs, single"),
]
MISSED_OF_PROGRAMS = {
    "numbers": "precision",
    "tile": "rows of a tile",
    "triple": "triple",
    "x86": "x86",
    "widths": "widths of panels",
    "hidden": "activation",
    "last": "last activation",
    "loss": "loss",
    "fused": "fused",
    "optimizer": "optimizer",
    "penalty": "l2",
    "weighted": "weights of examples",
    "dropped": "dropout",
    "outputs_dropped": "dropout of fused outputs",
    "shared": "a bias that is shared",
    "whole_gradient": "the whole gradient",
    "alone": "one by one",
    "single": "single examples",
}


def shown(change: str) -> tuple[Program, Program]:
    """Two programs that differ in that."""
    one, other, _ = MATTERS[change]
    return program(one), program(other)


@pytest.mark.parametrize(("kind", "field", "change"), MISSED, ids=lambda value: getattr(value, "__name__", value))
def test_a_field_that_is_missed_would_be_found(
    kind: type, field: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = {**fingerprint.LEFT_OUT, kind: (*fingerprint.LEFT_OUT.get(kind, ()), field)}
    monkeypatch.setattr(fingerprint, "LEFT_OUT", missed)
    assert confused(*shown(change)) == list(MATTERS[change][2])


@pytest.mark.parametrize("field", [each.name for each in fields(Program)])
def test_a_field_of_programs_that_is_missed_would_be_found(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every part whose code is made of it."""
    one, other = shown(MISSED_OF_PROGRAMS[field])
    for part in MATTERS[MISSED_OF_PROGRAMS[field]][2]:
        assert part not in confused(one, other)
        with monkeypatch.context() as patch:
            unknown = {**fingerprint.UNKNOWN_TO, part: (*fingerprint.UNKNOWN_TO[part], field)}
            patch.setattr(fingerprint, "UNKNOWN_TO", unknown)
            # What else tells them apart is not what this is about.
            alike = replace(other, **{each: getattr(one, each) for each in ALONG.get(field, ())})
            found = fingerprint.description(one, part) == fingerprint.description(alike, part)
        assert found
        assert code(one, part) != code(other, part)


ALONG: Mapping[str, tuple[str, ...]] = {"loss": ("fused",), "fused": ("loss",)}
"""Fields that change together."""


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Network, "units, single"),
        (Activation, "its last bit"),
        (Loss, "a constant of the loss"),
        (Optimizer, "its bound"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_follows_from_fields_would_be_found_missing(
    kind: type, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = shown(change)
    monkeypatch.setattr(fingerprint, "READ", {each: read for each, read in fingerprint.READ.items() if each != kind})
    if kind is Optimizer:  # of which this is a field as well
        left_out = {**fingerprint.LEFT_OUT, Optimizer: (*fingerprint.LEFT_OUT[Optimizer], "clip_value")}
        monkeypatch.setattr(fingerprint, "LEFT_OUT", left_out)
    assert "train" in confused(one, other)


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
    text = description(program(slope=third), "predict")
    assert third.hex() in text
    assert description(program(slope=float(np.nextafter(third, 1))), "predict") != text
    # Zero and minus zero are equal and compute differently.
    assert description(program(slope=0.0), "predict") != description(program(slope=-0.0), "predict")


def test_layers_with_equal_rules_share_their_code_and_the_fingerprint_knows() -> None:
    rule = cp.activation("leaky_relu", slope=0.1)
    again, other = replace(rule), replace(rule, name="another")
    assert again is not rule

    def of(*rules: Any) -> Program:
        return of_problem(cp.Problem(cp.Network(2, [cp.Dense(3, each) for each in rules], "squared_error")))

    def known(of: Program, part: Part) -> tuple[str, str]:
        return description(of, part), build.source(of, part)

    for part in PARTS:
        same = known(of(rule, rule, rule), part)
        assert known(of(rule, again, rule), part) == same
        assert known(of(other, other, other), part) == same
        assert known(of(again, rule), part) == same
        # Told apart by their names, layers have numbers of their own.
        found = [known(of(*rules), part) for rules in ((rule, other, rule), (rule, rule, other), (rule, other, other))]
        for each in (same, *found):
            assert all(each[1] == one[1] for one in (same, *found) if one[0] == each[0])
        assert all((each[0] == same[0]) == (part in ("kernels", "epochs", "apply")) for each in found)


def test_what_is_not_known_is_not_kept() -> None:
    strange = Doubled("strange", maximum(z, 0), "a test")
    of = of_problem(cp.Problem(cp.Network(2, [cp.Dense(1, strange)], "squared_error")))
    for part in RULES:
        assert fingerprint.fingerprint(of, TARGET, part) is None
        with pytest.raises(TypeError, match="Doubled"):
            description(of, part)
    assert fingerprint.fingerprint(of, TARGET, "kernels") is not None
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
    found = [fingerprint.fingerprint(of, TARGET, "train")]
    targets = (
        replace(TARGET, cpu="haswell"),
        replace(TARGET, features=("avx",)),
        replace(TARGET, lacking=("avx",)),
        replace(TARGET, triple="aarch64-apple-darwin"),
    )
    found += [fingerprint.fingerprint(of, target, "train") for target in targets]
    for name, value in (
        ("clearprop.engine.machine.versions", lambda: "llvmlite 0"),
        ("clearprop.engine.fingerprint.sources", lambda: "other"),
        ("numpy.__version__", "0"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(name, value)
            found.append(fingerprint.fingerprint(of, TARGET, "train"))
    assert None not in found
    assert len(set(found)) == len(found)
    assert fingerprint.fingerprint(of, TARGET, "train") == found[0]
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
    assert fingerprint.fingerprint(program(), TARGET, "train") is None


OTHER_PROCESS = """
import hashlib
from clearprop.engine import build, fingerprint
from tests.engine.support.programs import PARTS, TARGET, program
of = program(optimizer="adam", dropout=0.5, clip_norm=1.0)
for part in PARTS:
    code = build.source(of, part).encode()
    print(fingerprint.fingerprint(of, TARGET, part), hashlib.sha256(code).hexdigest())
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
