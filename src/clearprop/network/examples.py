"""Examples: inputs of a network, and the targets of its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import numpy as np

from clearprop.errors import Fault, InvalidArgument
from clearprop.fields import accepted, boolean, shown, suggests_options
from clearprop.messages import brief, counted
from clearprop.network.arrays import numbers
from clearprop.network.blocks import slices
from clearprop.rules.losses import Loss
from clearprop.types import Array


@suggests_options()
@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs with their targets.

    - ``inputs``: shape (examples, inputs).
    - ``targets``: shape (examples, outputs).
    - ``weights``: how much each example counts, shape (examples,); by default 1 each.
    - ``training``: the positions of the examples to learn from; by default all.
    - ``validation``: the positions of the examples set aside. A row of a table may be in neither.
    - ``own``: whether they stand in the network file itself.
    - ``without_target``: the positions of the examples whose targets are unknown; the numbers in their place are
      ignored. They are
      neither in ``training`` nor in ``validation``.
    - ``unweighted``: why weights that training applied are not applied here, such as ``"no column n"``.
    """

    inputs: Array
    targets: Array
    weights: Array | None = None
    training: Array | None = None
    validation: Array | None = None
    own: bool = True
    without_target: Array | None = None
    unweighted: str = ""

    def __post_init__(self) -> None:
        for name in ("inputs", "targets"):
            values = getattr(self, name)
            if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind != "f":
                raise InvalidArgument(
                    f"{name}: expected an array of numbers, one row per example, found {shown(values)}; "
                    "Examples.of(inputs, targets) makes them of anything else"
                )
        if len(self.inputs) != len(self.targets):
            rows = [counted(len(each), "row") for each in (self.inputs, self.targets)]
            raise InvalidArgument(f"found {rows[0]} of inputs and {rows[1]} of targets")
        for name, kinds in {"weights": "f", "training": "iu", "validation": "iu", "without_target": "iu"}.items():
            values = getattr(self, name)
            found = isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in kinds
            if values is not None and not found:
                what = "one number per example" if name == "weights" else "positions of examples, counted from 0"
                raise InvalidArgument(f"{name}: expected an array of {what}, found {shown(values)}")
        if self.weights is not None and len(self.weights) != len(self.inputs):
            raise InvalidArgument(f"found {len(self.weights)} weights for {counted(len(self.inputs), 'example')}")
        accepted(boolean, self.own, "own")

    def __len__(self) -> int:
        return len(self.inputs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Examples):
            return NotImplemented
        return all(map(_same, self._arrays(), other._arrays()))

    __hash__ = None  # type: ignore[assignment]

    def _arrays(self) -> tuple[Any, ...]:
        return self.inputs, self.targets, self.weights, self.training, self.validation, self.without_target

    @property
    def learnt(self) -> Array:
        """The positions of the examples to learn from."""
        return np.arange(len(self)) if self.training is None else self.training

    @property
    def used(self) -> Array:
        """The positions of all that are not left out, in order."""
        if self.training is None or self.validation is None:
            return self.learnt
        return np.sort(np.concatenate([self.training, self.validation]))

    def take(self, rows: Array) -> Examples:
        """Return the examples at these positions."""
        weights = None if self.weights is None else self.weights[rows]
        inputs, targets = (each[rows].astype(float) for each in (self.inputs, self.targets))
        taken = Examples(inputs, targets, weights, unweighted=self.unweighted)
        if self.without_target is None or not (untold := np.isin(rows, self.without_target)).any():
            return taken
        return replace(taken, training=np.flatnonzero(~untold), without_target=np.flatnonzero(untold))

    def only(self, number: int) -> Examples:
        """Return one example, counted from 1.

        Raises:
            InvalidArgument: there is no such example, or it was left out.
        """
        if not 1 <= number <= len(self):
            known = "1" if len(self) == 1 else f"1 to {len(self):,}"
            raise InvalidArgument(f"example: expected {known}, found {number:,}")
        is_used = self.training is None or number - 1 in self.used
        if not is_used and (self.without_target is None or number - 1 not in self.without_target):
            raise InvalidArgument(f"example {number:,} was left out, since a value is missing in it; choose another")
        return self.take(np.array([number - 1]))

    @staticmethod
    def of(inputs: Sequence[Any] | Array, targets: Sequence[Any] | Array, *, own: bool = True) -> Examples:
        """Return examples from anything that NumPy makes a matrix of; a single row is one example."""
        rows = [
            np.atleast_2d(numbers(values, f"{name}: expected rows of numbers, all of the same length"))
            for name, values in (("inputs", inputs), ("targets", targets))
        ]
        return Examples(rows[0], rows[1], own=own)


def _same(one: Array | None, other: Array | None) -> bool:
    numbers = one is not None and one.dtype.kind == "f"
    return np.array_equal(one, other, equal_nan=numbers)  # type: ignore[arg-type]


OUTSIDE = "{loss} needs targets from {low} to {high}, found {found}"
NOT_WHOLE = "{loss} needs targets that sum to 1, found a sum of {found}"
MAX_FAULTS = 10


