"""A problem: a network, its numbers, and how it is to be trained. What a network file holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import InvalidArgument, InvalidNetwork
from clearprop.errors import Problem as Fault
from clearprop.network.description import Network
from clearprop.network.names import Names, notation
from clearprop.network.parameters import Parameters
from clearprop.rules.losses import Loss
from clearprop.rules.optimizers import SGD, Optimizer
from clearprop.rules.penalties import Penalty


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs, shape (examples, inputs), and targets, shape (examples, outputs)."""

    inputs: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.inputs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Examples):
            return NotImplemented
        return np.array_equal(self.inputs, other.inputs) and np.array_equal(self.targets, other.targets)

    __hash__ = None  # type: ignore[assignment]

    def only(self, number: int) -> Examples:
        """The one example, counted from 1.

        Raises:
            InvalidArgument: there is no such example.
        """
        if not 1 <= number <= len(self):
            raise InvalidArgument(f"example: expected 1 to {len(self)}, found {number}")
        return Examples(self.inputs[number - 1 : number], self.targets[number - 1 : number])

    @staticmethod
    def of(inputs: Sequence[Any] | Array, targets: Sequence[Any] | Array) -> Examples:
        """From anything that NumPy makes a matrix of; a single row is one example."""
        rows = [np.atleast_2d(np.asarray(values, dtype=float)) for values in (inputs, targets)]
        if len(rows[0]) != len(rows[1]):
            raise InvalidArgument(f"found {len(rows[0])} rows of inputs and {len(rows[1])} rows of targets")
        return Examples(*rows)


@dataclass(frozen=True)
class Settings:
    """How training goes and when it stops: the ``[training]`` table.

    ``tolerance`` is the change of the loss per epoch below which, ``patience`` epochs in a
    row, training has converged; 0 never stops early.
    """

    epochs: int | None = None
    batch_size: int | None = None
    tolerance: float = 1e-8
    patience: int = 10
    seed: int = 0
    shuffle: bool = True
    dtype: Literal["float32", "float64"] = "float32"
    target_loss: float | None = None
    time_limit: float | None = None


@dataclass(frozen=True)
class Data:
    """A table beside the network file: the ``[data]`` table."""

    file: str
    target: tuple[str, ...]
    inputs: tuple[str, ...] | None = None
    standardize: bool = False
    split: float = 0.2
    missing: Literal["refuse", "mean", "drop"] = "refuse"
    class_weights: Literal["balanced"] | dict[str, float] | None = None
    weight_column: str | None = None


@dataclass(frozen=True)
class Problem:
    """A network with its numbers, optimizer, penalty, examples and settings.

    Raises:
        InvalidNetwork: examples that do not fit the network or its loss.
    """

    network: Network
    parameters: Parameters = None  # type: ignore[assignment]  # drawn at random unless given
    optimizer: Optimizer = field(default_factory=SGD)
    penalty: Penalty = field(default_factory=Penalty)
    examples: Examples | None = None
    settings: Settings = field(default_factory=Settings)
    data: Data | None = None
    notation: str = "standard"
    name: str = field(default="the network", compare=False)

    def __post_init__(self) -> None:
        notation(self.notation)
        given: Parameters | None = self.parameters
        if given is None:
            object.__setattr__(self, "parameters", Parameters.random(self.network, self.settings.seed))
        if self.examples is not None:
            faults = list(
                example_faults(
                    self.network.sizes[0],
                    self.network.sizes[-1],
                    self.network.loss.rule,
                    list(zip(self.examples.inputs.tolist(), self.examples.targets.tolist(), strict=True)),
                )
            )
            if faults:
                raise InvalidNetwork(faults, self.name)

    @property
    def names(self) -> Names:
        """What its quantities are called."""
        return Names(self.network, notation(self.notation))


MAX_FAULTS = 10


def example_faults(
    inputs: int | None,
    outputs: int | None,
    rule: Loss | None,
    rows: Sequence[tuple[list[float] | None, list[float] | None]],
) -> Iterator[Fault]:
    """What is wrong with examples, as far as the network's size and loss are known."""
    found = 0
    for number, (values, targets) in enumerate(rows, start=1):
        for fault in _row_faults(f"examples[{number}]", inputs, outputs, rule, values, targets):
            found += 1
            if found <= MAX_FAULTS:
                yield fault
    if found > MAX_FAULTS:
        yield Fault("examples", f"and {found - MAX_FAULTS} more problems")


def _row_faults(
    place: str,
    inputs: int | None,
    outputs: int | None,
    rule: Loss | None,
    values: list[float] | None,
    targets: list[float] | None,
) -> Iterator[Fault]:
    if values is not None:
        if inputs is not None and len(values) != inputs:
            yield Fault(f"{place}.inputs", f"expected {_numbers(inputs)}, one per input, found {len(values)}")
        yield from _finite(f"{place}.inputs", values)
    if targets is None:
        return
    if outputs is not None and len(targets) != outputs:
        yield Fault(f"{place}.targets", f"expected {_numbers(outputs)}, one per output, found {len(targets)}")
    yield from _finite(f"{place}.targets", targets)
    if rule is None or not all(np.isfinite(targets)):
        return
    low, high = rule.targets
    outside = [target for target in targets if not low <= target <= high]
    if outside:
        yield Fault(f"{place}.targets", f"{rule.name} needs targets from {low:g} to {high:g}, found {outside[0]:g}")
    elif rule.sums_to_one and abs(sum(targets) - 1) > 1e-6:
        yield Fault(f"{place}.targets", f"{rule.name} needs targets that sum to 1, found a sum of {sum(targets):g}")


def _finite(place: str, values: Sequence[float]) -> Iterator[Fault]:
    for position, value in enumerate(values, start=1):
        if not np.isfinite(value):
            yield Fault(f"{place}[{position}]", f"expected a finite number, found {value}")


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"
