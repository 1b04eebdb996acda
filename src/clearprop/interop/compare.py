"""Two networks on the same rows, number by number, and the conventions that explain where they part."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from clearprop.display import Displayable
from clearprop.errors import ClearpropError, InvalidArgument
from clearprop.fields import accepted, at_least_zero, suggests_options
from clearprop.interop.autograd import numbers_of_module
from clearprop.interop.changes import of_schedule, toml
from clearprop.interop.cycle_numbers import Numbers, numbers_of
from clearprop.interop.explained import Searched, explained
from clearprop.interop.live import from_torch
from clearprop.interop.same_rows import Pair, by_name, ends, pairs
from clearprop.interop.scaling import in_own_unit, scales
from clearprop.interop.ways import OF_A_MODULE, Ways, numbers_by
from clearprop.network import names as q
from clearprop.network.description import Network
from clearprop.network.examples import Examples
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem, a_problem
from clearprop.propagation.cycle import Cycle, cycle, number_or_all
from clearprop.types import Array

TOLERANCE = 1e-6
ROWS = 32
KINDS = ("parameters", "outputs", "errors", "gradients", "updated")


@dataclass(frozen=True, repr=False, eq=False)
class Comparison(Displayable):
    """What ``compare`` found: ``largest`` has the largest absolute difference of each kind of number, NaN for what
    cannot be compared."""

    same: bool
    largest: Mapping[str, float]
    first_difference: Mapping[str, Any] | None
    conventions: Sequence[Mapping[str, Any]]
    structure: Sequence[str]
    problem: Problem
    rows: int
    tolerance: float
    unseen: Sequence[str] = ()
    """Settings of the other's optimizer that the first step does not show."""
    notes: Sequence[str] = ()
    """What was done to give both the same rows, and what was assumed of either."""

    def __repr__(self) -> str:
        first = "" if self.first_difference is None else f", first_difference={self.first_difference['quantity']!r}"
        return f"Comparison(same={self.same}{first})"


@suggests_options()
def compare(
    problem: Problem,
    other: Any,
    example: int | Literal["all"] = "all",
    *,
    loss: Any = None,
    optimizer: Any = None,
    tolerance: float = TOLERANCE,
) -> Comparison:
    """Compare a problem with another, or with a live PyTorch module, whose own autograd is run, on the same rows: the
    problem's examples, else 32 random rows.

    ``loss`` and ``optimizer`` are those of a module. The conventions found are the fewest changes of the first
    problem's that give the other's numbers.

    >>> import clearprop as cp
    >>> one = cp.load("lecture")
    >>> mean = replace(one, network=replace_loss(one, over_outputs="mean"))
    >>> found = compare(one, mean)
    >>> found.first_difference["quantity"], found.conventions[0]["change"]
    ('E_1', 'loss.over_outputs = "mean"')
    """
    accepted(a_problem, problem, "problem")
    example = accepted(number_or_all, example, "example")
    tolerance = accepted(at_least_zero, tolerance, "tolerance")
    if problem.examples is None:
        problem = replace(problem, examples=_rows_for(problem, other))
    agree = partial(close, tolerance=tolerance)
    pair, done, mine, (theirs, named, structure) = min(
        (_run(pair, example, loss, optimizer) for pair in pairs(problem, other)), key=lambda found: _apart(*found)
    )
    problem, other = pair.problem, pair.other
    largest = {kind: _largest(getattr(mine, kind), getattr(theirs, kind)) for kind in KINDS}
    whole = all(agree(getattr(mine, kind), getattr(theirs, kind)) for kind in KINDS) and not structure
    first = None if whole else _first(done, mine, theirs, named, structure, agree)
    found: list[dict[str, Any]] = []
    if structure and isinstance(other, Problem):
        found = _other_biases(problem, other, example, agree)
    elif not whole and agree(mine.parameters, theirs.parameters):
        declared, ways = (other, ()) if isinstance(other, Problem) else (_read(other, loss, optimizer), OF_A_MODULE)

        def run(changed: Problem, by: Ways, steps: int) -> Numbers:
            return numbers_by(changed, by, example, steps)

        found = explained(problem, Searched(theirs, run, agree, declared, ways)) or []
    unseen = _unseen(problem, other) if whole and isinstance(other, Problem) else ()
    notes = (*pair.notes, *_assumed(problem, "first"), *_assumed(other, "second"))
    return Comparison(whole, largest, first, found, structure, problem, len(done.examples), tolerance, unseen, notes)


def _assumed(problem: Any, which: str) -> list[str]:
    """Return what was assumed where a network was read from a file that does not say it."""
    if not isinstance(problem, Problem):
        return []
    said = (each.removeprefix("assumed: ") for each in problem.remarks if each.startswith("assumed: "))
    return [f"assumed for the {which} network: {each}" for each in said]


