"""The use of each column of a table: numbers, categories, the target, or nothing."""

from __future__ import annotations

from typing import NamedTuple

from clearprop.network.problem import Problem


class Becomes(NamedTuple):
    """The use of one column: ``what`` is ``"number"``, ``"categories"``, ``"target"``, ``"weights"`` or
    ``"left out"``, for which ``why`` has the reason; ``inputs`` are the inputs that it makes."""

    name: str
    what: str
    inputs: int = 0
    why: str = ""


def overview(problem: Problem) -> list[Becomes]:
    """Return what each column of a problem's table became: first the inputs, in their order."""
    data, fitted = problem.data, problem.fitted
    if fitted is None:
        return []
    inputs = [
        Becomes(each.name, "number" if each.categories is None else "categories", each.width) for each in fitted.columns
    ]
    targets = [Becomes(name, "target") for name in fitted.targets]
    weights = [Becomes(data.weight_column, "weights")] if data is not None and data.weight_column else []
    return [*inputs, *targets, *weights, *(Becomes(name, "left out", 0, why) for name, why in fitted.left_out)]
