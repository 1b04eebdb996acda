"""Ways in which a program computes or shows a cycle that no key of a network file declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from clearprop.expressions import evaluate
from clearprop.interop.cycle_numbers import Numbers, numbers_of
from clearprop.network.layout import Layout
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.propagation.backward import through_activation
from clearprop.propagation.cycle import Cycle, cycle, following
from clearprop.propagation.forward import example_share
from clearprop.propagation.update import update
from clearprop.rules.optimizers import optimizer
from clearprop.rules.roles import Role
from clearprop.types import Array

Stage = Literal["outputs", "errors", "gradients", "updated"]
Ways = frozenset[str]


class Way(NamedTuple):
    """A way in words, and the part of a cycle that it shows in first."""

    says: str
    stage: Stage


WAYS: Mapping[str, Way] = {
    "after": Way("its outputs and its error are those with the new weights", "outputs"),
    "read_by_input": Way(
        "the numbers of its weight matrices are read, and shown, source first: one row per input", "outputs"
    ),
    "one_bias": Way("the units of a layer share one bias, the first: it takes the gradient of them all", "outputs"),
    "error_after": Way("its error is that with the new weights", "errors"),
    "penalty_of_biases": Way("the penalty is also on the biases", "errors"),
    "penalty_in_update": Way(
        "the penalty acts in the update alone, as a weight decay that leaves the biases out: it counts neither in the "
        "error nor in the gradients",
        "errors",
    ),
    "new_weights": Way(
        "the gradients of a layer are computed with the new weights of the layer after it, not with the old",
        "gradients",
    ),
    "turned": Way("its gradients have the sign of target - output, and are added in the update", "gradients"),
    "clipped_shown": Way("its gradients are those after clipping", "gradients"),
    "shared_biases": Way(
        "the biases of a layer all take the gradient of all its units, as one shared bias", "gradients"
    ),
    "not_of_biases": Way("its gradients of biases that are not trained are 0", "gradients"),
    "first_example": Way("the gradients are those of the first example alone", "gradients"),
    "last_example": Way("the gradients are those of the last example alone", "gradients"),
    "by_input": Way("its weights are listed source first: one row per input", "gradients"),
    "by_input_1": Way("its weights of layer 1 are listed source first: one row per input", "gradients"),
    "by_input_2": Way("its weights of layer 2 are listed source first: one row per input", "gradients"),
    "weights_first": Way("all its weights are listed before its biases", "gradients"),
    "weights_first_by_input": Way(
        "all its weights are listed before its biases, and source first, as scikit-learn has them", "gradients"
    ),
    "ahead": Way("the gradients are taken where momentum leads, as Nesterov wrote it", "updated"),
    "spared_biases": Way("weight decay leaves the biases out", "updated"),
    "each_example": Way("the weights are updated after each example, not once for all", "updated"),
    "added": Way("the update is added, up the gradient", "updated"),
}
"""All known ways by name. A program that mixes several has several of them."""
OF_A_MODULE = ("penalty_of_biases", "penalty_in_update", "spared_biases")
"""Those in which PyTorch's own autograd and optimizers can differ."""


class _Step(NamedTuple):
    done: Cycle
    gradient: Parameters
    updated: Parameters
    state: Mapping[str, Array]


def numbers_by(problem: Problem, ways: Ways, example: int | Literal["all"] = "all", steps: int = 1) -> Numbers:
    """Return the numbers of one step, or of two, computed and shown in these ways."""
    if not ways:
        done = cycle(problem, example)
        found = numbers_of(done)
        return found if steps == 1 else replace(found, second=following(done).updated.vector)
    if "read_by_input" in ways:
        problem = problem.with_parameters(_listed_by_input(problem.parameters))
    if "one_bias" in ways:
        problem = problem.with_parameters(_with_one_bias(problem.parameters))
    first = _step(problem, ways, example, 1, None)
    found = _shown(first, ways)
    if steps == 2:
        second = _step(problem.with_parameters(first.updated), ways, example, 2, first.state)
        found = replace(found, second=second.updated.vector)
    order = _order(problem.network.layout, ways)
    return found if order is None else replace(
        found, **{key: getattr(found, key)[order] for key in ("gradients", "updated", "second")
                  if getattr(found, key) is not None}
    )  # fmt: skip


