"""Steps on single examples, for tiny networks: all weights stay in registers from step to step.

A layer's units fill the lanes of one short vector. There are no loops but the one over steps, and nothing
goes to memory until the last step is made: a step takes as long as its chain of operations, each of which
waits for the one before. The weights are kept twice, as everywhere: by input for the way forward, by unit
for the way back; both see the same gradient, so they stay the same numbers.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import chain

import numpy as np
from llvmlite import ir

from clearprop.engine.block import SUM, Block, plus, reduced
from clearprop.engine.calling import LOSSES
from clearprop.engine.emit import Emitter
from clearprop.engine.forward import Forward
from clearprop.engine.kernels.subnormal import flushed
from clearprop.engine.kernels.update import SQUARE, assigned, bounded, terms_of
from clearprop.engine.module import Module
from clearprop.engine.numbers import Numbers, Same
from clearprop.engine.panels import Panels
from clearprop.engine.program import Program
from clearprop.network.description import Network
from clearprop.rules.activations import Activation
from clearprop.rules.fused import Fused
from clearprop.rules.losses import share
from clearprop.rules.optimizers import Optimizer
from clearprop.rules.roles import Role

Values = list[ir.Value]
Known = Mapping[Hashable, ir.Value]

MOST = 48
"""Vectors of weights, and of what the optimizer remembers, that still stay near."""


def fits(network: Network, optimizer: Optimizer, batch: int, dtype: str) -> bool:
    """Return whether steps can be made like this: on every processor, or on none."""
    lanes = SUM // np.dtype(dtype).itemsize
    sizes, remembered = network.sizes, 1 + len(optimizer.state)
    vectors = sum(sizes[k] + 1 for k in range(network.depth)) + sum(sizes[2:])
    return (
        batch == 1
        and max(sizes[1:]) <= lanes
        and vectors * remembered <= MOST
        and optimizer.clip_norm is None
        and network.loss.over_examples != "weighted_mean"
        and all(isinstance(layer.rule, Activation) and not layer.dropout for layer in network.layers)
        and all(layer.bias != "shared" or not layer.train_bias for layer in network.layers)
        and (network.fused is None or isinstance(network.fused, Fused))
    )


class SingleSteps(Forward):
    """Builds the function ``train`` for single examples."""

    def __init__(self, program: Program, module: Module, b: Block) -> None:
        assert program.single is not None
        self.network = program.single
        widest, lanes = max(self.network.sizes[1:]), 4 if program.numbers.dtype == "float32" else 2
        while lanes < widest:
            lanes *= 2
        numbers = program.numbers
        self.short = Block(b.builder, Numbers(numbers.dtype, lanes, numbers.fma), b.named)
        super().__init__(program, module, b)
        self.panels = Panels(program.numbers, program.tile.vectors, self.network)

    def build(self) -> None:
        """Build all steps, made by the first worker."""
        b = self.short
        with b.builder.if_then(self.is_(b.named["worker"], 0)), flushed(b, self.module, x86=self.program.x86):
            self.steps()

    def steps(self) -> None:
        """Load the weights, make the steps, put the weights back."""
        b, size = self.short, self.panels.numbers.bytes
        places = self.places()
        order, parts = self.field("order"), self.field("parts")
        part_bytes = self.field("part_bytes", pointer=False)
        inputs, targets, weights = self.field("inputs"), self.field("targets"), self.field("weights")
        sizes, losses = self.network.sizes, self.field("losses")
        self.terms = terms_of(b, self.field("penalty"))

        def step(number: ir.Value, *state: ir.Value) -> Values:
            row = b.load_integer(b.at(order, b.times(number, 8)))
            x = b.at(inputs, b.times(row, sizes[0] * size))
            target = b.load_only(b.at(targets, b.times(row, sizes[-1] * size)), b.lanes_below(sizes[-1]))
            count = b.load_number(b.at(weights, b.times(row, size))) if self.program.weighted else None
            here = b.at(parts, b.times(number, part_bytes))
            known = {key: b.spread(b.load_number(b.at(here, k * size))) for k, key in enumerate(self.program.rule.keys)}
            there = b.at(losses, b.times(number, LOSSES * 8))
            return self.step(x, target, count, known, list(state), there)

        state = [b.load(place) for place in places]
        after = b.loop(0, self.field("steps", pointer=False), step, [*state, *self.turned(state)])
        for place, value in zip(places, after, strict=False):
            b.store(value, place)

    def places(self) -> Values:
        """Where all vectors stand: layer by layer the weights of each input, and the biases; with each of them
        what the optimizer remembers."""
        b, panels, row = self.short, self.panels, self.row
        places = []
        for layer in range(1, self.network.depth + 1):
            start = panels.weight_starts[layer]
            rows = [*range(self.network.sizes[layer - 1]), panels.weight_rows(layer) - 1]
            places += [
                b.at(self.field("parameters"), (start + k) * row + s * panels.weights * row)
                for k in rows
                for s in range(self.remembered)
            ]
        return places

    def turned(self, state: Values) -> Values:
        """The same by unit: layer by layer, from the second on, the weights of each unit."""
        found, first = [], 0
        for layer in range(1, self.network.depth + 1):
            inputs, units = self.network.sizes[layer - 1 : layer + 1]
            if layer > 1:
                for u in range(units):
                    for s in range(self.remembered):
                        column = [state[first + k * self.remembered + s] for k in range(inputs)]
                        found.append(self.lane_of_each(column, u))
            first += (inputs + 1) * self.remembered
        return found

    def lane_of_each(self, vectors: Values, lane: int) -> ir.Value:
        """A vector made of one lane of each of these."""
        i, word = self.short.builder, ir.IntType(32)
        made: ir.Value = self.short.constant(0.0)
        for k, vector in enumerate(vectors):
            number = i.extract_element(vector, ir.Constant(word, lane))
            made = i.insert_element(made, number, ir.Constant(word, k))
        return made

    @property
    def remembered(self) -> int:
        """The number of numbers per weight: itself and the optimizer's state."""
        return 1 + len(self.program.optimizer.state)

    def step(
        self, x: ir.Value, target: ir.Value, count: ir.Value | None, known: Known, state: Values, losses: ir.Value
    ) -> Values:
        """One step: what stands in registers before it, and after."""
        b, sizes = self.short, self.network.sizes
        emitter = Emitter(b.builder, b.numbers.vector, fma=b.numbers.fma)
        vectors = iter([state[at : at + self.remembered] for at in range(0, len(state), self.remembered)])
        forward = [[next(vectors) for _ in range(inputs + 1)] for inputs in sizes[:-1]]
        back = [[next(vectors) for _ in range(units)] for units in sizes[2:]]
        size = self.panels.numbers.bytes
        # Each number that a layer sees, in all lanes; and, from the second layer on, the vector that they are of.
        seen = [[b.spread(b.load_number(b.at(x, k * size))) for k in range(sizes[0])]]
        whole: Values = []
        slopes: Values = []
        for number, layer in enumerate(self.network.layers):
            z = self.weighted_sum(seen[-1], [vector[0] for vector in forward[number]])
            last = number == self.network.depth - 1
            if last and self.network.fused is not None:
                whole.append(z)
                break
            rule = layer.rule
            assert isinstance(rule, Activation)
            whole.append(emitter.emit(rule.formula, {Role.SUM: z}))
            slopes.append(emitter.emit(rule.slope.simplified, {Role.SUM: z}))
            if not last:
                seen.append(self.lanes_of(whole[-1], layer.size))
        d = self.signal(emitter, whole[-1], slopes[-1] if self.network.fused is None else None, target, count)
        self.note(self.error(emitter, whole[-1], target, count), losses)
        if self.program.penalty:
            self.note(self.penalty(emitter, forward), b.at(losses, 8))
        ahead: list[Values] = []
        behind: list[Values] = []
        for number in range(self.network.depth - 1, -1, -1):
            dense, old = self.network.layers[number], forward[number]
            new = [
                self.updated(emitter, known, b.builder.fmul(a, d), vector, dense.size, weights=True)
                for a, vector in zip(seen[number], old[:-1], strict=True)
            ]
            trained = dense.bias != "none" and dense.train_bias
            new.append(self.updated(emitter, known, d, old[-1], dense.size, weights=False) if trained else old[-1])
            ahead.insert(0, list(chain(*new)))
            if number == 0:
                break
            spread, turned, a = self.lanes_of(d, dense.size), back[number - 1], whole[number - 1]
            new = [
                self.updated(emitter, known, b.builder.fmul(each, a), vector, sizes[number], weights=True)
                for each, vector in zip(spread, turned, strict=True)
            ]
            behind.insert(0, list(chain(*new)))
            before = self.weighted_sum(spread, [vector[0] for vector in turned])
            d = self.only(b.builder.fmul(before, slopes[number - 1]), sizes[number])
        return list(chain(*ahead, *behind))

    def only(self, value: ir.Value, units: int) -> ir.Value:
        """The value where there are units, and zero in the other lanes."""
        lanes = self.short.lanes_below(units)
        return value if lanes is None else self.short.only(value, lanes)

    def weighted_sum(self, seen: Values, weights: Values) -> ir.Value:
        """Σ_k a_k · w_k, from what is left of the weights (the biases) or from nothing."""
        total = weights[len(seen)] if len(weights) > len(seen) else None
        for a, w in zip(seen, weights, strict=False):
            total = self.short.builder.fmul(a, w) if total is None else self.short.multiply_add(a, w, total)
        return total

    def lanes_of(self, vector: ir.Value, count: int) -> Values:
        """Return each of the first lanes, spread over a vector."""
        b = self.short
        lanes = b.numbers.lanes
        kind = ir.VectorType(ir.IntType(32), lanes)
        return [b.builder.shuffle_vector(vector, vector, ir.Constant(kind, [lane] * lanes)) for lane in range(count)]

    def signal(
        self, emitter: Emitter, a: ir.Value, slope: ir.Value | None, target: ir.Value, count: ir.Value | None
    ) -> ir.Value:
        """∂E/∂z of the outputs."""
        b, network = self.short, self.network
        if isinstance(network.fused, Fused):
            d = emitter.emit(network.fused.slope.simplified, {Role.TARGET: target, Role.SUM: a})
        else:
            d = emitter.emit(network.loss.rule.slope.simplified, {Role.TARGET: target, Role.OUTPUT: a})
            d = b.builder.fmul(d, slope)
        d = b.builder.fmul(d, b.spread(self.factor_of(count)))
        return self.only(d, network.sizes[-1])

    def factor_of(self, count: ir.Value | None) -> ir.Value:
        """The factor of an output's error, if the example counts that much."""
        of_outputs = ir.Constant(
            self.short.numbers.scalar, share(self.network.loss.over_outputs, self.network.sizes[-1])
        )
        return of_outputs if count is None else self.short.builder.fmul(of_outputs, count)

    def error(self, emitter: Emitter, a: ir.Value, target: ir.Value, count: ir.Value | None) -> ir.Value:
        """Σ_k E_k of the example."""
        b, network = self.short, self.network
        if isinstance(network.fused, Fused):
            error = emitter.emit(network.fused.error, {Role.TARGET: target, Role.SUM: a})
        else:
            error = emitter.emit(network.loss.rule.formula, {Role.TARGET: target, Role.OUTPUT: a})
        error = reduced(b, "fadd", self.only(error, network.sizes[-1]))
        error = b.builder.fmul(error, self.factor_of(None))
        return b.widened(error if count is None else b.builder.fmul(error, count))

    def penalty(self, emitter: Emitter, forward: list[list[Values]]) -> ir.Value:
        """The penalty of all weights, added up in the order of every other step."""
        b, lanes = self.short, self.short.numbers.lanes
        wide, word = ir.VectorType(ir.DoubleType(), lanes), ir.IntType(32)
        total: ir.Value = Same(ir.VectorType(ir.DoubleType(), SUM // 8), 0.0)
        inputs = SQUARE // self.panels.numbers.bytes
        for vectors in forward:
            for first in range(0, len(vectors) - 1, inputs):
                of_units: ir.Value = Same(wide, 0.0)
                for weights, *_ in vectors[first : min(first + inputs, len(vectors) - 1)]:
                    value = b.widened(emitter.emit(self.program.penalty.symbolic, {**self.terms, Role.WEIGHT: weights}))
                    of_units = b.builder.fadd(of_units, value)
                if lanes < SUM // 8:
                    filled = ir.Constant(ir.VectorType(word, SUM // 8), [*range(lanes), *range(lanes, 2 * lanes)])
                    of_units = b.builder.shuffle_vector(of_units, Same(wide, 0.0), filled)
                total = plus(b, total, of_units)
        return reduced(b, "fadd", total)

    def note(self, value: ir.Value, place: ir.Value) -> None:
        """Put a number of this step where it goes."""
        self.short.builder.store(value, place, align=8)

    def updated(
        self, emitter: Emitter, known: Known, g: ir.Value, state: Values, units: int, *, weights: bool
    ) -> Values:
        """Return new weights and what the optimizer remembers of them, for a vector of weights."""
        program = self.program
        penalty = program.penalty if weights and program.penalty else None
        g = bounded(self.short, emitter, program.optimizer, penalty, g, state[0], terms=self.terms)
        new = assigned(emitter, program.rule, {**known, Role.GRADIENT: g}, state)
        # The other lanes stay zero, also where a rule makes 0/0 of them.
        return [self.only(value, units) for value in new]
