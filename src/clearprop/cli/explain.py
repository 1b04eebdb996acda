"""``clearprop explain``"""

from __future__ import annotations

from typing import Any, Literal

from clearprop.cli.net import on_example, opened, rows_of
from clearprop.cli.output import deliver, which_example
from clearprop.errors import InvalidArgument, NotFinite
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, cycle
from clearprop.rendering.explanation import explain, explain_cycles, explain_reached


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
    inputs: str | None = None,
    targets: str | None = None,
    **table: Any,
) -> int:
    """Explain a cycle, or the quantities that are named."""
    which, rows = which_example(example), None
    if inputs is not None and steps > 1:
        # The steps of the training, on its rows; then a cycle on the example in --inputs.
        rows = rows_of(net, inputs=inputs, targets=targets, **table)
        problem = on_example(rows, inputs, targets)
    else:
        problem = opened(net, inputs=inputs, targets=targets, **table)
    if cycles is not None:
        if names or paths is not None or steps != 1:
            raise InvalidArgument("--cycles prints only a table; leave out names, --paths and --steps")
        explanation = explain_cycles(cycle(problem, which), cycles, digits=digits, rounding=rounding, notation=notation)
    else:
        try:
            done = cycle(problem, which) if steps == 1 else _later(problem, steps, which, rows)
        except NotFinite as error:
            if error.reached is not None:
                so_far = explain_reached(error.reached, *names, digits=digits, rounding=rounding, notation=notation)
                deliver(so_far, format, output, fragment=fragment)
            raise
        explanation = explain(done, *names, digits=digits, rounding=rounding, notation=notation, paths=paths)
    deliver(explanation, format, output, fragment=fragment)
    return 0


def _later(problem: Problem, steps: int, example: int | Literal["all"], rows: Problem | None) -> Cycle:
    """Return a later cycle of a training on the examples of ``rows``, or of the problem itself."""
    from clearprop.training.replay import replay

    if rows is None:
        return replay(problem, steps - 1).cycle(example)
    if rows.examples is None and rows.fitted is not None:
        raise InvalidArgument("--steps: a model has no rows to learn from; give them with --data")
    return replay(problem if rows.examples is None else rows, steps - 1).cycle(example, problem)
