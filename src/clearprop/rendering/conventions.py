"""The head of an explanation: the network, and every convention that others choose differently."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from clearprop.expressions import Expression, renamed
from clearprop.expressions.kinks import switches
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.network.parameters import Parameters
from clearprop.propagation.cycle import Cycle
from clearprop.rendering.document import Block, Diagram, Grid, Heading, View
from clearprop.rules.activations import Activation
from clearprop.rules.roles import Role

FULL_LIMIT, BATCH_LIMIT = 200, 5_000
"""Above this number of parameters, or in a batch of parameters times examples, an explanation without names is a
summary; named quantities are derived in any network."""
TYPED = 6
"""The number of names whose spelling in ASCII is shown."""
DRAWN_LIMIT = 20_000
"""A drawing of a network with more parameters than this shows no weights."""


def fits_in_full(cycle: Cycle) -> bool:
    """Return whether a cycle is short enough for every step to be written out."""
    parameters = cycle.problem.network.parameter_count
    return parameters <= FULL_LIMIT and parameters * len(cycle.examples) <= BATCH_LIMIT


def head(cycle: Cycle, view: View) -> Iterator[Block]:
    """Yield the title, the network drawn, and every convention that others choose differently."""
    examples = cycle.problem.examples
    several = examples is not None and len(examples) > 1
    learnt = "examples" if examples is None or examples.training is None else "training examples"
    which = f"all {learnt} as one batch" if cycle.example == "all" else f"example {cycle.example}"
    title = f"{cycle.problem.name}: " + ("one cycle" if cycle.step == 1 else f"cycle {cycle.step}")
    yield Heading(1, title + (f" on {which}" if several else ""))
    yield Diagram(cycle.problem.network, drawn_values(cycle))
    yield Heading(2, "Conventions")
    yield Grid(("", ""), tuple(conventions(cycle, view)))


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
    return values | {q.Target(k): float(value) for k, value in enumerate(cycle.examples.targets[0])}


def in_words(tree: Expression) -> Expression:
    """Return a rule's expression with its roles in words."""
    return renamed(tree, {Role.OUTPUT: "output", Role.TARGET: "target", Role.SUM: "sum", Role.WEIGHT: "w"})


def conventions(cycle: Cycle, view: View) -> Iterator[tuple[str, str | Expression]]:
    """Yield each choice that published examples make differently, in words."""
    problem, names = cycle.problem, view.names
    network, objective, total = problem.network, problem.network.loss, names.text(q.TotalError())
    yield "loss", objective.rule.name
    yield "error of one output", in_words(objective.rule.formula)
    penalty = "" if not problem.penalty else ", plus the penalty once per batch"
    yield total, f"the {objective.over_outputs} over the outputs{penalty}"
    if cycle.example == "all":
        yield "batch", f"the {objective.over_examples} over the {len(cycle.examples)} examples"
    if cycle.trace.weights is not None:
        yield "weight of an example", "multiplies its error; the mean divides by the number of examples"
    if problem.penalty:
        yield "penalty, for each weight w", in_words(problem.penalty.formula)
    yield "gradients", "all from the old weights; then all parameters are updated at once"
    yield "error signal", f"∂{total}/∂(weighted sum): its sign is that of output - target"
    layers = enumerate(network.layers, start=1)
    yield "biases", "; ".join(f"layer {n}: {_bias_words(layer.bias, layer.train_bias)}" for n, layer in layers)
    rate = f"{names.text(q.LearningRate())} = {view.number(cycle.rate)}"
    yield "optimizer", f"{problem.optimizer.name}, learning rate {rate}"
    activations = [layer.rule for layer in network.layers if isinstance(layer.rule, Activation)]
    if kinked := dict.fromkeys(rule.name for rule in activations if [*switches(rule.formula)]):
        strict = "conditions are strict (> and not ≥), so the slope of relu at 0 is 0"
        yield "at a kink", f"{', '.join(kinked)}: {strict}"
    if any(layer.dropout for layer in network.layers):
        yield "dropout", f"the mask of step {cycle.step}; what is kept is scaled by 1/(1 - dropout)"
    if cycle.engine is not None:
        dtype, difference, parameter = cycle.engine
        name = cycle.parameters.layout.name(parameter)
        yield (
            "weights",
            f"those of the compiled engine, which trains in {dtype}; the weights it makes in this cycle differ "
            f"from those derived here in float64 by at most {difference:.1e} (at {name})",
        )
    if aliases := list(names.layout.aliases.items()):
        typed = ", ".join(f"{name} as {alias}" for alias, name in aliases[:TYPED])
        yield "names may be typed", typed + (", …" if len(aliases) > TYPED else "")
    how = "cut off" if view.rounding == "truncate" else "rounded"
    yield (
        "numbers",
        f"computed in full precision, {how} to {view.digits} digits for display only; "
        "so displayed factors may not multiply exactly to the displayed product",
    )


def _bias_words(policy: object, trained: bool) -> str:
    words = {"unit": "one per unit", "shared": "one shared by the layer", "none": "none"}[str(policy)]
    return words + ("" if trained or policy == "none" else ", not trained")