def _step(
    problem: Problem, ways: Ways, example: int | Literal["all"], step: int, state: Mapping[str, Array] | None
) -> _Step:
    done = cycle(problem, example, step=step, state=state)
    if "ahead" in ways and state:
        done = cycle(_led(problem, state, done.rate), example, step=step, state=state)
    if "each_example" in ways:
        return _one_by_one(problem, done)
    gradient = _gradient(done, ways)
    made = update(problem.optimizer, problem.parameters, gradient, done.state, step, done.rate)
    new, after = made.parameters.vector, made.state
    if "spared_biases" in ways:
        without = _without_decay(problem)
        spared = update(without.optimizer, problem.parameters, gradient, done.state, step, done.rate)
        weight = problem.network.layout.is_weight
        new = np.where(weight, new, spared.parameters.vector)
        after = {key: np.where(weight, value, spared.state[key]) for key, value in after.items()}
    if "added" in ways:
        new = 2 * problem.parameters.vector - new
    if "clipped_shown" in ways:
        gradient = gradient.with_vector(made.gradient)
    return _Step(done, gradient, problem.parameters.with_vector(new), after)


def _gradient(done: Cycle, ways: Ways) -> Parameters:
    """Return the gradient that the update takes."""
    problem, layout = done.problem, done.problem.network.layout
    gradient = done.gradients.of
    for name, number in (("first_example", done.numbers[0]), ("last_example", done.numbers[-1])):
        if name in ways:
            gradient = cycle(problem, int(number), step=done.step, state=done.state).gradients.of
    if "new_weights" in ways:
        gradient = _with_new_weights(done)
    vector = gradient.vector
    if "penalty_of_biases" in ways:
        vector = vector + np.where(layout.is_weight, 0.0, _slopes(done))
    if ways & {"shared_biases", "one_bias"}:
        vector = vector.copy()
        for biases in layout.biases:
            vector[biases] = vector[biases].sum()
    return gradient.with_vector(vector)


def _slopes(done: Cycle) -> Array:
    """Return the derivative of the penalty, were it on every parameter."""
    slope = done.penalty_rule.slope.simplified
    found = evaluate(slope, {Role.WEIGHT: done.parameters.vector}) if done.problem.penalty else 0.0
    return np.broadcast_to(found, done.parameters.vector.shape)


def _with_new_weights(done: Cycle) -> Parameters:
    """Return the gradient where each layer is updated before the signals of the one before it are computed."""
    network, trace, signals = done.problem.network, done.trace, done.gradients.signals
    share = example_share(network, trace.count)
    gradient = done.gradients.of.with_vector(done.gradients.of.vector.copy())
    signal = signals[-1]
    for layer in reversed(range(network.depth - 1)):
        new = update(done.problem.optimizer, done.parameters, gradient, done.state, done.step, done.rate).parameters
        signal = through_activation(trace, layer, signal @ new.weights(layer + 1))
        moved = signal - signals[layer]
        gradient.weights(layer)[:] += share * (moved.T @ trace.before(layer))
        own, by_unit = gradient.biases(layer), share * moved.sum(axis=0)
        own += by_unit.sum() if network.layers[layer].bias == "shared" else by_unit[: own.size]
    return gradient


def _led(problem: Problem, state: Mapping[str, Array], rate: float) -> Problem:
    """Return the problem at the weights that momentum alone would lead to in the next step."""
    own, parameters = problem.optimizer, problem.parameters
    momentum, velocity = own.constants.get("momentum", 0.0), state.get("b")
    if velocity is None:
        return problem
    by = -1.0 if own.hyperparameters.get("rate_in_velocity") else rate
    return problem.with_parameters(parameters.with_vector(parameters.vector - by * momentum * velocity))


