"""The head of an explanation: the network, and every convention that others choose differently."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby

import numpy as np

from clearprop.expressions import Expression, renamed, symbols
from clearprop.expressions.kinks import switches
from clearprop.messages import abridged, brief, counted, every
from clearprop.network import names as q
from clearprop.network.data import shown_label
from clearprop.network.examples import Examples
from clearprop.network.names import Quantity
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, without_target
from clearprop.rendering.document import Block, Diagram, Grid, Heading, Lines, View
from clearprop.rules.activations import ACTIVATIONS, Activation
from clearprop.rules.roles import Role
from clearprop.rules.schedules import Schedule

FULL_LIMIT, BATCH_LIMIT = 200, 5_000
"""Above this number of parameters, or in a batch of parameters times examples, an explanation without names is a
summary; named quantities are derived in any network."""
TYPED = 6
"""The number of names whose spelling in ASCII is shown."""
CLASSES = 12
"""The number of classes that are listed."""
DRAWN_LIMIT = 20_000
"""A drawing of a network with more parameters than this shows no weights."""


def fits_in_full(cycle: Cycle) -> bool:
    """Return whether a cycle is short enough for every step to be written out."""
    parameters = cycle.problem.network.parameter_count
    return parameters <= FULL_LIMIT and parameters * len(cycle.examples) <= BATCH_LIMIT


def head(cycle: Cycle, view: View) -> Iterator[Block]:
    """Yield the title, the network drawn, and every convention that others choose differently."""
    title = f"{cycle.problem.heading}: " + ("one cycle" if cycle.step == 1 else f"cycle {cycle.step}")
    yield Heading(1, title + on_which(cycle))
    yield from remarks(cycle.problem)
    yield Diagram(cycle.problem.network, drawn_values(cycle))
    yield Heading(2, "Conventions")
    yield Grid(("", ""), tuple(conventions(cycle, view)))


def remarks(problem: Problem) -> Iterator[Block]:
    """Yield what was assumed or folded where the problem was read from another framework's file."""
    if problem.remarks:
        yield Lines(problem.remarks)


def on_which(cycle: Cycle) -> str:
    """Return the end of a title that says which example or batch a cycle runs on; empty where there is only one."""
    examples = cycle.problem.examples
    if examples is None or len(examples) == 1:
        return ""
    learnt = "examples" if examples.training is None else "training examples"
    return f" on all {learnt} as one batch" if cycle.example == "all" else f" on example {cycle.example}"


def learnt_from(cycle: Cycle) -> str | None:
    """Return what an update of a training learns from, where that is not what the cycle runs on."""
    problem = cycle.trained or cycle.problem
    examples = problem.examples
    if examples is None or len(examples.learnt) == 1:
        return None if problem.examples is cycle.problem.examples else "the one example of the training"
    from clearprop.training.batching import batch_size  # with all that plans steps: start-up counts

    count, size = len(examples.learnt), batch_size(problem)
    if size < count:
        return f"batches of {size:,} of the {count:,} examples"
    return None if cycle.example == "all" else f"{every(count, 'example')} as one batch"


def drawn_parameters(parameters: Parameters) -> dict[Quantity, float]:
    """Return the parameters that a drawing may show: all, or none where there are too many."""
    vector = parameters.vector if len(parameters) <= DRAWN_LIMIT else ()
    return {q.Parameter(index): float(value) for index, value in enumerate(vector)}


def drawn_values(cycle: Cycle) -> dict[Quantity, float]:
    """Return the numbers that a drawing may show: parameters, and for one example the inputs, the outputs of all
    units and the targets."""
    values = drawn_parameters(cycle.parameters)
    if cycle.example == "all":
        return values
    for layer in range(-1, cycle.problem.network.depth):
        kind = q.Input if layer < 0 else partial(q.Output, layer)
        values |= {kind(unit): float(value) for unit, value in enumerate(cycle.trace.before(layer + 1)[0])}
    if cycle.learning is None:
        return values
    return values | {q.Target(k): float(value) for k, value in enumerate(cycle.examples.targets[0])}


