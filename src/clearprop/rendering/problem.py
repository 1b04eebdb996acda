"""A network and a problem as documents: layers with their shapes, and how the problem is learnt."""

from __future__ import annotations

from clearprop.expressions import Symbol
from clearprop.messages import abridged, brief, counted
from clearprop.network.description import Network
from clearprop.network.problem import Problem
from clearprop.rendering.columns import column_lines
from clearprop.rendering.conventions import drawn_parameters, in_words
from clearprop.rendering.document import Diagram, Document, Equation, Grid, Line, Lines, Paragraph


def network_document(network: Network) -> Document:
    """Describe a network: drawn, its layers, its loss."""
    loss = Paragraph(f"loss {abridged(network.loss.rule.name, 40)}")
    return Diagram(network), layers_grid(network), loss, _error(network)


def problem_document(problem: Problem) -> Document:
    """Describe a problem before anything is computed: its examples, its network drawn, how it is learnt."""
    first, *rest = problem_summary(problem)
    return first, Diagram(problem.network, drawn_parameters(problem.parameters)), *rest, _error(problem.network)


def problem_summary(problem: Problem) -> Document:
    """Describe in short what is about to be trained."""
    from clearprop.training.batching import batch_size  # with all that plans steps: start-up counts

    network, optimizer, settings = problem.network, problem.optimizer, problem.settings
    batches = "" if problem.examples is None else f"batches of {batch_size(problem):,}; "
    return (
        Lines((f"{abridged(problem.heading, 200)}: {_examples(problem)}", *column_lines(problem))),
        layers_grid(network),
        Paragraph(
            f"loss {abridged(network.loss.rule.name, 40)}; {optimizer.name}, "
            f"learning rate {brief(optimizer.learning_rate)}; {batches}seed {settings.seed}; {settings.dtype}"
        ),
    )


def layers_grid(network: Network) -> Grid:
    """Return each layer with the shape of its weights, its biases and its parameters, and their sum."""
    rows = []
    for index, layer in enumerate(network.layers):
        inputs, name = network.sizes[index], abridged(layer.rule.name, 30)
        shapes = f"{layer.size:,} x {inputs:,}", f"{layer.biases:,}"
        rows.append((str(index + 1), name, *shapes, f"{layer.size * inputs + layer.biases:,}"))
    rows.append(("", "", "", "", f"{network.parameter_count:,}"))
    return Grid(("layer", "activation", "weights (units x inputs)", "biases", "parameters"), tuple(rows))


def _error(network: Network) -> Equation:
    return Equation(Symbol("error of one output"), (Line(in_words(network.loss.rule.formula)),))


def _examples(problem: Problem) -> str:
    examples = problem.examples
    if examples is None:
        return "no examples"
    words = counted(len(examples.learnt), "example")
    if examples.validation is not None:
        words += f", {len(examples.validation):,} more for validation"
    if left := len(examples) - len(examples.used):
        words += f", {left:,} left out"
    return words
