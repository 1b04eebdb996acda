"""The quantities of a network, and the name of each in every notation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from clearprop.cached import cached_property
from clearprop.errors import UnknownName
from clearprop.network.description import Network
from clearprop.network.name_checks import composed, free_name
from clearprop.network.notation import DEFAULT, NOTATIONS, PENALTY, STATE_WORDS, Notation, in_ascii, vocabulary

# Layers count from 0; the outputs of layer -1 are the inputs.


@dataclass(frozen=True)
class Input:
    """An input of the network."""

    index: int


@dataclass(frozen=True)
class Target:
    """The target of an output."""

    index: int


@dataclass(frozen=True)
class Sum:
    """The weighted sum of a unit."""

    layer: int
    unit: int


@dataclass(frozen=True)
class Output:
    """The output of a unit."""

    layer: int
    unit: int


@dataclass(frozen=True)
class Error:
    """The error of one output."""

    index: int


@dataclass(frozen=True)
class TotalError:
    """The error of all outputs, with the penalty."""


@dataclass(frozen=True)
class PenaltyError:
    """The penalty alone."""


@dataclass(frozen=True)
class WithoutPenalty:
    """The error of all outputs, without the penalty."""


@dataclass(frozen=True)
class Parameter:
    """A weight or bias, by its position in the flat vector."""

    index: int


@dataclass(frozen=True)
class Updated:
    """A weight or bias, or an optimizer's state, after the update."""

    of: Quantity


@dataclass(frozen=True)
class LearningRate:
    """The learning rate."""


@dataclass(frozen=True)
class State:
    """A number that an optimizer keeps for a parameter, or computes on the way to its update."""

    symbol: str
    parameter: int


@dataclass(frozen=True)
class Named:
    """A constant that has a name: a hyperparameter, the number of the step."""

    name: str


@dataclass(frozen=True)
class Derivative:
    """The partial derivative of one quantity by another."""

    of: Quantity
    by: Quantity


@dataclass(frozen=True)
class OfExample:
    """A quantity of one example of a batch, by the example's number in the file, counted from 1."""

    of: Quantity
    example: int


Quantity = (
    Input | Target | Sum | Output | Error | TotalError | PenaltyError | WithoutPenalty | Parameter | Updated
    | LearningRate | State | Named | Derivative | OfExample
)  # fmt: skip


T = TypeVar("T")


