"""Programs are made of rules, not of sizes: one code for networks of any shape, and it trains all of them right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.engine.support.networks import by_engine, judged, native
from tests.engine.support.shapes import FAMILIES, Family

import clearprop as cp
from clearprop.engine import build, machine, plan
from clearprop.engine.fingerprint import Part, fingerprint
from clearprop.engine.program import Program, each_once
from clearprop.network.problem import Problem
from clearprop.training.batching import batch_size

MEMBERS = 30
PARTS: tuple[Part, ...] = ("kernels", "train", "errors", "predict")


@pytest.fixture
def compilations(kept: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All that LLVM was given to compile: each time a part."""
    sources: list[str] = []
    real = machine.compiled

    def counted(source: str, target: machine.Target) -> bytes:
        sources.append(source)
        return real(source, target)

    monkeypatch.setattr(machine, "compiled", counted)
    return sources


def members(family: Family) -> list[tuple[int, Problem]]:
    """Some of a family, those with code of their own set aside."""
    found = [(seed, family.member(seed, weights=15_000)) for seed in range(MEMBERS)]
    return [(seed, problem) for seed, problem in found if of(problem, family).single is None]


def of(problem: Problem, family: Family) -> Program:
    return plan.program(problem, family.dtype, machine.host(), batch_size(problem))


def kind_of(problem: Problem, family: Family) -> tuple[Any, ...]:
    """What may tell the code of a member from that of another one, by another count than the program's.

    How many of the rules there are, whether a layer has dropout or a bias that is shared, how wide the panels are,
    and whether batches are so small that examples are computed one by one.
    """
    sizes, target = problem.network.sizes, machine.host()
    lanes = target.vector_bytes // {"float32": 4, "float64": 8}[family.dtype]
    widths = {1 if (size - 1) % (2 * lanes) < lanes else 2 for size in sizes[1:]}
    widths |= {2 for size in sizes[1:] if size > 2 * lanes}
    few = batch_size(problem) < (4 if target.registers == 32 else 3)
    return min(len(sizes) - 2, len(family.hidden)), tuple(sorted(widths)), few


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_shares_its_code_and_trains_right(name: str, compilations: list[str]) -> None:
    """Of 1 to 6 layers, 1 to 300 units wide, with batches of 1 to 257 examples."""
    family = FAMILIES[name]
    marks: dict[Part, dict[Any, set[str | None]]] = {part: {} for part in PARTS}
    for seed, problem in members(family):
        program, kind = of(problem, family), kind_of(problem, family)
        known: dict[Part, Any] = {"kernels": kind[1], "train": kind, "errors": kind[:2], "predict": kind[:2]}
        for part in PARTS:
            marks[part].setdefault(known[part], set()).add(fingerprint(program, machine.host(), part))
        verdict = judged(problem, family.dtype, by_engine(native(problem, family.dtype, threads=1 + seed % 3)))
        assert verdict.agrees, f"seed {seed}: {verdict}"
    for part, kinds in marks.items():
        # One for each kind, and another one for each.
        assert all(len(found) == 1 for found in kinds.values()), part
        assert len(set.union(*kinds.values())) == len(kinds), part
    assert len(compilations) == sum(len(marks[part]) for part in ("kernels", "train", "errors"))
    assert len(set(compilations)) == len(compilations)


def test_families_have_members_of_all_shapes() -> None:
    problems = [problem for family in FAMILIES.values() for _, problem in members(family)]
    sizes = [problem.network.sizes for problem in problems]
    assert {len(each) - 1 for each in sizes} == {1, 2, 3, 4, 5, 6}
    assert min(min(each) for each in sizes) == 1
    assert max(max(each) for each in sizes) > 250
    assert {batch_size(problem) for problem in problems} >= {1, 2, 3, 257}
    assert len({kind_of(problem, family) for family in FAMILIES.values() for _, problem in members(family)}) > 10


def test_one_code_object_for_two_networks() -> None:
    family = FAMILIES["penalized"]
    grouped: dict[Any, list[Problem]] = {}
    for _, problem in members(family):
        grouped.setdefault(kind_of(problem, family), []).append(problem)
    one, other, *_ = max(grouped.values(), key=len)
    assert one.network.sizes != other.network.sizes
    first, second = native(one, family.dtype), native(other, family.dtype)
    assert first.program == second.program
    assert first.built.training.code == second.built.training.code
    assert first.built.inference.code == second.built.inference.code
    assert second.built.training.origin == "memory"


def test_sizes_are_nowhere_in_the_code() -> None:
    """Built anew for another network, it is the same text."""
    family = FAMILIES["softmax above softmax"]
    grouped: dict[Any, list[Problem]] = {}
    for _, problem in members(family):
        grouped.setdefault(kind_of(problem, family), []).append(problem)
    one, other, *_ = max(grouped.values(), key=len)
    for part in PARTS:
        assert build.source(of(one, family), part) == build.source(of(other, family), part)


def test_each_rule_once() -> None:
    tanh, relu = cp.activation("tanh"), cp.activation("relu")
    assert each_once([tanh, relu, cp.activation("tanh"), relu]) == (tanh, relu)
    assert each_once([]) == ()
