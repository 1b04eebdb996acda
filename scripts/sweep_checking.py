"""Checking against hundreds of simulated students: no false alarm, planted mistakes named, and how long it takes.

    .venv/test/bin/python scripts/sweep_checking.py [--networks 500] [--seed 1] [right] [single] [pairs] [seconds]

Without a name all four run. The students are those of tests/checking/students.py, which share no code with the bank.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.checking.exercises import FUNCTIONS, LOSSES, Exercise, random_exercise
from tests.checking.students import STAGES, Student
from tests.checking.written_down import asked, rounded, significant, texts

import clearprop as cp
from clearprop.checking.marked import Marked, MarkedClass
from clearprop.errors import ClearpropError

SHEETS = [(3, False), (4, False), (5, False), (3, True), (4, True)]
"""Digits, and whether they are significant ones."""
ASKED = {
    "every line": ("",),
    "gradients": ("∂E_total/∂w", "∂E_total/∂b"),
    "some lines": ("output_", "E_", "∂E_total/∂w", "new_w"),
}
SIZES = [[2, 2, 2], [3, 2, 2], [2, 3, 2, 2], [2, 2, 3], [3, 3, 3]]


def any_exercise(rng: np.random.Generator) -> Exercise:
    """Return an exercise of 1 to 5 layers with any activations, loss and settings."""
    sizes = [int(n) for n in rng.integers(1, 5, size=int(rng.integers(2, 7)))]
    kinds = [str(rng.choice(list(FUNCTIONS))) for _ in sizes[1:]]
    return _fitting(rng, sizes, kinds, str(rng.choice(list(LOSSES))), mean=bool(rng.integers(2)))


def usual_exercise(rng: np.random.Generator) -> Exercise:
    """Return an exercise of the kind that courses set."""
    sizes = list(SIZES[int(rng.integers(len(SIZES)))])
    kinds = [str(rng.choice(["logistic", "tanh", "relu"])) for _ in sizes[1:]]
    usual = [
        "half_squared_error",
        "half_squared_error",
        "squared_error",
        "binary_cross_entropy",
        "categorical_cross_entropy",
    ]
    return _fitting(rng, sizes, kinds, str(rng.choice(usual)))


def _fitting(rng: np.random.Generator, sizes: list[int], kinds: list[str], loss: str, **more: Any) -> Exercise:
    if loss == "categorical_cross_entropy":
        kinds[-1], sizes[-1] = "softmax", max(2, sizes[-1])
    if loss == "binary_cross_entropy":
        kinds[-1] = "logistic"
    l2 = float(rng.choice([0.0, 0.0, 0.0, 0.1]))
    return random_exercise(rng, sizes=sizes, activations=kinds, loss=loss, frozen=bool(rng.integers(2)), l2=l2, **more)


def right(rng: np.random.Generator, networks: int) -> Counter[str]:
    """Check right sheets, rounded or cut off, carried or not."""
    count: Counter[str] = Counter()
    for _ in range(networks):
        exercise = any_exercise(rng)
        try:
            problem = exercise.problem
            cp.cycle(problem)
        except ClearpropError:
            count["networks without finite numbers"] += 1
            continue
        for digits, of_value in SHEETS:
            for cut in (False, True):
                keep = (significant if of_value else rounded)(digits, cut)
                class_of = {}
                for carried in (False, True):
                    sheet = Student(exercise, keep=keep if carried else float).work()
                    finite = {name: number for name, number in sheet.items() if math.isfinite(number)}
                    class_of[str(carried)] = texts(finite, digits, significant_digits=of_value, truncated=cut)
                found = cp.check(problem, class_of, rounding="truncate" if cut else "nearest")
                assert isinstance(found, MarkedClass)
                for name, marked in found.students.items():
                    count["sheets"] += 1
                    lines = [line for line in marked.lines if line.given]
                    count["lines"] += len(lines)
                    alarms = [line for line in lines if line.verdict.value == "wrong"]
                    count["false alarms"] += len(alarms)
                    for line in alarms[:1]:
                        print(
                            f"  {exercise.sizes} {exercise.activations} {exercise.loss} {digits} {cut} {name}: {line}"
                        )
    return count


def planted(rng: np.random.Generator, networks: int, pairs: bool) -> Counter[str]:
    """Check students who make one mistake, or two of different stages."""
    count: Counter[str] = Counter()
    for _ in range(networks):
        exercise = usual_exercise(rng)
        problem, digits = exercise.problem, int(rng.integers(4, 6))
        honest = texts(Student(exercise).work(), digits)
        for on, kinds in {"every line": ASKED["every line"]}.items() if pairs else ASKED.items():
            sheets = dict(_sheets(rng, exercise, digits, honest, kinds, pairs))
            if not sheets:
                continue
            found = cp.check(problem, {" ".join(names): sheet for names, sheet in sheets.items()})
            assert isinstance(found, MarkedClass)
            for names in sheets:
                _count(count, on, names, found.students[" ".join(names)], exercise)
    return count


def _sheets(
    rng: np.random.Generator,
    exercise: Exercise,
    digits: int,
    honest: dict[str, str],
    kinds: tuple[str, ...],
    pairs: bool,
) -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
    """Yield mistakes that leave a trace on what is asked, each with its sheet."""
    every = [(stage, name) for stage, names in STAGES.items() for name in names]
    alone = {}
    for _, name in every:
        sheet = Student(exercise, frozenset([name])).work()
        written = asked(texts(sheet, digits), kinds)
        if all(map(math.isfinite, sheet.values())) and written != asked(honest, kinds):
            alone[name] = written
    if not pairs:
        yield from (((name,), sheet) for name, sheet in alone.items())
        return
    visible = [(stage, name) for stage, name in every if name in alone]
    for _ in range(40):
        (one, first), (other, second) = (visible[int(at)] for at in rng.integers(len(visible), size=2))
        sheet = Student(exercise, frozenset([first, second])).work()
        written = asked(texts(sheet, digits), kinds)
        hidden = written in (alone[first], alone[second])
        if one != other and not hidden and all(map(math.isfinite, sheet.values())):
            yield (first, second), written


def _count(count: Counter[str], on: str, names: tuple[str, ...], marked: Marked, exercise: Exercise) -> None:
    if marked.all_right:
        count[f"{on}: within the rounding"] += 1
        return
    findings = (*marked.mistakes, *marked.conventions)
    named = {each.name for each in findings}
    foreign = [each.name for each in findings if not {each.name, *each.tied_with} & set(names)]
    count[f"{on}: traces"] += 1
    count[f"{on}: named"] += named.issuperset(names)
    count[f"{on}: named alone"] += named == set(names)
    count[f"{on}: something else named too"] += bool(foreign) and named.issuperset(names)
    count[f"{on}: misnamed"] += bool(foreign) and not named.issuperset(names)
    if not named.issuperset(names):
        print(f"  {on}: {' '.join(names)} in {exercise.sizes} {exercise.activations} {exercise.loss}: {sorted(named)}")


def seconds() -> Counter[str]:
    """Time one sheet, and a class of 1,000, of the lecture's network."""
    problem = cp.load("lecture")
    done = cp.cycle(problem)
    from clearprop.checking.bank import BANK
    from clearprop.checking.wrong_cycle import wrong_cycle

    sheets = []
    for name in BANK:
        try:
            lines = wrong_cycle(done, name).lines
        except ClearpropError:
            continue
        sheets.append({done.names.text(line.quantity): f"{line.wrong_value:.5f}" for line in lines})
    start = time.perf_counter()
    cp.check(problem, sheets[0])
    one = time.perf_counter() - start
    start = time.perf_counter()
    cp.check(problem, {f"student {k}": sheets[k % len(sheets)] for k in range(1_000)})
    return Counter(
        {
            "milliseconds for one sheet": int(1000 * one),
            "for a class of 1,000": int(1000 * (time.perf_counter() - start)),
        }
    )


def main() -> None:
    """Run what is named, and print what was counted."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("what", nargs="*", choices=["right", "single", "pairs", "seconds", []])
    options.add_argument("--networks", type=int, default=500)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    rng = np.random.default_rng(given.seed)
    runs = {
        "right": lambda: right(rng, given.networks),
        "single": lambda: planted(rng, max(1, given.networks // 10), pairs=False),
        "pairs": lambda: planted(rng, max(1, given.networks // 10), pairs=True),
        "seconds": seconds,
    }
    for name in given.what or runs:
        print(name, flush=True)
        for what, number in sorted(runs[name]().items()):
            print(f"  {what}: {number:,}", flush=True)


if __name__ == "__main__":
    main()
