"""What every reader makes: a chain of linear layers with an elementwise expression between one and the next.

A reader follows its file from node to node with ``Signal``: what flows there, as an expression in the weighted sum of
the last linear node. Factors and shifts per unit (batch norms, scalers) are folded into the weights beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from clearprop.errors import UnreadableFile
from clearprop.expressions import Expression, Operator, substitute
from clearprop.expressions.tree import expression
from clearprop.interop.recognise import EXACT, SINGLE, in_two, named, recognised
from clearprop.network.description import MAX_PARAMETERS
from clearprop.rules.activations import AnyActivation, Softmax
from clearprop.rules.optimizers import Optimizer
from clearprop.rules.roles import Role, z
from clearprop.rules.schedules import Schedule
from clearprop.types import Array


class NotAChain(UnreadableFile):
    """A model that is no chain of linear layers and activations; says where it stops being one."""


@dataclass(frozen=True, eq=False)
class Stage:
    """A linear node: its weights, one row per unit, and biases, applied to the signal before; the inputs have none."""

    before: Signal | None = None
    weights: Array | None = None
    bias: Array | None = None
    place: str = "the input"

    @property
    def units(self) -> int | None:
        return None if self.weights is None else len(self.weights)


@dataclass(frozen=True, eq=False)
class Signal:
    """What flows from a node: ``scale`` · f(z) + ``shift`` per unit, where z is the weighted sum of ``stage``."""

    stage: Stage
    tree: Expression = z
    softmax: bool = False
    scale: Array | None = None
    shift: Array | None = None

    @property
    def plain(self) -> bool:
        """Whether it is the weighted sum itself, or the inputs, as they are."""
        return self.tree == z and not self.softmax

    @property
    def moved(self) -> bool:
        """Whether a factor or a shift waits to be folded into what comes after."""
        return self.scale is not None or self.shift is not None


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer as the network has it."""

    weights: Array
    bias: Array | None
    rule: AnyActivation
    dropout: float = 0.0


