"""Layers are told apart by the number of their rule: networks that mix rules in every way that matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from tests.engine.support.networks import LIMITS, by_engine, by_reference, distance, judged, native, outputs, single
from tests.engine.support.planted import compile_anew, planted

import clearprop as cp
from clearprop.engine import calling
from clearprop.engine.native import Native
from clearprop.network.examples import Examples
from clearprop.network.problem import Problem, Settings
from clearprop.propagation.dropout import mask
from clearprop.training.reference import Reference


@dataclass(frozen=True)
class Mix:
    """The rules of layers, the last one's too, and the loss."""

    rules: Sequence[str]
    loss: str = "half_squared_error"
    bias: str = "unit"
    outputs_dropout: float = 0.0

    def problem(self, batch: int = 20, seed: int = 1, rows: int | None = None) -> Problem:
        """Widths beside and at the edges of panels, and so many steps that every one matters."""
        rng = np.random.default_rng([seed, 23])
        sizes = [int(rng.choice([3, 8, 17, 33])) for _ in self.rules] + [int(rng.choice([2, 5, 16]))]
        hidden: list[Any] = [
            cp.Dense(size, rule, bias=self.bias)  # type: ignore[arg-type]
            for size, rule in zip(sizes[1:-1], self.rules[:-1], strict=True)
        ]
        last = cp.Dense(sizes[-1], self.rules[-1], dropout=self.outputs_dropout)
        network = cp.Network(sizes[0], [*hidden, last], self.loss)
        rows = rows or 2 * batch + 1
        targets = single(rng.uniform(0.1, 0.9, (rows, sizes[-1])))
        if network.loss.rule.sums_to_one:
            targets = single(targets / targets.sum(axis=1, keepdims=True))
        examples = Examples(single(rng.normal(size=(rows, sizes[0]))), targets, own=False)
        problem = Problem(
            network,
            optimizer=cp.SGD(0.1, momentum=0.5),
            examples=examples,
            settings=Settings(batch_size=batch, seed=seed),
        )
        problem.parameters.vector[:] = single(
            problem.parameters.vector + rng.normal(0, 0.2, problem.parameters.vector.size)
        )
        return problem


BINARY, CATEGORICAL = "binary_cross_entropy", "categorical_cross_entropy"
MIXES = {
    "many rules": Mix(["tanh", "relu", "softplus", "gelu", "tanh", "identity"]),
    "one rule": Mix(["tanh", "tanh", "tanh"]),
    "the last rule inside": Mix(["tanh", "logistic", "relu", "logistic"]),
    "the last rule first": Mix(["softplus", "tanh", "softplus"]),
    "rules that only differ in name": Mix(["logistic", "1 / (1 + exp(-z))", "logistic", "1 / (1 + exp(-z))"]),
    "a rule by another name at the end": Mix(["logistic", "1 / (1 + exp(-z))"]),
    "fused, its rule inside": Mix(["logistic", "tanh", "logistic", "logistic"], BINARY),
    "fused, only its rule": Mix(["logistic", "logistic"], BINARY),
    "fused, another rule inside": Mix(["tanh", "logistic"], BINARY),
    "its rule inside, not fused": Mix(["logistic", "1 / (1 + exp(-z))"], BINARY),
    "softmax inside": Mix(["tanh", "softmax", "tanh"]),
    "softmax inside, fused": Mix(["softmax", "tanh", "logistic"], BINARY),
    "softmax twice inside": Mix(["softmax", "softmax", "relu"]),
    "softmax at the end": Mix(["relu", "softmax"]),
    "softmax everywhere": Mix(["softmax", "softmax", "softmax"]),
    "softmax fused": Mix(["relu", "softmax"], CATEGORICAL),
    "softmax inside and fused": Mix(["softmax", "relu", "softmax"], CATEGORICAL),
    "softmax alone, fused": Mix(["softmax"], CATEGORICAL),
    "softmax with a binary loss": Mix(["softmax", "softmax"], BINARY),
    "shared biases": Mix(["softplus", "softmax", "relu", "softplus"], bias="shared"),
    "shared biases, fused": Mix(["logistic", "logistic"], BINARY, bias="shared"),
    "fused but for dropout": Mix(["softmax", "softmax"], CATEGORICAL, outputs_dropout=0.002),
    "fused but for dropout, by units": Mix(["logistic", "logistic"], BINARY, outputs_dropout=0.002),
}