class Names:
    """The name of each quantity of a network in one notation, and the quantity of a name in any."""

    def __init__(self, network: Network, notation: Notation = NOTATIONS[DEFAULT], *, of_classes: bool = False) -> None:
        """``of_classes`` says that the outputs are called as the classes of a table; y1, … then name them too."""
        self.network, self.notation, self.layout, self.of_classes = network, notation, network.layout, of_classes

    def text(self, quantity: Quantity) -> str:
        """Return the name in plain text."""
        words = self.notation
        match quantity:
            case Input(index):
                return self.network.input_names[index]
            case Output(-1, unit):
                return self.network.input_names[unit]
            case Target(index):
                return f"{words.target}_{index + 1}"
            case Sum(layer, unit):
                return f"{words.sum}_{self.network.unit_names[layer][unit]}"
            case Output(layer, unit):
                return f"{words.output}_{self.network.unit_names[layer][unit]}"
            case Error(index):
                return f"{words.error}_{index + 1}"
            case TotalError():
                return words.total_error
            case PenaltyError():
                return PENALTY
            case WithoutPenalty():
                return f"({words.total_error} - {PENALTY})"
            case Parameter(index):
                return self.layout.name(index)
            case Updated(of):
                return f"{words.new_prefix}{self.text(of)}{words.new_suffix}"
            case LearningRate():
                return words.learning_rate
            case State(symbol, index):
                return f"{STATE_WORDS.get(symbol, symbol)}_{self.layout.name(index)}"
            case Named(name):  # an input may be called momentum, or step
                return free_name(name, lambda each: each in self._inputs or self.layout.find(each) is not None)
            case Derivative(TotalError(), Sum(layer, unit)) if words.signal:
                return f"{words.signal}_{self.network.unit_names[layer][unit]}"
            case Derivative(of, by):
                return f"∂{self.text(of)}/∂{self.text(by)}"
            case OfExample(of, example):
                return f"{self.text(of)}, example {example}"
        raise TypeError(f"not a quantity: {quantity!r}")

    def find(self, name: str) -> Quantity:
        """Return the quantity of that name in any notation, or suggest a similar name.

        ∂ may be typed as d, other letters in ASCII.
        """
        quantity = self._find(composed(name))
        if quantity is None and self.of_classes:
            quantity = self._find(re.sub(r"_y([1-9][0-9]{0,6})(?!\w)", self._of_output, composed(name)))
        if quantity is None:
            raise self._unknown(composed(name))
        return quantity

    def _unknown(self, name: str) -> UnknownName:
        """Return the refusal of a name: of a derivative, the part that is not known; of a unit, with what it has."""
        parts = re.split(r"(?<=^[∂d])|(?<=/[∂d])|(?=/[∂d])", name) if re.fullmatch(DERIVATIVE, name) else [name]
        signs = {"∂", "d", "/∂", "/d"}
        place = next((k for k, part in enumerate(parts) if part not in signs and not self._find(part)), 0)
        if unit := self._units.get(parts[place]):
            numbers = (self.text(kind(*unit)) for kind in (Sum, Output))
            return UnknownName("name", name, ["".join([*parts[:place], each, *parts[place + 1 :]]) for each in numbers])
        return UnknownName("name", parts[place], self.known())

    def _of_output(self, found: re.Match[str]) -> str:
        outputs, index = self.network.unit_names[-1], int(found[1]) - 1
        return f"_{outputs[index]}" if index < len(outputs) else found[0]

    def _find(self, name: str) -> Quantity | None:
        index = self.layout.find(name)
        if index is not None:
            return Parameter(index)
        of_units, of_outputs, of_total, of_rate = self._words
        if name in of_total:
            return TotalError()
        if name in (f"({total} - {PENALTY})" for total in of_total):
            return WithoutPenalty()
        if name == PENALTY:
            return PenaltyError()
        if match := re.fullmatch(DERIVATIVE, name):
            of, by = self._find(match[1]), self._find(match[2])
            return None if of is None or by is None else Derivative(of, by)
        if (index := self._updated(name)) is not None:
            return Updated(Parameter(index))
        if match := re.fullmatch(r"(.+), example ([1-9][0-9]{0,8})", name):
            whole = self._find(match[1])
            return None if whole is None else OfExample(whole, int(match[2]))
        for word, field in of_units.items():
            if name.startswith(f"{word}_") and (place := self._units.get(name.removeprefix(f"{word}_"))):
                return OF_UNIT[field](*place)
        for word, field in of_outputs.items():
            match = re.fullmatch(rf"{re.escape(word)}_([1-9][0-9]{{0,6}})", name)
            if match and int(match[1]) <= self.network.sizes[-1]:
                return (Error if field == "error" else Target)(int(match[1]) - 1)
        if name in self._inputs:
            return Input(self._inputs[name])
        return LearningRate() if name in of_rate else None

    def _updated(self, name: str) -> int | None:
        """Return the position of the parameter whose updated value is so called, as any notation prints or types it."""
        for notation in NOTATIONS.values():
            for spelt in (str, in_ascii):
                prefix, suffix = spelt(notation.new_prefix), spelt(notation.new_suffix)
                if name.startswith(prefix) and name.endswith(suffix):
                    index = self.layout.find(name.removeprefix(prefix).removesuffix(suffix))
                    if index is not None:
                        return index
        return None

    @cached_property
    def _words(self) -> list[dict[str, str]]:
        """The words of units, of outputs, of the total error and of the learning rate."""
        groups = (OF_UNIT, ("error", "target"), ("total_error",), ("learning_rate",))
        return [vocabulary(fields, self.notation) for fields in groups]

    @cached_property
    def _units(self) -> dict[str, tuple[int, int]]:
        units = self.network.unit_names
        return self._spelt(
            {name: (layer, unit) for layer, names in enumerate(units) for unit, name in enumerate(names)}
        )

    @cached_property
    def _inputs(self) -> dict[str, int]:
        return self._spelt({name: index for index, name in enumerate(self.network.input_names)})

    def _spelt(self, named: dict[str, T]) -> dict[str, T]:
        """Return what is named, by the names' spellings in ASCII too."""
        return named | {alias: named[name] for alias, name in self.layout.aliases.items() if name in named}

    def known(self, limit: int = 2_000) -> list[str]:
        """Return names that ``find`` knows, in this notation; not all of them in a large network."""
        return list(islice(self._candidates(), limit))

    def _candidates(self) -> Iterator[str]:
        yield self.text(TotalError())
        for k in range(self.network.sizes[-1]):
            yield self.text(Error(k))
        for layer, size in enumerate(self.network.sizes[1:]):
            for unit in range(size):
                yield self.text(Sum(layer, unit))
                yield self.text(Output(layer, unit))
        for name in self.layout.names():
            yield name
            yield f"{self.notation.new_prefix}{name}{self.notation.new_suffix}"
        yield from self.network.input_names
        words = self.notation.sum, self.notation.output
        for alias, name in self.layout.aliases.items():
            # A unit is part of a name, no quantity itself.
            yield from (f"{word}_{alias}" for word in words) if name in self._units else (alias,)


DERIVATIVE = r"[∂d](.+?)/[∂d]([^,]+)"
"""A derivative: of what, and by what."""

OF_UNIT: dict[str, Callable[[int, int], Quantity]] = {
    "sum": Sum,
    "output": Output,
    "signal": lambda layer, unit: Derivative(TotalError(), Sum(layer, unit)),
}
"""The quantities of a unit that a notation has words for."""