def in_words(tree: Expression) -> Expression:
    """Return a rule's expression with its roles in words."""
    return renamed(tree, {Role.OUTPUT: "output", Role.TARGET: "target", Role.SUM: "sum", Role.WEIGHT: "w"})


def conventions(cycle: Cycle, view: View) -> Iterator[tuple[str, str | Expression]]:
    """Yield each choice that published examples make differently, in words."""
    if cycle.learning is None:
        yield "error, gradients", "need " + without_target(cycle.problem).partition(" need ")[2]
    else:
        yield from _of_learning(cycle, view)
    yield from _applied(cycle, view)
    names, network = view.names, cycle.problem.network
    groups = groupby(enumerate(network.layers, start=1), lambda each: _bias_words(each[1].bias, each[1].train_bias))
    yield "biases", "; ".join(f"{_layers([n for n, _ in group])}: {words}" for words, group in groups)
    if any(layer.dropout for layer in network.layers):
        yield "dropout", f"the mask of step {cycle.step}; outputs that are kept are scaled by 1/(1 - dropout)"
    if cycle.step > 1:
        same = "all examples" if cycle.example == "all" else f"example {cycle.example}"
        source = f"of the training, on {learnt_from(cycle) or same}" if cycle.trained else f"on {same}"
        yield "old weights", f"after {counted(cycle.step - 1, 'update')} {source}"
    if cycle.engine is not None:
        dtype, difference, parameter = cycle.engine
        name = cycle.parameters.layout.name(parameter)
        yield (
            "weights",
            f"those of the compiled engine, which trains in {dtype}; the weights it makes in this cycle differ "
            f"from those derived here in float64 by at most {brief(difference, '.1e')} (at {name})",
        )
    if cycle.ended is not None:
        yield "steps", ended_words(cycle)
    if aliases := list(names.layout.aliases.items()):
        typed = ", ".join(f"{name} as {alias}" for alias, name in aliases[:TYPED])
        yield "names may be typed", typed + (", …" if len(aliases) > TYPED else "")
    how = "cut off" if view.rounding == "truncate" else "rounded"
    yield (
        "numbers",
        f"computed in full precision, {how} to {view.digits} digits for display only; "
        "so displayed factors may not multiply exactly to the displayed product",
    )


def _of_learning(cycle: Cycle, view: View) -> Iterator[tuple[str, str | Expression]]:
    """Yield how the error, its gradients and the update are computed."""
    problem, names = cycle.problem, view.names
    network, objective, total = problem.network, problem.network.loss, names.text(q.TotalError())
    yield "loss", objective.rule.name
    yield "error of one output", in_words(objective.rule.formula)
    penalty = "" if not problem.penalty else ", plus the penalty once per batch"
    yield total, f"the {objective.over_outputs} over the outputs{penalty}"
    if cycle.example == "all":
        yield "batch", f"the {objective.over_examples.replace('_', ' ')} over the {len(cycle.examples)} examples"
    if cycle.trace.weights is not None:
        weighted = objective.over_examples == "weighted_mean"
        divisor = "the sum of the weights" if weighted else "the number of examples"
        yield "weight of an example", f"multiplies its error; the mean divides by {divisor}"
    if problem.penalty:
        yield "penalty, for each weight w", in_words(cycle.penalty_rule.formula)
    yield "gradients", "all from the old weights; then all parameters are updated at once"
    yield "error signal", f"∂{total}/∂(weighted sum): its sign is that of output - target"
    optimizer, rate = problem.optimizer, f"learning rate {names.text(q.LearningRate())} = {view.number(cycle.rate)}"
    used = set().union(*(symbols(assigned.expression) for assigned in optimizer.assignments))
    constants = [
        f"{names.text(q.Named(key))} = {view.number(value)}"
        for key, value in optimizer.constants.items()
        if key in used
    ]
    yield "optimizer", ", ".join([optimizer.name, rate, *constants])
    schedule, base = optimizer.schedule, view.number(optimizer.learning_rate)
    if schedule != Schedule():
        warmup = f", after a warmup of {counted(schedule.warmup, 'step')}" if schedule.warmup else ""
        by = " by steps" if schedule.by == "step" else ""
        yield "learning rate schedule", f"{schedule.name}{by}, from {base}{warmup}"
    norm = {"all": "the whole gradient", "variable": "the gradient of each layer's weights, and of its biases"}[
        optimizer.clip_norm_per
    ]
    limits = {
        "each gradient, to at most {} in size": optimizer.clip_value,
        f"the norm of {norm}, to at most {{}}": optimizer.clip_norm,
    }
    if clipped := [words.format(view.number(limit)) for words, limit in limits.items() if limit is not None]:
        yield "clipping", "; ".join(clipped)
    activations = [layer.rule for layer in network.layers if isinstance(layer.rule, Activation)]
    if kinked := dict.fromkeys(rule.name for rule in activations if [*switches(rule.formula)]):
        yield "at a kink", "; ".join(_at_kink(name, view) for name in kinked)


