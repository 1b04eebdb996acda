"""The whole cycle as a document: the network, forward, error, backward, update, the new error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from clearprop.derivation.derive import Derivations
from clearprop.derivation.shares import WEIGHT
from clearprop.expressions import Number, Symbol
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.network.notation import Notation
from clearprop.propagation.cycle import Cycle, without_target
from clearprop.rendering.compose import Told, column_groups, gradient_blocks, own_unit, value_equation
from clearprop.rendering.conventions import fits_in_full, head, learnt_from
from clearprop.rendering.document import (
    Block,
    Cell,
    Document,
    Equation,
    Grid,
    Heading,
    Letter,
    Line,
    Matrix,
    MatrixEquation,
    Paragraph,
    View,
)
from clearprop.rules.activations import Activation
from clearprop.rules.schedules import Schedule
from clearprop.types import Array
from clearprop.verification.finite_differences import Differences

LARGEST = 10
OVERVIEW = 40
"""An overview of a network with more parameters shows the largest gradients only."""
MATRIX_LIMIT = 6
SHOWN_EXAMPLES = 20


def cycle_document(derivations: Derivations, view: View) -> Document:
    """Return one whole cycle with every step written out; of a large network, a summary."""
    in_full = fits_in_full(derivations.cycle)
    return tuple(_whole(derivations, view) if in_full else _summary(derivations, view))


def cycle_overview(cycle: Cycle, view: View) -> Document:
    """Return a short account of one cycle: the network drawn, the error before, the update, the error after."""
    title, drawing, *_ = head(cycle, view)
    if cycle.learning is None:
        return title, drawing, *_without_target(cycle)
    every = len(cycle.parameters) <= OVERVIEW
    indices = list(range(len(cycle.parameters))) if every else _largest(cycle)
    before = Equation(Symbol(q.TotalError()), (Line(Number(cycle.error), "with the old weights"),))
    update = Heading(2, "Update" if every else "The largest gradients")
    return title, drawing, before, update, *_updated(cycle, view, indices), *_after(cycle, view)


def _whole(derivations: Derivations, view: View) -> Iterator[Block]:
    cycle = derivations.cycle
    yield from head(cycle, view)
    yield Heading(2, "Forward propagation")
    yield from _forward(derivations, view)
    if cycle.learning is None:
        yield from _without_target(cycle)
        return
    yield Heading(2, "The error")
    yield from _error(derivations)
    yield Heading(2, "Backward propagation")
    yield Paragraph(
        "All derivatives are taken at the old weights, from the last layer to the first, so that results of a later "
        "layer are reused for the layers before it."
    )
    yield from _backward(derivations, view)
    yield Heading(2, "Update")
    yield from _scaled(derivations)
    yield from _updated(cycle, view, list(range(len(cycle.parameters))))
    yield Heading(2, "The new error")
    yield from _after(cycle, view)


def reached_document(derivations: Derivations, view: View, *, forward: bool) -> Document:
    """Return the backward pass of a cycle up to its first derivative that is not finite; with ``forward``, what
    stands before it too."""
    return tuple(_reached(derivations, view, forward))


def _reached(derivations: Derivations, view: View, forward: bool) -> Iterator[Block]:
    cycle, lines = derivations.cycle, derivations.lines
    if forward:
        yield from head(cycle, view)
        yield Heading(2, "Forward propagation")
        yield from _forward(derivations, view)
        yield Heading(2, "The error")
        yield from _error(derivations)
    yield Heading(2, "Backward propagation, up to the first derivative that is not finite")
    for quantity in lines.quantities():
        of = quantity.of if isinstance(quantity, q.OfExample) else quantity
        if not isinstance(of, q.Derivative):
            continue
        if isinstance(of.by, q.Output) and of.by.layer == cycle.problem.network.depth - 1:
            of = q.Derivative(q.Error(of.by.unit), of.by)  # E_total depends on an output through its error alone.
        own = replace(quantity, of=of) if isinstance(quantity, q.OfExample) else of
        derivation = derivations.value(own)
        yield value_equation(derivation)
        if not np.isfinite(derivation.value):
            return


def _summary(derivations: Derivations, view: View) -> Iterator[Block]:
    cycle = derivations.cycle
    network = cycle.problem.network
    yield from head(cycle, view)
    examples = f" over {len(cycle.examples):,} examples" if len(cycle.examples) > 1 else ""
    yield Paragraph(
        f"{network.parameter_count:,} parameters{examples} are too many to derive each here; name those to derive, "
        f"for example {cycle.parameters.layout.name(0)} or "
        f"{view.names.text(q.Sum(network.depth - 1, 0))}."
    )
    yield Heading(2, "The layers")
    yield _layers(cycle)
    if cycle.learning is None:
        yield from _without_target(cycle)
        return
    yield Heading(2, "The error")
    yield from _values(derivations, *map(q.Error, range(min(network.sizes[-1], LARGEST))), q.TotalError())
    yield Heading(2, "The largest gradients")
    yield from _updated(cycle, view, _largest(cycle))
    yield Heading(2, "The new error")
    yield from _after(cycle, view)


def _without_target(cycle: Cycle) -> Iterator[Block]:
    yield Heading(2, "The error")
    yield forward_alone(cycle)


def forward_alone(cycle: Cycle) -> Block:
    """Return why a cycle without targets ends with its outputs."""
    return Paragraph(f"This is the forward pass alone: {without_target(cycle.problem)}.")


def _largest(cycle: Cycle) -> list[int]:
    """Return the parameters with the largest gradients."""
    largest = np.argsort(-np.abs(cycle.gradients.of.vector), kind="stable")[:LARGEST]
    return [int(index) for index in largest]


# --- forward and error -----------------------------------------------------------------------


def _values(derivations: Derivations, *quantities: Quantity) -> Iterator[Block]:
    return (value_equation(derivations.value(quantity)) for quantity in quantities)


def _forward(derivations: Derivations, view: View) -> Iterator[Block]:
    cycle = derivations.cycle
    network = cycle.problem.network
    batch = cycle.example == "all"
    fitted = cycle.problem.fitted
    if fitted is not None and not batch and not fitted.leaves_as_they_are(network.input_names):
        yield Heading(3, "From the table to the inputs")
        yield from _values(derivations, *map(q.Input, range(network.sizes[0])))
    for layer, units in enumerate(network.unit_names):
        yield Heading(3, _layer_title(cycle, layer))
        sums, outputs = ([kind(layer, unit) for unit in range(len(units))] for kind in (q.Sum, q.Output))
        quantities = [quantity for pair in zip(sums, outputs, strict=True) for quantity in pair]
        if batch:  # the formulas, then the numbers of the examples in tables
            for quantity in quantities:
                yield Equation(Symbol(quantity), (Line(derivations.value(quantity).formulas[0]),))
            yield from _per_example(cycle, sums)
            yield from _per_example(cycle, outputs)
        else:
            yield from _values(derivations, *quantities)
            yield from _forward_matrix(cycle, view, layer)
    if not batch:
        yield from _own_units(derivations)


def _own_units(derivations: Derivations) -> Iterator[Block]:
    """Yield the outputs in the units of the table's target columns, where targets are standardized."""
    last, outputs = derivations.cycle.problem.network.depth - 1, derivations.cycle.problem.network.sizes[-1]
    shown = [block for k in range(outputs) for block in own_unit(derivations.value(q.Output(last, k)))]
    return iter([Heading(3, "From the outputs to the table"), *shown] if shown else [])


