"""A probe: a short program for another framework that trains a small network for two steps and prints its numbers, and
the conventions that those numbers show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument, UnreadableFile
from clearprop.interop.compare import close
from clearprop.interop.cycle_numbers import Numbers
from clearprop.interop.explained import Searched, explained
from clearprop.interop.ways import WAYS, Ways, numbers_by
from clearprop.messages import abridged, counted
from clearprop.network.description import Network, Objective
from clearprop.network.examples import Examples
from clearprop.network.layer import Dense
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.rules.losses import loss
from clearprop.rules.optimizers import SGD
from clearprop.rules.penalties import Penalty

KEYS = ("outputs", "error", "gradients", "updated", "second")
KINDS = ("outputs", "errors", "gradients", "updated", "second")
PRECISE, TOLERANCE = 1e-9, 1e-5
"""Programs in float32 round more than this package does."""
MOST_DECIMALS, NEAR = 9, (5, 4, 3)
ROUNDED = {
    0.51: "its numbers are rounded to {}",
    1.01: "its numbers are cut off after {}",
    20.0: "values rounded to {} are carried on into later steps",
}
"""What numbers that are shown with few decimals say, by how many units of the last one they are off."""
CARRIED = "the numbers are clearprop's to {} decimals, as where rounded values are carried on into later steps"


@cache
def probe() -> Problem:
    """Return the network of the probe: 2-4-3, five examples, momentum, a rate that halves, an l2."""
    rng = np.random.default_rng(7)
    network = Network(2, [Dense(4, "tanh"), Dense(3)], Objective(loss("half_squared_error")))
    parameters = Parameters(network.layout, rng.uniform(-1, 1, network.layout.size).round(3))
    examples = Examples(rng.uniform(-1, 1, (5, 2)).round(3), rng.uniform(-1, 1, (5, 3)).round(3))
    by = SGD(0.2, momentum=0.9, schedule={"name": "step", "size": 1, "gamma": 0.5})
    return Problem(network, parameters, by, Penalty(l2=0.05), examples, name="the probe")


def run(problem: Problem, ways: Ways = frozenset(), steps: int = 2) -> Numbers:
    """Return the numbers of two steps, or of one."""
    return numbers_by(problem, ways, steps=steps)


def conventions(answer: Numbers) -> list[dict[str, Any]] | None:
    """Return the changes of clearprop's own conventions that give an answer; None if no known ones do."""
    decimals = _decimals(answer)
    if decimals is None:
        for tolerance in (TOLERANCE,) if _is_single(answer) else (PRECISE, TOLERANCE):
            found = _within(tolerance, *_told(answer))
            if found is not None:
                return found
    for units, says in ROUNDED.items() if decimals is not None else ():
        found = _within(units * 10.0 ** -(decimals or 0), answer)
        if found is not None:
            return [*found, _said(says.format(counted(decimals or 0, "decimal")))]
    near = next((digits for digits in NEAR if _is_near(answer, 10.0**-digits)), None)
    return None if near is None else [_said(CARRIED.format(near))]


def _is_single(answer: Numbers) -> bool:
    """Return whether a program computed in float32."""
    assert answer.updated is not None
    told = np.concatenate([answer.outputs.ravel(), answer.updated])
    return bool((told.astype(np.float32) == told).all())


def _said(says: str) -> dict[str, Any]:
    return {"change": None, "says": says, "agrees": True}


def _told(answer: Numbers) -> Iterator[Numbers]:
    """Yield the answer, and where its gradients are its first step over the rate, the answer without them: they are
    gradients only if nothing else is in that step."""
    yield answer
    assert answer.parameters is not None
    assert answer.updated is not None
    rate = probe().optimizer.learning_rate
    if close((answer.parameters - answer.updated) / rate, answer.gradients, TOLERANCE):
        yield replace(answer, gradients=None)


def _within(tolerance: float, *answers: Numbers) -> list[dict[str, Any]] | None:
    def agree(one: Any, other: Any) -> bool:
        return close(one, other, tolerance)

    known: dict[Any, Numbers | None] = {}
    return explained(probe(), *(Searched(each, run, agree, None, tuple(WAYS), known) for each in answers))


def _is_near(answer: Numbers, tolerance: float) -> bool:
    own = run(probe())
    return all(close(getattr(own, kind), getattr(answer, kind), tolerance) for kind in KINDS)


def _decimals(answer: Numbers) -> int | None:
    """Return to how many decimals all numbers of an answer are rounded; None where they are not."""
    told = np.concatenate([np.ravel(getattr(answer, kind)) for kind in KINDS])
    return next((n for n in range(1, MOST_DECIMALS) if np.allclose(told, told.round(n), rtol=0, atol=1e-12)), None)


def read_answer(path: str) -> Numbers:
    """Return the numbers in a JSON file that a probe's program printed.

    Raises:
        UnreadableFile: no such file, or other content.
    """
    shown, problem = abridged(path, 200), probe()
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise UnreadableFile(f"{shown}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise UnreadableFile(
            f"{shown}: expected the JSON that a probe's program prints, found something else"
        ) from None
    sizes = {"outputs": 15, "error": 1, **dict.fromkeys(KEYS[2:], problem.parameters.vector.size)}
    found = {}
    for key, size in sizes.items():
        try:
            given = np.asarray(content[key], dtype=float)
        except (KeyError, TypeError, ValueError):
            raise UnreadableFile(f'{shown}: "{key}": expected {size} numbers, found none') from None
        if given.size != size or not np.isfinite(given).all():
            raise InvalidArgument(f'{shown}: "{key}": expected {size} finite numbers, found {given.size}')
        found[key] = given.reshape(5, 3) if key == "outputs" else given.ravel()
    return Numbers(problem.parameters.vector, found["outputs"], found["error"], found["gradients"], found["updated"],
                   found["second"])  # fmt: skip