def _one_by_one(problem: Problem, whole: Cycle) -> _Step:
    """Return a step that is one pass with an update after each example."""
    parameters, state, count = problem.parameters, whole.state, len(whole.numbers)
    for place, number in enumerate(whole.numbers, 1):
        step = (whole.step - 1) * count + place
        done = cycle(problem.with_parameters(parameters), int(number), step=step, rate=whole.rate, state=state)
        parameters, state = done.updated, done.update.state
    return _Step(whole, whole.gradients.of, parameters, state)


def _without_decay(problem: Problem) -> Problem:
    own = problem.optimizer
    if not own.hyperparameters.get("weight_decay"):
        return problem
    given: dict[str, Any] = {"learning_rate": own.learning_rate, "schedule": own.schedule, **own.hyperparameters}
    return replace(problem, optimizer=optimizer(own.name, **{**given, "weight_decay": 0.0}, **own.clips))


def _shown(step: _Step, ways: Ways) -> Numbers:
    """Return the numbers of a step as the program shows them."""
    done, gradient = step.done, step.gradient.vector
    found = numbers_of(done)
    outputs, errors = found.outputs, found.errors
    assert errors is not None
    if ways & {"after", "error_after"}:
        later = cycle(done.problem.with_parameters(step.updated), done.example, rate=done.rate)
        errors = numbers_of(later).errors
        outputs = later.trace.outputs[-1] if "after" in ways else outputs
        done = later
    assert errors is not None
    if "penalty_in_update" in ways:
        errors = np.append(errors[:-1], errors[-1] - done.penalty)
        gradient = gradient - np.where(done.parameters.layout.is_weight, _slopes(done), 0.0)
    if "penalty_of_biases" in ways:
        biases = done.parameters.vector[~done.parameters.layout.is_weight]
        of_biases = evaluate(done.penalty_rule.formula, {Role.WEIGHT: biases}) if done.problem.penalty else np.zeros(1)
        errors = np.append(errors[:-1], errors[-1] + np.sum(of_biases))
    if "not_of_biases" in ways:
        gradient = np.where(done.parameters.layout.trainable, gradient, 0.0)
    if "turned" in ways:
        gradient = -gradient
    return Numbers(found.parameters, outputs, errors, gradient, step.updated.vector)


def _order(layout: Layout, ways: Ways) -> Any:
    """Return the order in which the program lists the parameters, or None where it is the usual one."""
    if "weights_first_by_input" in ways:
        ways = ways | {"weights_first", "by_input"}
    layers = [layer for layer in range(len(layout.weights))
              if ways & {"by_input", "read_by_input", f"by_input_{layer + 1}"}]  # fmt: skip
    if not layers and "weights_first" not in ways:
        return None
    numbers = np.arange(layout.size)
    for layer in layers:
        own = layout.weights[layer]
        numbers[own] = numbers[own].reshape(layout.sizes[layer + 1], layout.sizes[layer]).T.ravel()
    if "weights_first" in ways:
        numbers = np.concatenate([numbers[each] for each in (*layout.weights, *layout.biases)])
    return numbers


def _listed_by_input(parameters: Parameters) -> Parameters:
    """Return parameters whose matrices are filled source first from the same list of numbers."""
    layout, vector = parameters.layout, parameters.vector.copy()
    for layer, own in enumerate(layout.weights):
        units, inputs = layout.sizes[layer + 1], layout.sizes[layer]
        vector[own] = vector[own].reshape(inputs, units).T.ravel()
    return parameters.with_vector(vector)


def _with_one_bias(parameters: Parameters) -> Parameters:
    vector = parameters.vector.copy()
    for biases in parameters.layout.biases:
        vector[biases] = vector[biases][:1]
    return parameters.with_vector(vector)