def _layer_title(cycle: Cycle, layer: int) -> str:
    network = cycle.problem.network
    place = "output layer" if layer == network.depth - 1 else "hidden layer"
    return f"Layer {layer + 1}: {place}, {network.layers[layer].rule.name}"


def _per_example(cycle: Cycle, quantities: Sequence[Quantity]) -> Iterator[Block]:
    header: tuple[Cell, ...] = ("example", *map(Symbol, quantities))
    rows = tuple(
        (Number(float(cycle.numbers[row])), *(Number(cycle.value(quantity, row)) for quantity in quantities))
        for row in range(min(len(cycle.examples), SHOWN_EXAMPLES))
    )
    yield from column_groups(header, rows, fixed=1)
    if (more := len(cycle.examples) - SHOWN_EXAMPLES) > 0:
        yield Paragraph(f"… and {more:,} more examples")


def _error(derivations: Derivations) -> Iterator[Block]:
    cycle = derivations.cycle
    outputs = range(cycle.problem.network.sizes[-1])
    given: list[Quantity] = []
    if cycle.example != "all":
        given = [*map(q.Target, outputs), *([] if cycle.trace.weights is None else [WEIGHT])]
    penalty = [q.PenaltyError()] if cycle.problem.penalty else []
    return _values(derivations, *given, *map(q.Error, outputs), *penalty, q.TotalError())