def program(framework: str) -> str:
    """Return the program of a probe for a framework: torch, keras, sklearn or numpy."""
    problem = probe()
    examples = problem.examples
    assert examples is not None
    given = {
        "X": examples.inputs, "Y": examples.targets,
        "W1": problem.parameters.weights(0), "b1": problem.parameters.biases(0),
        "W2": problem.parameters.weights(1), "b2": problem.parameters.biases(1),
    }  # fmt: skip
    numbers = "\n".join(f"{name} = {json.dumps(values.tolist())}" for name, values in given.items())
    head = HEAD.format(framework=framework)
    return f"{head}\nimport json\n\nimport numpy as np\n{numbers}\n{PROGRAMS[framework]}\n{TAIL}"


HEAD = """# A probe of conventions: python probe.py > answer.json; clearprop compare --probe-answer answer.json
# One row of W1 and W2 per unit. Two steps on all five examples: momentum 0.9, rate 0.2, then 0.1; l2 0.05.
# Change what stands below to how your own program does it; it must print the same keys."""
TAIL = """found = {"outputs": outputs, "error": error, "gradients": gradients, "updated": updated, "second": second}
print(json.dumps({key: np.asarray(value, dtype=float).tolist() for key, value in found.items()}))
"""
PROGRAMS = {
    "torch": """
import torch

X, Y = torch.tensor(X, dtype=torch.float64), torch.tensor(Y, dtype=torch.float64)
model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)).double()
with torch.no_grad():
    for parameter, values in zip(model.parameters(), (W1, b1, W2, b2)):
        parameter.copy_(torch.tensor(values))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, weight_decay=0.05)


def step():
    optimizer.zero_grad()
    outputs = model(X)
    error = torch.nn.MSELoss()(outputs, Y)
    error.backward()
    gradients = torch.cat([each.grad.flatten() for each in model.parameters()]).clone()
    optimizer.step()
    updated = torch.cat([each.detach().flatten() for each in model.parameters()])
    return outputs.detach(), error.item(), gradients, updated


outputs, error, gradients, updated = step()
optimizer.param_groups[0]["lr"] = 0.1
second = step()[3]""",
    "keras": """
import keras

X, Y = np.array(X, "float32"), np.array(Y, "float32")
l2 = keras.regularizers.L2(0.05)
model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(4, activation="tanh", kernel_regularizer=l2),
                          keras.layers.Dense(3, kernel_regularizer=l2)])
model.set_weights([np.array(W1).T, np.array(b1), np.array(W2).T, np.array(b2)])
model.compile(keras.optimizers.SGD(0.2, momentum=0.9), loss="mse")


def flat():
    w1, b1, w2, b2 = model.get_weights()
    return np.concatenate([w1.T.ravel(), b1, w2.T.ravel(), b2])


outputs, error, before = model.predict(X, verbose=0), model.evaluate(X, Y, verbose=0), flat()
model.train_on_batch(X, Y)
updated = flat()
gradients = (before - updated) / 0.2  # the first step has no momentum yet
model.optimizer.learning_rate = 0.1
model.train_on_batch(X, Y)
second = flat()""",
    "sklearn": """
from sklearn.neural_network import MLPRegressor

X, Y = np.array(X), np.array(Y)
model = MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", solver="sgd", learning_rate_init=0.2, momentum=0.9,
                     nesterovs_momentum=False, alpha=0.05, batch_size=5, shuffle=False)
model.partial_fit(X, Y)  # makes the arrays; then they get the probe's numbers
for array, values in zip(model.coefs_ + model.intercepts_, (np.array(W1).T, np.array(W2).T, b1, b2)):
    array[...] = values
for velocity in model._optimizer.velocities:
    velocity[...] = 0


def flat():
    return np.concatenate([part.ravel() for w, b in zip(model.coefs_, model.intercepts_) for part in (w.T, b)])


outputs, before = model.predict(X), flat()
model.partial_fit(X, Y)
error, updated = model.loss_, flat()
gradients = (before - updated) / 0.2  # the first step has no momentum yet
model._optimizer.learning_rate = model._optimizer.learning_rate_init = 0.1
model.partial_fit(X, Y)
second = flat()""",
    "numpy": """
X, Y = np.array(X), np.array(Y)
parameters = [np.array(each) for each in (W1, b1, W2, b2)]
velocities = [np.zeros_like(each) for each in parameters]


def step(rate):
    W1, b1, W2, b2 = parameters
    hidden = np.tanh(X @ W1.T + b1)
    outputs = hidden @ W2.T + b2
    error = ((outputs - Y) ** 2).sum() / 2 / len(X) + 0.05 / 2 * ((W1**2).sum() + (W2**2).sum())
    d2 = (outputs - Y) / len(X)
    d1 = d2 @ W2 * (1 - hidden**2)
    gradients = [d1.T @ X + 0.05 * W1, d1.sum(axis=0), d2.T @ hidden + 0.05 * W2, d2.sum(axis=0)]
    for parameter, velocity, gradient in zip(parameters, velocities, gradients):
        velocity *= 0.9
        velocity += gradient
        parameter -= rate * velocity
    return outputs, error, np.concatenate([each.ravel() for each in gradients]), np.concatenate(
        [each.ravel() for each in parameters])


outputs, error, gradients, updated = step(0.2)
second = step(0.1)[3]""",
}
