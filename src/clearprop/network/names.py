"""The quantities of a network, and what each is called in either notation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from clearprop.errors import UnknownName
from clearprop.network.description import Network
from clearprop.network.parameters import Layout

# --- the quantities ---------------------------------------------------------------------
# Layers count from 0; the outputs of layer -1 are the inputs.


@dataclass(frozen=True)
class Input:
    """An input of the network."""

    index: int


@dataclass(frozen=True)
class Target:
    """What an output should be."""

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
    """What an optimizer remembers of a parameter, or computes on the way."""

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


Quantity = (
    Input | Target | Sum | Output | Error | TotalError | PenaltyError | Parameter | Updated | LearningRate
    | State | Named | Derivative
)  # fmt: skip


# --- notations --------------------------------------------------------------------------


@dataclass(frozen=True)
class Notation:
    """The words of a course: what stands before the name of a unit."""

    name: str
    sum: str
    output: str
    target: str
    error: str
    total_error: str
    learning_rate: str
    times: str


LECTURE = Notation("lecture", "sum", "output", "target", "E", "E_total", "n", "*")
STANDARD = Notation("standard", "z", "a", "t", "L", "L", "η", "·")
NOTATIONS: Mapping[str, Notation] = {notation.name: notation for notation in (LECTURE, STANDARD)}


def notation(name: str) -> Notation:
    """The notation of that name."""
    if name not in NOTATIONS:
        raise UnknownName("notation", name, NOTATIONS)
    return NOTATIONS[name]


class Names:
    """What each quantity of a network is called, and which quantity a name calls."""

    def __init__(self, network: Network, notation: Notation = STANDARD) -> None:
        self.network, self.notation = network, notation

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.network)

    def text(self, quantity: Quantity) -> str:
        """The name in plain text."""
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
                return "penalty"
            case Parameter(index):
                return self.layout.name(index)
            case Updated(of):
                return f"new_{self.text(of)}" if words is LECTURE else f"{self.text(of)}⁺"
            case LearningRate():
                return words.learning_rate
            case State(symbol, index):
                return f"{symbol}_{self.layout.name(index)}"
            case Named(name):
                return name
            case Derivative(TotalError(), Sum(layer, unit)) if words is STANDARD:
                return f"δ_{self.network.unit_names[layer][unit]}"
            case Derivative(of, by):
                return f"∂{self.text(of)}/∂{self.text(by)}"
        raise TypeError(f"not a quantity: {quantity!r}")

    # --- from a name to its quantity ------------------------------------------------------

    def find(self, name: str) -> Quantity:
        """The quantity that a name calls, in either notation; ∂ may be typed as d.

        Raises:
            UnknownName: nothing is called so; says what was probably meant.
        """
        quantity = self._find(name)
        if quantity is None:
            raise UnknownName("name", name, self.known())
        return quantity

    def _find(self, name: str) -> Quantity | None:
        index = self.layout.find(name)
        if index is not None:
            return Parameter(index)
        if name in ("E_total", "L"):
            return TotalError()
        if name == "penalty":
            return PenaltyError()
        if match := re.fullmatch(r"[∂d](.+?)/[∂d](.+)", name):
            of, by = self._find(match[1]), self._find(match[2])
            return None if of is None or by is None else Derivative(of, by)
        if match := re.fullmatch(r"new_(.+)|(.+)⁺", name):
            index = self.layout.find(match[1] or match[2])
            if index is not None:
                return Updated(Parameter(index))
        if match := re.fullmatch(r"(E|L|target|t)_([1-9]\d{0,6})", name):
            number = int(match[2]) - 1
            if number < self.network.sizes[-1]:
                return Error(number) if match[1] in "EL" else Target(number)
        if (match := re.fullmatch(r"(sum|z|output|a|δ|delta)_(.+)", name)) and match[2] in self._units:
            return self._of_unit(match[1], self._units[match[2]])
        return Input(self._inputs[name]) if name in self._inputs else None

    @staticmethod
    def _of_unit(word: str, place: tuple[int, int]) -> Quantity:
        if word in ("sum", "z"):
            return Sum(*place)
        return Output(*place) if word in ("output", "a") else Derivative(TotalError(), Sum(*place))

    @cached_property
    def _units(self) -> dict[str, tuple[int, int]]:
        return {
            name: (layer, unit)
            for layer, names in enumerate(self.network.unit_names)
            for unit, name in enumerate(names)
        }

    @cached_property
    def _inputs(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.network.input_names)}

    def known(self, limit: int = 2_000) -> list[str]:
        """What can be asked for, in this notation; not all of it in a large network."""
        names: list[str] = []
        for candidate in self._candidates():
            names.append(candidate)
            if len(names) == limit:
                break
        return names

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
            yield f"new_{name}" if self.notation is LECTURE else f"{name}⁺"
        yield from self.network.input_names
