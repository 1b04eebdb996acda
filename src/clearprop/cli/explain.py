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
    quantities: list[str],
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
    mistake: str | None = None,
    **table: Any,
) -> int:
    """Explain a cycle, or the quantities that are named."""
    which = which_example(example)
    problem, rows = opened_at(net, steps, **table)
    if mistake is not None:
        if cycles is not None or paths is not None:
            raise InvalidArgument("--mistake writes one cycle beside the right one; leave out --cycles and --paths")
        from clearprop.rendering.mistakes import explain_mistake

        done = at_step(problem, steps, which, rows)
        wrong = explain_mistake(done, mistake, *quantities, digits=digits, rounding=rounding, notation=notation)
        deliver(wrong, format, output, fragment=fragment)
        return 0
    if cycles is not None:
        if quantities or paths is not None or steps != 1:
            raise InvalidArgument("--cycles prints only a table; leave out names, --paths and --steps")
        explanation = explain_cycles(cycle(problem, which), cycles, digits=digits, rounding=rounding, notation=notation)
    else:
        try:
            done = at_step(problem, steps, which, rows)
        except NotFinite as error:
            if error.reached is not None:
                so_far = explain_reached(
                    error.reached, *quantities, digits=digits, rounding=rounding, notation=notation
                )
                deliver(so_far, format, output, fragment=fragment)
            raise
        explanation = explain(done, *quantities, digits=digits, rounding=rounding, notation=notation, paths=paths)
    deliver(explanation, format, output, fragment=fragment)
    return 0


def opened_at(
    net: str, steps: int, *, inputs: str | None = None, targets: str | None = None, **table: Any
) -> tuple[Problem, Problem | None]:
    """Return the problem that NET and its options name, and the one whose rows its training learns from, where that is
    another: the steps of the training on its rows, then a cycle on the example in --inputs."""
    if inputs is not None and steps > 1:
        rows = rows_of(net, inputs=inputs, targets=targets, **table)
        return on_example(rows, inputs, targets), rows
    return opened(net, inputs=inputs, targets=targets, **table), None


def at_step(problem: Problem, steps: int, example: int | Literal["all"], rows: Problem | None) -> Cycle:
    """Return a cycle of a training on the examples of ``rows``, or of the problem itself."""
    if steps == 1:
        return cycle(problem, example)
    from clearprop.training.replay import replay

    if rows is None:
        return replay(problem, steps - 1).cycle(example)
    if rows.examples is None and rows.fitted is not None:
        raise InvalidArgument("--steps: a model has no rows to learn from; give them with --data")
    return replay(problem if rows.examples is None else rows, steps - 1).cycle(example, problem)