def _run(pair: Pair, example: int | Literal["all"], loss: Any, optimizer: Any) -> tuple[Pair, Cycle, Numbers, Any]:
    """Return the numbers of both."""
    done = cycle(pair.problem, example)
    if done.learning is None:
        raise InvalidArgument("compare needs targets: errors and gradients are compared too")
    return pair, done, numbers_of(done), _other(pair.problem, pair.other, example, loss, optimizer)


def _apart(pair: Pair, done: Cycle, mine: Numbers, others: Any) -> float:
    """Return how far the outputs of a pair are apart."""
    theirs = others[0].outputs
    assert mine.outputs is not None
    return math.inf if theirs is None else float(np.abs(mine.outputs - theirs).mean()) / pair.unit


def _rows_for(problem: Problem, other: Any) -> Examples:
    """Return random rows for the first of two networks; where only the other scales its own, such as suit it."""
    known = isinstance(other, Problem) and ends(problem) == ends(other)
    scaled = by_name(problem, other)[0].fitted if known else None
    if scaled is None or scales(problem.fitted) or not scales(scaled):
        return random_rows(problem)
    return in_own_unit(random_rows(other), scaled)


def _unseen(problem: Problem, other: Problem) -> list[str]:
    """Return the settings in which two optimizers differ though their first steps are the same."""
    one, two = (
        {"name": by.name, "learning_rate": by.learning_rate, **by.hyperparameters, **by.clips, "schedule": by.schedule}
        for by in (problem.optimizer, other.optimizer)
    )
    differ = [key for key in two if two[key] != one.get(key)]
    return [f"optimizer.{key} = {toml(of_schedule(two[key]) if key == 'schedule' else two[key])}" for key in differ]


def _read(module: Any, loss: Any, optimizer: Any) -> Problem | None:
    """Return what a module and its optimizer declare, or None where they cannot be read."""
    with suppress(ClearpropError):
        return from_torch(module, loss, optimizer)
    return None


def _other_biases(problem: Problem, other: Problem, example: int | Literal["all"], agree: Any) -> list[dict[str, Any]]:
    """Return the layers whose biases the other shares or leaves out, where that alone is the difference."""
    mine, theirs = problem.network, other.network
    if mine.sizes != theirs.sizes:
        return []
    layers = [replace(one, bias=two.bias, bias_names=two.bias_names)
              for one, two in zip(mine.layers, theirs.layers, strict=True)]  # fmt: skip
    network = Network(mine.inputs, layers, mine.loss)
    weights = [problem.parameters.weights(layer) for layer in range(mine.depth)]
    biases = [other.parameters.biases(layer) if two.bias != one.bias else problem.parameters.biases(layer)
              for layer, (one, two) in enumerate(zip(mine.layers, theirs.layers, strict=True))]  # fmt: skip
    parameters = Parameters(network.layout, np.concatenate([each.ravel() for pair in zip(weights, biases, strict=True)
                                                            for each in pair]))  # fmt: skip
    done = cycle(replace(problem, network=network, parameters=parameters), example)
    reached = numbers_of(cycle(replace(other, examples=problem.examples), example))
    if not all(agree(getattr(numbers_of(done), kind), getattr(reached, kind)) for kind in KINDS):
        return []
    found = []
    for layer, (one, two) in enumerate(zip(mine.layers, theirs.layers, strict=True)):
        if one.bias != two.bias:
            own = biases[layer].tolist()
            value = {"none": False, "shared": own[0] if own else 0.0, "unit": own}[two.bias]
            says = {"none": f"layer {layer + 1} has no biases", "unit": f"each unit of layer {layer + 1} has a bias",
                    "shared": f"the units of layer {layer + 1} share one bias"}[two.bias]  # fmt: skip
            found.append({"change": f"layers[{layer + 1}].bias = {toml(value)}", "says": says, "agrees": True})
    return found


def replace_loss(problem: Problem, **changed: Any) -> Any:
    """Return the network of a problem with another treatment of its errors."""
    from clearprop.network.description import Network

    network = problem.network
    return Network(network.inputs, network.layers, replace(network.loss, **changed))


def random_rows(problem: Problem) -> Examples:
    """Return rows that are the same each time, with targets that suit the loss."""
    rng = np.random.default_rng(0)
    inputs, outputs = problem.network.sizes[0], problem.network.sizes[-1]
    rule = problem.network.loss.rule
    if rule.sums_to_one:
        targets = np.eye(outputs)[rng.integers(0, outputs, ROWS)]
    else:
        low, high = rule.targets
        known = math.isfinite(low) and math.isfinite(high)
        targets = rng.uniform(low, high, (ROWS, outputs)) if known else rng.normal(size=(ROWS, outputs))
    return Examples(rng.normal(size=(ROWS, inputs)), targets)