@pytest.mark.parametrize("name", MIXES)
def test_mixed_rules(name: str) -> None:
    """Training, outputs and errors, in tiles that are not filled; and of every other mix in the other precision, one by
    one."""
    one_by_one = list(MIXES).index(name) % 2 == 0
    for number, (dtype, batch) in enumerate([("float64", 20), ("float32", 2)][: 1 + one_by_one]):
        problem = kept(MIXES[name], batch)
        engine = native(problem, dtype, threads=1 + number % 2)
        verdict = judged(problem, dtype, by_engine(engine))
        assert verdict.agrees, f"{dtype}, {batch}: {verdict}"
        start = problem.parameters.with_vector(engine.vector.astype(float))
        rows = np.arange(2 * batch + 1)[:15]
        expected = Reference(replace(problem, parameters=start), "float64").trace(rows).outputs[-1]
        assert distance(outputs(engine, rows), expected) <= LIMITS[dtype]


def kept(mix: Mix, batch: int) -> Problem:
    """The mix's problem; of outputs that may be dropped none is, but all are scaled up: a cross-entropy would be
    infinite."""
    for seed in range(1, 100):
        problem = mix.problem(batch, seed, rows=2 * batch + 1)
        network, examples = problem.network, np.arange(2 * batch + 1)
        last = network.layers[-1]
        drawn = [
            mask(last.dropout, seed, step, network.depth - 1, last.size, examples) if last.dropout else np.ones(1)
            for step in (0, 1, 2, 3)
        ]
        if all(each.all() for each in drawn):
            return problem
    raise AssertionError("some output is dropped always")


def test_dropout_of_outputs_parts_what_is_fused_only_in_training() -> None:
    for name in ("fused but for dropout", "fused but for dropout, by units"):
        program = native(kept(MIXES[name], 20), "float64").program
        assert program.fused is not None
        assert program.fused_in_training is None
    plain = native(MIXES["softmax fused"].problem(), "float64").program
    assert plain.fused_in_training is plain.fused is not None


@pytest.mark.parametrize("batch", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["softmax inside", "softmax inside and fused", "shared biases", "many rules"])
def test_few_examples(name: str, batch: int) -> None:
    """Computed one by one, or as a tile that is hardly filled."""
    problem = MIXES[name].problem(batch, rows=9)
    engine = native(problem, "float64", threads=2)
    assert engine.program.alone == (batch < engine.program.tile.rows // 2)
    verdict = judged(problem, "float64", by_engine(engine))
    assert verdict.agrees, str(verdict)


@pytest.mark.parametrize("name", ["fused, its rule inside", "softmax inside and fused", "shared biases"])
def test_many_examples(name: str) -> None:
    """More than are looked at together: the gradient is whole."""
    problem = MIXES[name].problem(2100, rows=4201)
    engine = native(problem, "float64", threads=2)
    assert engine.program.whole_gradient
    verdict = judged(problem, "float64", by_engine(engine))
    assert verdict.agrees, str(verdict)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("sums that are to be left alone are not", "fused, its rule inside"),
        ("sums that are to be left alone are not", "fused, only its rule"),
        ("sums that are to be left alone are not", "softmax inside and fused"),
        ("all layers have the same rule", "the last rule inside"),
        ("all layers have the same rule", "many rules"),
        ("all layers have the same rule", "softmax inside"),
    ],
)
def test_rules_of_other_layers_are_found(fault: str, name: str) -> None:
    problem = MIXES[name].problem()
    engine = native(problem, "float64")
    with planted(fault):
        compile_anew(engine, "train")
    found = by_engine(engine, error=False).distances(by_reference(problem, "float64"))
    assert max(found.values()) > 1e3 * LIMITS["float64"]


def test_rules_that_are_confused_are_found() -> None:
    """The table of one network with the code of another one, whose rules have other numbers."""
    problem = MIXES["many rules"].problem()
    engine = native(problem, "float64")
    place = calling.WORDS.index("rule")
    given = table_of(engine)
    given[1, place], given[2, place] = given[2, place], given[1, place]
    found = by_engine(engine, error=False).distances(by_reference(problem, "float64"))
    assert max(found.values()) > 1e3 * LIMITS["float64"]


def table_of(engine: Native) -> Any:
    """The table as native code reads it."""
    return engine.training.arrays["layers"].reshape(engine.ready.table.shape)