@dataclass
class Chain:
    """Makes a chain, and notes what was folded; ``kind`` is the type of its numbers in the file."""

    single: bool = True
    remarks: list[str] = field(default_factory=list)
    dropouts: dict[int, float] = field(default_factory=dict)

    @property
    def tolerance(self) -> float:
        return SINGLE if self.single else EXACT

    def note(self, remark: str) -> None:
        """Note what was folded or left out, once."""
        if remark not in self.remarks:
            self.remarks.append(remark)

    def begins_anew(self, optimizer: Optimizer) -> None:
        """Note that what an optimizer remembers of its steps, or that its schedule has counted them, is left out."""
        if optimizer.state or optimizer.schedule != Schedule():
            self.note(f"left out: what {optimizer.name} remembers of earlier steps; here it begins anew")

    def linear(self, signal: Signal, weights: Array, bias: Array | None, place: str) -> Signal:
        """Return the weighted sums of a linear node; ``weights`` has one row per unit."""
        weights = np.asarray(weights, dtype=float)
        if weights.ndim != 2 or 0 in weights.shape:
            shape = " x ".join(map(str, weights.shape))
            raise NotAChain(f"{place}: expected weights of two axes, found {shape or 'a number'}")
        before, units = signal.stage.units, len(weights)
        if before is not None and before != weights.shape[1]:
            raise NotAChain(f"{place}: takes {weights.shape[1]} numbers, but {signal.stage.place} gives {before}")
        if bias is not None:
            bias = np.asarray(bias, dtype=float).reshape(-1)
            if len(bias) not in (1, units):
                raise NotAChain(f"{place}: expected {units} biases, one per unit, found {len(bias)}")
            bias = np.broadcast_to(bias, (units,))
        if signal.shift is not None:
            added = weights @ np.broadcast_to(signal.shift, weights.shape[1:])
            bias = added if bias is None else bias + added
        if signal.scale is not None:
            weights = weights * signal.scale
        return Signal(Stage(replace(signal, scale=None, shift=None), weights, bias, place))

    def settled(self, signal: Signal, place: str, why: str = "") -> Signal:
        """Return a signal that an activation can be applied to: an identity layer is put after what is no sum."""
        if signal.plain and not signal.moved and signal.stage.weights is not None:
            return signal
        size = signal.stage.units or self._width(signal, place)
        self.note(f"added: {place}{why} takes an identity layer")
        return self.linear(signal, np.eye(size), np.zeros(size), f"{place}{why}")

    @staticmethod
    def _width(signal: Signal, place: str) -> int:
        for each in (signal.scale, signal.shift):
            if each is not None and each.size > 1:
                return int(each.size)
        raise NotAChain(
            f"{place}: an activation before the first linear layer, whose number of inputs is not known; put a linear "
            "layer before it, or apply it to the data"
        )

    def apply(self, operator: Operator, *operands: Signal | float, place: str) -> Signal:
        """Return an operator applied to signals of one weighted sum and to numbers."""
        signals = [each for each in operands if isinstance(each, Signal)]
        first = signals[0]
        if len(signals) == 1 and operator in AFFINE and len(operands) == 2 and self._waits(first):
            return self._moved(operator, operands, place)
        if any(each.moved or each.softmax or each.stage.weights is None for each in signals):
            if any(each is not first for each in signals):
                raise NotAChain(f"{place}: an operator in a branch; only a chain of layers can be taken")
            settled = self.settled(first, place, ", after what is no weighted sum,")
            operands = tuple(settled if isinstance(each, Signal) else each for each in operands)
            signals, first = [settled], settled
        if any(each.stage is not first.stage for each in signals):
            raise NotAChain(
                f"{place}: an operator in a branch joins the outputs of different layers (as a residual addition "
                "does); only a chain of layers can be taken"
            )
        trees = [each.tree if isinstance(each, Signal) else expression(each) for each in operands]
        return Signal(first.stage, operator(*trees))

    @staticmethod
    def _waits(signal: Signal) -> bool:
        """Whether factors and numbers wait for the next weights, rather than being part of an expression."""
        return signal.moved or signal.softmax or signal.stage.weights is None

    def _moved(self, operator: Operator, operands: tuple[Signal | float, ...], place: str) -> Signal:
        number = next(each for each in operands if not isinstance(each, Signal))
        assert isinstance(number, (int, float))
        signal = next(each for each in operands if isinstance(each, Signal))
        moves = _as_affine(operator, np.array([number]), operands[0] is signal, place)
        return self.affine(signal, *moves, short_place(place), place)

    def elementwise(self, signal: Signal, tree: Expression, place: str) -> Signal:
        """Return an expression in z applied to a signal."""
        if signal.moved or signal.softmax or signal.stage.weights is None:
            signal = self.settled(signal, place, ", after what is no weighted sum,")
        inner = signal.tree
        return Signal(signal.stage, substitute(tree, lambda key: inner if key is Role.SUM else None))

    def vector(self, operator: Operator, signal: Signal, vector: Array, *, first: bool, place: str) -> Signal:
        """Return a signal plus, minus, times or divided by one number per unit; ``first`` says that it comes first."""
        if operator not in AFFINE:
            raise NotAChain(f"{place}: {operator.value} with different numbers per unit is not taken")
        moves = _as_affine(operator, np.asarray(vector, float).ravel(), first, place)
        is_bias = operator is Operator.ADD and self._folds_back(signal) and signal.stage.bias is None
        return self.affine(signal, *moves, "" if is_bias else short_place(place), place)

    def affine(self, signal: Signal, scale: Array, shift: Array, what: str, place: str) -> Signal:
        """Return scale · signal + shift per unit: folded into the weights before, if it is a weighted sum, else into
        those that come after. ``what`` names it for the head of explanations."""
        units = signal.stage.units
        for each in (scale, shift):
            if units is not None and each.size not in (1, units):
                raise NotAChain(f"{place}: found {each.size} numbers for {units} units")
        if what:
            self.note(f"folded: {what} into the weights {'before' if self._folds_back(signal) else 'after'} it")
        if self._folds_back(signal):
            stage, weights = signal.stage, signal.stage.weights
            assert weights is not None
            bias = np.zeros(len(weights)) if stage.bias is None else stage.bias
            none = stage.bias is None and not shift.any()
            folded = replace(stage, weights=weights * scale.reshape(-1, 1), bias=None if none else bias * scale + shift)
            return Signal(folded)
        old_scale = np.ones(1) if signal.scale is None else signal.scale
        old_shift = np.zeros(1) if signal.shift is None else signal.shift
        return replace(signal, scale=old_scale * scale, shift=old_shift * scale + shift)

    @staticmethod
    def _folds_back(signal: Signal) -> bool:
        return signal.plain and not signal.moved and signal.stage.weights is not None

    def softmax(self, signal: Signal, place: str) -> Signal:
        """Return the softmax over a layer's units."""
        if not signal.plain or signal.moved or signal.stage.weights is None:
            signal = self.settled(signal, place, ", directly after an activation,")
        return replace(signal, softmax=True)

    def dropout(self, signal: Signal, rate: float) -> None:
        """Keep the dropout of a layer that is in training."""
        depth = 0
        before: Signal | None = signal
        while before is not None and before.stage.weights is not None:
            depth, before = depth + 1, before.stage.before
        if not depth:
            raise NotAChain("dropout of the inputs is not taken; leave it out, or call eval()")
        kept = (1 - self.dropouts.get(depth, 0.0)) * (1 - rate)
        self.dropouts[depth] = 1 - kept

    def layers(self, last: Signal) -> list[Layer]:
        """Return the layers from the first to the one that gives ``last``."""
        if last.moved:
            last = self.settled(last, "a factor or shift per unit at the end")
        found: list[Layer] = []
        signal: Signal | None = last
        stages = 0
        while signal is not None and signal.stage.weights is not None:
            found = [*self._layers_of(signal), *found]
            signal, stages = signal.stage.before, stages + 1
        if not found:
            raise NotAChain("it has no linear layer")
        total = sum(each.weights.size for each in found)
        if total > MAX_PARAMETERS:
            raise NotAChain(f"{total:,} weights are more than the {MAX_PARAMETERS:,} that fit")
        if self.dropouts:
            if stages != len(found):
                raise NotAChain("dropout beside an activation directly after another is not taken")
            found = [replace(each, dropout=self.dropouts.get(k, 0.0)) for k, each in enumerate(found, start=1)]
        return found

    def _layers_of(self, signal: Signal) -> list[Layer]:
        stage, tree = signal.stage, signal.tree
        assert stage.weights is not None
        if signal.softmax:
            return [Layer(stage.weights, stage.bias, Softmax())]
        if named(tree, self.tolerance) is None and (two := in_two(tree, self.tolerance)):
            inner, outer = (recognised(each, self.tolerance) for each in two)
            self.note(
                f"added: {outer.name} directly after {inner.name} ({stage.place}) takes an identity layer between them"
            )
            return [Layer(stage.weights, stage.bias, inner), Layer(np.eye(len(stage.weights)), None, outer)]
        return [Layer(stage.weights, stage.bias, recognised(tree, self.tolerance))]


AFFINE = (Operator.ADD, Operator.SUBTRACT, Operator.MULTIPLY, Operator.DIVIDE)


def _as_affine(operator: Operator, by: Array, first: bool, place: str) -> tuple[Array, Array]:
    """Return the factor and the shift that an operator with constant numbers stands for."""
    none, one = np.zeros(1), np.ones(1)
    match operator:
        case Operator.ADD:
            return one, by
        case Operator.SUBTRACT:
            return (one, -by) if first else (-one, by)
        case Operator.MULTIPLY:
            return by, none
    if not first:
        raise NotAChain(f"{place}: a number divided by the inputs is not taken")
    if not by.all():
        raise NotAChain(f"{place}: a division by 0")
    return 1 / by, none


def short_place(place: str) -> str:
    """Return a node's place without the file's name."""
    return place.rpartition(": ")[2]