def _other(
    problem: Problem, other: Any, example: int | Literal["all"], loss: Any, optimizer: Any
) -> tuple[Numbers, Cycle | None, list[str]]:
    """Return the numbers of what is compared with, its cycle if it is a problem, and how its structure differs."""
    if not isinstance(other, Problem):
        return numbers_of_module(other, problem, example, loss, optimizer), None, []
    if loss is not None or optimizer is not None:
        raise InvalidArgument("loss and optimizer are those of a live module; a problem has its own")
    mine, theirs = ends(problem), ends(other)
    if mine != theirs:
        raise InvalidArgument(
            "expected two networks with the same numbers of inputs and outputs, found {} and {} in the first, {} and "
            "{} in the second".format(*mine, *theirs)
        )
    done = cycle(replace(other, examples=problem.examples), example)
    found = numbers_of(done)
    structure = []
    if mine != theirs or len(done.parameters) != len(problem.parameters):
        structure.append(f"layers: {_shape(problem)} and {_shape(other)}")
        found = replace(found, parameters=None, gradients=None, updated=None)
    return found, done, structure


def _shape(problem: Problem) -> str:
    biases = "".join("" if layer.bias == "unit" else f", bias {layer.bias}" for layer in problem.network.layers)
    return "-".join(map(str, problem.network.sizes)) + biases


def close(one: Array | None, other: Array | None, tolerance: float) -> bool:
    """Return whether numbers agree to a tolerance, relative where they are above 1; what is not told agrees."""
    if one is None or other is None:
        return True
    if one.shape != other.shape:  # one program tells the total error alone
        one = one[-other.size :]
    scale = np.maximum(1.0, np.maximum(np.abs(one), np.abs(other)))
    return bool((np.abs(one - other) <= tolerance * scale).all())


def _largest(one: Array | None, other: Array | None) -> float:
    if one is None or other is None:
        return math.nan
    other = other if one.shape == other.shape else np.append(np.full(one.size - other.size, np.nan), other)
    difference = np.abs(one - other)
    return float(np.nanmax(difference, initial=0.0))


def _first(
    done: Cycle, mine: Numbers, theirs: Numbers, named: Cycle | None, structure: list[str], agree: Any
) -> dict[str, Any] | None:
    """Return the first quantity, in computing order, where the two part."""
    for name, one, other in _in_order(done, mine, theirs, named):
        if not agree(np.array([one]), np.array([other])):
            return {"quantity": name, "a": float(one), "b": float(other)}
    return {"quantity": "structure", "a": structure[0].split(": ")[1].split(" and ")[0],
            "b": structure[0].split(" and ")[1]} if structure else None  # fmt: skip


def _in_order(done: Cycle, mine: Numbers, theirs: Numbers, named: Cycle | None) -> Iterator[tuple[str, float, float]]:
    names, layout = done.names, done.parameters.layout
    if theirs.parameters is not None and mine.parameters is not None:
        for index, (one, other) in enumerate(zip(mine.parameters, theirs.parameters, strict=True)):
            yield layout.name(index), one, other
    alone = len(done.examples) == 1
    for row in range(len(done.examples)):
        number = int(done.numbers[row])

        def said(quantity: Any, number: int = number) -> str:
            return names.text(quantity) if alone else f"{names.text(quantity)}, example {number}"

        for layer, size in enumerate(done.problem.network.sizes[1:]):
            last = layer == done.problem.network.depth - 1
            for unit in range(size):
                if named is not None and theirs.parameters is not None:
                    yield (
                        said(q.Sum(layer, unit)),
                        done.trace.sums[layer][row, unit],
                        named.trace.sums[layer][row, unit],
                    )
                    outputs = (each.trace.outputs[layer][row, unit] for each in (done, named))
                    yield said(q.Output(layer, unit)), *outputs
                elif last:
                    yield said(q.Output(layer, unit)), mine.outputs[row, unit], theirs.outputs[row, unit]
    quantities: list[Any] = [*(q.Error(k) for k in range(done.problem.network.sizes[-1])), q.TotalError()]
    told = min(each.size for each in (mine.errors, theirs.errors) if each is not None)
    ours, others = (np.zeros(0) if each is None else each[-told:] for each in (mine.errors, theirs.errors))
    for quantity, one, other in zip(quantities[-told:], ours, others, strict=True):
        yield names.text(quantity), one, other
    for kind in ("gradients", "updated"):
        ours, others = getattr(mine, kind), getattr(theirs, kind)
        if ours is None or others is None:
            continue
        for layer in reversed(range(done.problem.network.depth)):
            for index in range(layout.weights[layer].start, layout.biases[layer].stop):
                parameter = q.Parameter(index)
                quantity = q.Derivative(q.TotalError(), parameter) if kind == "gradients" else q.Updated(parameter)
                yield names.text(quantity), ours[index], others[index]
