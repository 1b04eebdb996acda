"""A cycle in the page: the bundle's numbers and derivations, run in Node."""

from __future__ import annotations

from typing import Any

from tests.explorer.node import Node

import clearprop as cp
from clearprop.explorer.export import exported
from clearprop.network import names as q

CLOSE = 1e-12


def in_page(
    node: Node, problem: cp.Problem, *, cycles: int = 1, example: int | str = 1, ids: list[str], **shown: Any
) -> Any:
    """The numbers of a cycle that the page computes, and the derivations that it prints."""
    return traced(node, problem, cycles=[cycles], example=example, ids=ids, **shown)[0]


def traced(
    node: Node,
    problem: cp.Problem,
    *,
    cycles: list[int],
    example: int | str,
    ids: list[str],
    data: Any = None,
    **shown: Any,
) -> Any:
    """The same of several cycles; of a problem that was exported already, with its ``data``."""
    script = """([data, cycles, example, ids, shown]) => cycles.map((count) => {
        const done = clearprop.run(data, count, example);
        const texts = ids.map((id) => clearprop.textFor(done, id, shown));
        return {...clearprop.numbersOf(done, shown.notation), texts};
    })"""
    place = example if example == "all" else int(example) - 1
    shown = {"notation": "standard", "digits": 5, "rounding": "nearest", **shown}
    return node.evaluate(script, [data or exported(problem), cycles, place, ids, shown])


def everything(done: cp.Cycle) -> list[tuple[str, q.Quantity]]:
    """All that can be asked for, with its id in the page."""
    network = done.problem.network
    found: list[tuple[str, q.Quantity]] = [(f"p{i}", q.Parameter(i)) for i in range(len(done.parameters))]
    for layer in range(network.depth):
        for unit in range(network.sizes[layer + 1]):
            place = f"{layer}.{unit}"
            found += [(f"z{place}", q.Sum(layer, unit)), (f"a{place}", q.Output(layer, unit))]
            if done.example != "all":
                total = q.TotalError()
                found.append((f"d(total)/d(z{place})", q.Derivative(total, q.Sum(layer, unit))))
                found.append((f"d(total)/d(a{place})", q.Derivative(total, q.Output(layer, unit))))
    found += [(f"a-1.{i}", q.Input(i)) for i in range(network.sizes[0])]
    found += [(f"e{k}", q.Error(k)) for k in range(network.sizes[-1])]
    found += [(f"t{k}", q.Target(k)) for k in range(network.sizes[-1])]
    found += [("total", q.TotalError())]
    return found + ([("penalty", q.PenaltyError())] if done.problem.penalty else [])