def example_faults(examples: Examples, inputs: int, outputs: int, rule: Loss) -> Iterator[Fault]:
    """Yield what is wrong with examples for a network of that size and loss."""
    untold = () if examples.without_target is None else examples.without_target
    for row in untold:  # nothing is wrong with targets that it does not have
        yield from _faults(f"examples[{int(row) + 1}]", inputs, None, None, examples.inputs[row].tolist(), None)
    used, shapes = examples.used, (examples.inputs.shape[1:], examples.targets.shape[1:])
    sound: Array = np.zeros(len(used), dtype=bool)
    if shapes == ((inputs,), (outputs,)):
        # A million examples are looked at one by one only where something is wrong.
        for part in slices(len(used)):
            rows = part if len(used) == len(examples) else used[part]
            values, targets = examples.inputs[rows], examples.targets[rows]
            finite = np.isfinite(values).all(axis=1) & np.isfinite(targets).all(axis=1)
            sound[part] = finite & inside(rule, targets).all(axis=1) & whole(rule, targets)
    suspects = used[~sound]
    strange = ((int(row) + 1, examples.inputs[row].tolist(), examples.targets[row].tolist()) for row in suspects)
    if examples.own:
        yield from row_faults(strange, inputs, outputs, rule)
        return
    # Rows of arrays and tables are too many to be named one by one.
    first: dict[str, tuple[Fault, int]] = {}
    for row, *given in strange:
        for fault in islice(_faults(f"examples[{row}]", inputs, outputs, rule, *given), 1):
            field = fault.where.partition("].")[2].partition("[")[0]
            found, count = first.get(field, (fault, 0))
            first[field] = found, count + 1
    for fault, count in first.values():
        several = f" (the first of {count:,} such rows)" if count > 1 else ""
        yield Fault(fault.where, fault.message + several)


def row_faults(
    rows: Iterator[tuple[int, Sequence[float] | None, Sequence[float] | None]],
    inputs: int | None,
    outputs: int | None,
    rule: Loss | None,
) -> Iterator[Fault]:
    """Yield what is wrong with rows of numbers, as far as the network's size and loss are known."""
    faults = chain.from_iterable(_faults(f"examples[{row}]", inputs, outputs, rule, *given) for row, *given in rows)
    yield from islice(faults, MAX_FAULTS)
    if more := sum(1 for _ in faults):
        yield Fault("examples", f"and {counted(more, 'more problem')}")


def inside(rule: Loss, targets: Array) -> Array:
    """Return whether each target is one that the loss makes sense for."""
    low, high = rule.targets
    return np.asarray((targets >= low) & (targets <= high))


def whole(rule: Loss, targets: Array) -> Array:
    """Return whether the targets of each example sum to 1, where the loss needs them to."""
    sums = np.abs(targets.sum(axis=-1) - 1) <= 1e-6
    return np.asarray(sums if rule.sums_to_one else np.ones_like(sums))


def _faults(
    place: str,
    inputs: int | None,
    outputs: int | None,
    rule: Loss | None,
    values: Sequence[float] | None,
    targets: Sequence[float] | None,
) -> Iterator[Fault]:
    if values is not None:
        if inputs is not None and len(values) != inputs:
            yield Fault(f"{place}.inputs", f"expected {counted(inputs, 'number')}, one per input, found {len(values)}")
        yield from _finite(f"{place}.inputs", values)
    if targets is None or targets == ():  # it has none, or they could not be read
        return
    if outputs is not None and len(targets) != outputs:
        hint = _class_hint(outputs, targets, rule)
        found = f"expected {counted(outputs, 'number')}, one per output, found {len(targets)}{hint}"
        yield Fault(f"{place}.targets", found)
        if hint:
            return
    yield from _finite(f"{place}.targets", targets)
    if rule is None or not all(np.isfinite(targets)):
        return
    low, high = rule.targets
    row = np.array(targets)
    outside = row[~inside(rule, row)]
    if outside.size:
        yield Fault(
            f"{place}.targets",
            OUTSIDE.format(loss=rule.name, low=brief(low), high=brief(high), found=brief(outside[0])),
        )
    elif not whole(rule, row):
        yield Fault(f"{place}.targets", NOT_WHOLE.format(loss=rule.name, found=brief(sum(targets))))


def _class_hint(outputs: int, targets: Sequence[float], rule: Loss | None) -> str:
    """Return how to write the class that a single target may be the number of, counted from 0 as frameworks do."""
    if rule is None or not rule.sums_to_one or len(targets) != 1 or targets[0] not in range(outputs):
        return ""
    if outputs > 20:
        return "; write 1 for the class and 0 for the others"
    number = int(targets[0])
    return f"; if {number} is a class, counted from 0, write {[int(k == number) for k in range(outputs)]}"


def _finite(place: str, values: Sequence[float]) -> Iterator[Fault]:
    for position, value in enumerate(values, start=1):
        if not np.isfinite(value):
            yield Fault(f"{place}[{position}]", f"expected a finite number, found {value}")