def _applied(cycle: Cycle, view: View) -> Iterator[tuple[str, str]]:
    """Yield what was done to the rows of a table, a line each, and what was left out."""
    lines = [f"{what}: {how}" for what, how in _done(cycle.problem, cycle.examples, view)]
    yield from zip(["from the table", *[""] * len(lines)], lines, strict=False)


def _done(problem: Problem, examples: Examples, view: View) -> Iterator[tuple[str, str]]:
    fitted, data = problem.fitted, problem.data
    if fitted is None:
        return
    numbers = [each for each in fitted.columns if each.categories is None]
    if any((each.mean, each.scale) != (0, 1) for each in numbers):
        yield "numbers", "standardized, by the training rows"
    if len(numbers) < len(fitted.columns):
        yield "categories", "one input for each, 1 or 0"
    if fitted.standardized:
        yield "targets", "standardized, by the training rows"
    if fitted.classes is not None:
        classes = [*zip(problem.network.unit_names[-1], map(shown_label, fitted.classes), strict=False)]
        if problem.network.sizes[-1] == 1:
            classes = [(f"{classes[0][0]} near {k}", shown_label(each)) for k, each in enumerate(fitted.classes)]
        if shown := [f"{name} {abridged(label, 20)}" for name, label in classes if name != label]:
            yield "classes", ", ".join(shown[:CLASSES]) + (", …" if len(shown) > CLASSES else "")
    if examples.unweighted:
        yield "weights", f"left out ({examples.unweighted})"
    if examples.weights is not None:
        counts = zip(map(shown_label, fitted.classes or ()), fitted.class_weights, strict=False)
        of = [f"{abridged(label, 20)} {view.number(weight)}" for label, weight in counts]
        column = data.weight_column if data is not None and not examples.unweighted else None
        of += [] if column is None else [f"column {abridged(column, 20)}"]
        if of:
            yield "weights", ", ".join(of[:CLASSES]) + (", …" if len(of) > CLASSES else "")


def ended_words(cycle: Cycle) -> str:
    """Return that a training never had the parameters of this cycle."""
    dtype = cycle.problem.settings.dtype
    return (
        f"computed in float64; training in {dtype} has numbers that are not finite from step {cycle.ended} on, so it "
        f"never reaches step {cycle.step}"
    )


def _at_kink(name: str, view: View) -> str:
    """Return which slope an activation has where it has a kink."""
    rule = ACTIVATIONS.get(name)
    if not isinstance(rule, Activation):
        return f"in {name} the conditions decide as they are written"
    return f"at 0 the slope of {name} is taken as {view.number(float(rule.slopes(np.zeros(1))[0]))}"


def _layers(numbers: list[int]) -> str:
    first, last = numbers[0], numbers[-1]
    return f"layer {first}" if first == last else f"layers {first} {'and' if last == first + 1 else 'to'} {last}"


def _bias_words(policy: object, trained: bool) -> str:
    words = {"unit": "one per unit", "shared": "one shared by the layer", "none": "none"}[str(policy)]
    return words + ("" if trained or policy == "none" else ", not trained")