# --- backward ----------------------------------------------------------------------------------


def _backward(derivations: Derivations, view: View) -> Iterator[Block]:
    cycle = derivations.cycle
    network, layout = cycle.problem.network, cycle.parameters.layout
    told: Told = {}
    differences = Differences(cycle)
    for layer in reversed(range(network.depth)):
        yield Heading(3, f"Weights of layer {layer + 1}")
        yield from _signals(derivations, view, layer)
        for span in (layout.weights[layer], layout.biases[layer]):
            for index in range(span.start, span.stop):
                yield from gradient_blocks(derivations.gradient(index), view, told, differences, level=4)


def _signals(derivations: Derivations, view: View, layer: int) -> Iterator[Block]:
    """Yield the error signals and gradients of a layer in matrix form, in a notation that has one."""
    cycle = derivations.cycle
    words = view.names.notation
    if not words.matrix_form or cycle.example == "all":
        return
    network, number = cycle.problem.network, layer + 1
    delta, signal = _signal_letter(words, number), cycle.gradients.signals[layer][0]
    slope = Letter("f", 0, "′", Letter(words.sum, number))
    if number < network.depth:
        later = cycle.parameters.weights(layer + 1)
        yield MatrixEquation(
            (delta, "=", "(", Letter("W", number + 1, "T"), _signal_letter(words, number + 1), ")", "∘", slope)
        )
        if _fits(later):
            values = (Matrix(_rows(later.T)), _column(cycle.gradients.signals[layer + 1][0]))
            if isinstance(network.layers[layer].rule, Activation):
                link, units = derivations.chains[0].link, range(min(len(signal), MATRIX_LIMIT + 1))
                slopes = np.array([link(q.Output(layer, u), q.Sum(layer, u)).value for u in units])
                yield MatrixEquation((delta, "=", "(", *values, ")", "∘", _column(slopes), "=", _column(signal)))
    else:
        yield MatrixEquation((delta, "=", _column(signal)))
    seen = _seen_letter(words, layer)
    gradient = Letter("W", number, gradient_of=words.total_error)
    yield MatrixEquation((gradient, "=", delta, Letter(seen.letter, seen.layer, "T")))
    product = np.outer(signal, cycle.trace.before(layer)[0])
    if _fits(product):
        row = Matrix(_rows(cycle.trace.before(layer)))
        yield MatrixEquation((gradient, "=", _column(signal), row, "=", Matrix(_rows(product))))


def _signal_letter(words: Notation, layer: int) -> Letter:
    """Return the vector of a layer's error signals, as a letter or as a derivative."""
    return Letter(words.signal, layer) if words.signal else Letter(words.sum, layer, gradient_of=words.total_error)


def _seen_letter(words: Notation, layer: int) -> Letter:
    return Letter(words.output, layer) if layer else Letter("x")


