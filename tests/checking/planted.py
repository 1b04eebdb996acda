"""What checking says of simulated students: each makes one mistake, in one of a few exercises."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from tests.checking.exercises import Exercise, random_exercise
from tests.checking.students import STAGES, Student
from tests.checking.written_down import asked, texts

import clearprop as cp
from clearprop.checking.marked import Marked, MarkedClass

DIGITS = 5


@cache
def exercises() -> dict[str, Exercise]:
    """Return exercises in which, together, every mistake of the students can be made."""
    rng = np.random.default_rng(15)
    return {
        "logistic": random_exercise(rng, sizes=[2, 2, 2], activations=["logistic", "logistic"], frozen=True),
        "tanh": random_exercise(rng, sizes=[2, 3, 2], activations=["tanh", "tanh"], loss="squared_error", shared=True),
        "relu": random_exercise(rng, sizes=[3, 3, 2], activations=["relu", "identity"], l2=0.1, shared=False),
        "classes": random_exercise(
            rng, sizes=[2, 2, 2], activations=["tanh", "logistic"], loss="binary_cross_entropy", shared=False
        ),
        "softmax": random_exercise(
            rng, sizes=[2, 2, 3], activations=["logistic", "softmax"], loss="categorical_cross_entropy", shared=False
        ),
        "positive": random_exercise(
            rng,
            sizes=[2, 2],
            activations=["softmax"],
            loss="categorical_cross_entropy",
            weights=[np.array([[0.3, 0.7], [0.9, 0.4]])],
            shared=True,
        ),
    }


@cache
def sheets(exercise: str) -> dict[str, dict[str, str]]:
    """Return the sheet of a student for each mistake that leaves a trace."""
    made = exercises()[exercise]
    right = texts(Student(made).work(), DIGITS)
    found = {}
    for name in (name for names in STAGES.values() for name in names):
        sheet = Student(made, frozenset([name])).work()
        written = texts(sheet, DIGITS)
        if written != right and all(map(math.isfinite, sheet.values())):
            found[name] = written
    return found


@cache
def marked(exercise: str, kinds: tuple[str, ...] = ("",)) -> MarkedClass:
    """Return the marked class of all students; ``kinds`` are the beginnings of the names that the sheet asks for."""
    answers = {name: asked(sheet, kinds) for name, sheet in sheets(exercise).items()}
    found = cp.check(exercises()[exercise].problem, answers)
    assert isinstance(found, MarkedClass)
    return found


def says(sheet: Marked) -> set[str]:
    """Return the mistakes and conventions that a sheet is said to have."""
    return {each.name for each in (*sheet.mistakes, *sheet.conventions)}


def foreign(sheet: Marked, *planted: str) -> list[str]:
    """Return the names that are given without a tie to what was planted."""
    findings = (*sheet.mistakes, *sheet.conventions)
    return [each.name for each in findings if not {each.name, *each.tied_with} & set(planted)]


def require_named(stage: str) -> None:
    """Assert that each mistake of a stage is named in each exercise where it leaves a trace, and nothing else is."""
    seen = set()
    for exercise in exercises():
        for name in STAGES[stage]:
            if name in sheets(exercise):
                sheet = marked(exercise).students[name]
                assert name in says(sheet), (exercise, name, sheet.mistakes)
                assert not foreign(sheet, name), (exercise, name, foreign(sheet, name))
                assert not sheet.unexplained, (exercise, name, sheet.unexplained)
                seen.add(name)
    assert seen == set(STAGES[stage])
