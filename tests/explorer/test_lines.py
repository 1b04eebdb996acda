"""Whatever the page shows for a quantity is the quantity's line: its numbers and expressions are compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.explorer.node import Node

import clearprop as cp
from clearprop.derivation.lines import Lines, without_example
from clearprop.derivation.shares import SHOWN_TERMS
from clearprop.explorer.export import exported
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, evaluate, substitute, symbols
from clearprop.network import names as q

OPERATORS = {operator.value: operator for operator in Operator}


def read(tree: Any) -> Expression:
    match tree:
        case str():
            return Symbol(tree)
        case [operator, *arguments]:
            return Apply(OPERATORS[operator], tuple(map(read, arguments)))
    return Number(float(tree))


def network(*layers: cp.Dense, loss: Any = "half_squared_error", **more: Any) -> cp.Problem:
    inputs, outputs = [[0.3, -0.8], [0.9, 0.2], [-0.4, 0.6]], np.eye(3)[:, : layers[-1].size]
    over_examples = more.pop("over_examples", "mean")
    described = cp.Network(2, layers, cp.Objective(cp.loss(loss), over_examples=over_examples))
    weights = more.pop("weights", None)
    examples = cp.Examples(np.array(inputs), outputs, None if weights is None else np.array(weights))
    return cp.Problem(described, cp.Parameters.random(described, 3), examples=examples, **more)


own = "z * logistic(2 * z)"
MOMENTUM = cp.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
ENTROPY = "categorical_cross_entropy"
PROBLEMS: dict[str, Callable[[], cp.Problem]] = {
    "lecture": lambda: cp.load("lecture"),
    "deep": lambda: cp.load("deep"),
    "softmax": lambda: network(cp.Dense(2, "tanh"), cp.Dense(3, "softmax"), loss=ENTROPY),
    "softmax alone": lambda: network(cp.Dense(2, "relu"), cp.Dense(3, "softmax"), loss="squared_error"),
    "softmax inside": lambda: network(cp.Dense(3, "softmax"), cp.Dense(2, "logistic"), loss="binary_cross_entropy"),
    "own expression": lambda: network(cp.Dense(2, own), cp.Dense(2, "exp(-z**2)"), loss="(t - y)**4"),
    "penalty": lambda: network(cp.Dense(2, "elu"), cp.Dense(1, "tanh"), penalty=cp.Penalty(0.01, 0.02)),
    "momentum": lambda: network(cp.Dense(2, "softplus"), cp.Dense(2), optimizer=MOMENTUM),
    "adam, clipped": lambda: network(
        cp.Dense(2, "gelu"), cp.Dense(1), optimizer=replace(cp.Adam(0.01), clip_value=0.02)
    ),
    "dropout": lambda: network(cp.Dense(4, "tanh", dropout=0.5), cp.Dense(2, "logistic", dropout=0.2)),
    "dropout of softmax": lambda: network(cp.Dense(3, "softmax", dropout=0.3), cp.Dense(2, "logistic")),
    "weighted mean": lambda: network(
        cp.Dense(2, "tanh"),
        cp.Dense(2, "logistic"),
        weights=[0.5, 2.0, 1.25],
        penalty=cp.Penalty(0.01, 0.02, divide_by_examples=True),
        over_examples="weighted_mean",
    ),
    "example weights": lambda: network(cp.Dense(2, "tanh"), cp.Dense(2, "logistic"), weights=[0.5, 2.0, 1.0]),
    "shared and frozen biases": lambda: network(cp.Dense(2, "tanh", bias="shared"), cp.Dense(2, train_bias=False)),
}

SHOWN = """([data, example, row, notation]) => {
    const done = clearprop.run(data, 1, example);
    const { network } = done;
    const view = clearprop.viewOf(network.names(notation), { digits: 17, rounding: "nearest" });
    const tree = (each) => typeof each === "number" ? each
        : each.parts ? [each.operator, ...each.parts.map(tree)] : "value" in each ? each.value : view.name(each.key);
    const ids = ["total", ...(data.penalty ? ["penalty"] : [])];
    for (let index = 0; index < network.size; index++) ids.push(`p${index}`);
    for (let k = 0; k < network.outputs; k++) ids.push(`e${k}`);
    network.layers.forEach(({ size }, layer) => {
        for (let unit = 0; unit < size; unit++)
            for (const kind of "za") ids.push(`${kind}${layer}.${unit}`, `d(total)/d(${kind}${layer}.${unit})`);
    });
    return ids.flatMap((id) => clearprop.blocksOf(clearprop.derive(done, clearprop.chosen(id), row, view), view))
        .filter(({ kind }) => kind === "equation")
        .map(({ left, lines }) => [tree(left), lines.map(({ side }) => tree(side))]);
}"""


class Truth:
    """The lines of a cycle by their names, those of the example in a row without its number."""

    def __init__(self, done: cp.Cycle, row: int) -> None:
        self.done, self.row, self.lines = done, row, Lines(done)
        self.keys = {done.names.text(key): key for line in self.lines for key in (line.quantity, *line.uses)}
        self.trees: dict[str, Expression] = {}
        mine = f", example {done.numbers[row]}"

        def called(key: Any) -> Expression:
            return Symbol(done.names.text(key))

        for line in self.lines:
            name, expression = done.names.text(line.quantity), line.expression
            if name.endswith(mine) and name.removesuffix(mine) not in self.keys:
                name, expression = name.removesuffix(mine), without_example(expression)
                assert isinstance(line.quantity, q.OfExample)
                self.keys[name] = line.quantity.of
            self.trees[name] = substitute(expression, called)
        self.number = cache(self.number)  # type: ignore[method-assign]

    def number(self, name: str, row: int) -> float | None:
        """The number of a name for an example; None if it is only words, such as "path 2"."""
        try:
            key = self.keys.get(name) or self.done.names.find(name)
        except cp.ClearpropError:
            return None
        found = self.done.known(key, row)
        if found is not None:
            return float(found)
        line = self.lines[key] if key in self.lines else self.lines.of_example(key, row)
        tree = line.expression if line.exact is None else line.exact
        used: dict[str, Any] = {self.done.names.text(each): each for each in symbols(tree)}  # type: ignore[arg-type]
        self.keys = used | self.keys
        return float(evaluate(tree, {each: self.number(called, row) for called, each in used.items()}))

    def is_written(self, name: str) -> bool:
        """Whether the page writes the line as it stands: not a derivative that it writes as a sum of products over
        paths, a sum of which it shows the first terms or the numbers, or factors that collapse to another line."""
        last, tree = self.done.problem.network.depth - 1, self.trees[name]
        if isinstance(tree, Apply) and len(tree.arguments) > SHOWN_TERMS:
            return False
        match self.keys[name]:
            case q.Derivative(q.TotalError(), q.Parameter() | q.Sum() | q.Output()) | q.OfExample():
                return False
            case q.Derivative(q.Output(layer, _), _):
                return layer < last or self.done.problem.network.fused is None
            case q.Error():
                return self.done.example != "all"
        return True


def compared(truth: Truth, shown: list[tuple[Any, list[Any]]]) -> set[str]:
    """Compare each equation of the page with the line of its quantity; return the names of the lines that it shows."""
    found = set()
    for name, sides in shown:
        if not isinstance(name, str):  # A sum of terms that are zero.
            parts = [truth.number(str(key), truth.row) for key in symbols(read(name))]
            assert all(part in (0.0, None) for part in parts)
            continue
        of = re.search(r", example (\d+)$", name)
        row = truth.row if of is None else truth.done.row(int(of[1]))
        value = truth.number(name, row)
        if value is None:
            continue
        trees = [read(side) for side in sides]
        for tree in trees:
            numbers = {key: truth.number(str(key), row) for key in symbols(tree)}
            if None not in numbers.values():
                made = float(evaluate(tree, numbers))
                assert made == pytest.approx(value, rel=1e-10, abs=1e-12), (name, tree)
        if truth.trees.get(name) in trees:
            found.add(name)
    return found


@pytest.mark.parametrize("example", [1, "all"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_line_is_shown_by_the_page_as_python_has_it(node: Node, name: str, example: Any) -> None:
    problem = PROBLEMS[name]()
    done = cp.cycle(problem, example)
    row = len(done.examples) - 1
    truth = Truth(done, row)
    shown = node.evaluate(SHOWN, [exported(problem), "all" if example == "all" else 0, row, problem.notation])
    assert compared(truth, shown) >= {each for each in truth.trees if truth.is_written(each)}


def test_the_comparison_would_see_another_line(node: Node) -> None:
    """Faults planted into what the page is given: a slope of the same value that is written otherwise, an update in
    another order, a penalty of another size."""
    problem = replace(PROBLEMS["penalty"](), optimizer=MOMENTUM)
    done = cp.cycle(problem)
    truth = Truth(done, 0)
    tanh = next(k for k, rule in enumerate(exported(problem)["activations"]) if rule["name"] == "tanh")

    def shown(*place: Any, tree: Any) -> set[str]:
        planted: Any = exported(problem)
        *way, last = place
        inside = planted
        for key in way:
            inside = inside[key]
        assert inside[last] != tree
        inside[last] = tree
        written = {each for each in truth.trees if truth.is_written(each)}
        return written - compared(truth, node.evaluate(SHOWN, [planted, 0, 0, problem.notation]))

    assert shown("activations", tanh, "printed_slope", tree=["*", ["-", 1, "y"], ["+", 1, "y"]]) == {"∂a_y1/∂z_y1"}
    new = dict(exported(problem)["optimizer"]["assignments"])["w"]
    assert new[0] == "-"
    assert {"w1⁺"} <= shown("optimizer", "assignments", -1, tree=["w", ["+", ["negate", new[2]], new[1]]])
    with pytest.raises(AssertionError, match="L"):
        shown("penalty", "formula", tree=["*", 0.3, "w"])