def _forward_matrix(cycle: Cycle, view: View, layer: int) -> Iterator[Block]:
    """Yield z = W a + b, in a notation that has a matrix form."""
    words = view.names.notation
    if not words.matrix_form:
        return
    number = layer + 1
    seen = _seen_letter(words, layer)
    biases, weights = cycle.parameters.biases(layer), cycle.parameters.weights(layer)
    bias = ("+", Letter("b", number)) if biases.size else ()
    if layer == 0:
        yield Paragraph("W has one row per unit and one column per input of the layer.")
    yield MatrixEquation((Letter(words.sum, number), "=", Letter("W", number), seen, *bias))
    if _fits(weights):
        column = _column(np.broadcast_to(biases, (len(weights),))) if biases.size else None
        values = (Matrix(_rows(weights)), _column(cycle.trace.before(layer)[0]))
        plus = ("+", column) if column else ()
        yield MatrixEquation((Letter(words.sum, number), "=", *values, *plus, "=", _column(cycle.trace.sums[layer][0])))
    yield MatrixEquation((Letter(words.output, number), "=", Letter("f", 0, "", Letter(words.sum, number))))


def _fits(matrix: Array) -> bool:
    return int(max(matrix.shape)) <= MATRIX_LIMIT


def _rows(matrix: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)


def _column(vector: Array) -> Matrix:
    shown = vector[:MATRIX_LIMIT]
    return Matrix(_rows(shown[:, None]), elided=len(vector) > MATRIX_LIMIT)


# --- update and after -----------------------------------------------------------------------------


def _scaled(derivations: Derivations) -> Iterator[Block]:
    """Yield what all updates share and no file gives: the rate of a schedule, the factor of a clipped gradient."""
    optimizer = derivations.cycle.problem.optimizer
    scheduled = [q.LearningRate()] if optimizer.schedule != Schedule() else []
    together = derivations.lines.together
    clipped = [q.Named(name) for each in together for name in (each.norm, each.factor)]
    return _values(derivations, *scheduled, *clipped)


def _updated(cycle: Cycle, view: View, indices: list[int]) -> Iterator[Block]:
    yield Paragraph("All parameters are updated at once, each from its gradient.")
    trainable = cycle.parameters.layout.trainable
    vectors = cycle.parameters.vector, cycle.gradients.of.vector, cycle.updated.vector
    rows = []
    for index in indices:
        numbers = (Number(float(vector[index])) for vector in vectors)
        rows.append((Symbol(q.Parameter(index)), *numbers, *(() if trainable[index] else ("not trained",))))
    yield Grid(("", "old", f"∂{view.names.text(q.TotalError())}/∂·", "new"), tuple(rows))


def _after(cycle: Cycle, view: View) -> Iterator[Block]:
    name = view.names.text(q.TotalError())
    yield Equation(Symbol(q.TotalError()), (Line(Number(cycle.error_after), "with the new weights"),))
    change = cycle.error - cycle.error_after
    direction = "smaller" if change > 0 else "larger" if change < 0 else "neither smaller nor larger"
    by = f" by {view.number(abs(change))}" if change else ""
    yield Paragraph(
        f"It was {view.number(cycle.error)}; this cycle made {name} {direction}{by}. The next cycle starts from the "
        f"new weights, and so on until the error converges.{_training_differs(cycle)}"
    )


def _training_differs(cycle: Cycle) -> str:
    """Say what training and ``--steps`` use, where that is not what the cycle runs on."""
    source = learnt_from(cycle)
    return "" if source is None else f" Training and --steps use {source}."


def _layers(cycle: Cycle) -> Grid:
    network = cycle.problem.network
    rows = []
    for layer, dense in enumerate(network.layers):
        signals = () if cycle.learning is None else (Number(float(np.abs(cycle.gradients.signals[layer]).mean())),)
        rows.append((
            f"layer {layer + 1}: {dense.size} {dense.rule.name}",
            Number(dense.size * network.sizes[layer] + dense.biases),
            Number(float(np.abs(cycle.trace.outputs[layer]).mean())),
            *signals,
        ))  # fmt: skip
    header = ("", "parameters", "mean |output|", "mean |error signal|")
    return Grid(header if cycle.learning is not None else header[:-1], tuple(rows))
