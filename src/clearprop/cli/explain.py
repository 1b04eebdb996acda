"""``clearprop explain``"""

from __future__ import annotations

from typing import Any, Literal

from clearprop.cli.output import deliver, which_example
from clearprop.errors import InvalidArgument
from clearprop.loading import load
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, cycle
from clearprop.rendering.explanation import explain, explain_cycles
from clearprop.rendering.formats import format_of


def run_explain(
    net: str,
    names: list[str],
    *,
    format: str | None,
    output: str | None,
    digits: int,
    rounding: Literal["nearest", "truncate"],
    notation: str | None,
    example: str,
    steps: int,
    cycles: int | None,
    paths: int | None,
    fragment: bool,
    data: str | None = None,
    target: tuple[str, ...] = (),
) -> int:
    """Explain a cycle, or the quantities that are named."""
    problem = load(net, data=data, target=target or None)
    if cycles is not None:
        if names or paths is not None or steps != 1:
            raise InvalidArgument("--cycles prints only a table; leave out names, --paths and --steps")
        first = cycle(problem, which_example(example))
        explanation = explain_cycles(first, cycles, digits=digits, rounding=rounding, notation=notation)
    else:
        done = _cycle(problem, which_example(example), steps)
        explanation = explain(done, *names, digits=digits, rounding=rounding, notation=notation, paths=paths)
    deliver(explanation, format or format_of(output), output, fragment=fragment)
    return 0


def _cycle(problem: Problem, example: Any, steps: int) -> Cycle:
    if steps == 1:
        return cycle(problem, example)
    from clearprop.training.replay import replay

    return replay(problem, steps - 1).cycle(example)
