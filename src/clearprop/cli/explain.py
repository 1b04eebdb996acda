"""``clearprop explain``"""

from __future__ import annotations

import shutil
import sys
from typing import Any, Literal

from clearprop.cli.output import deliver, which_example
from clearprop.errors import InvalidArgument
from clearprop.network.file import load
from clearprop.network.names import Names, notation
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, cycle
from clearprop.rendering.explanation import Explanation, explain


def run_explain(
    net: str,
    names: list[str],
    *,
    format: str,
    output: str | None,
    digits: int,
    rounding: Literal["nearest", "truncate"],
    notation: str | None,
    example: str,
    steps: int,
    cycles: int | None,
    paths: int | None,
    fragment: bool,
) -> int:
    """Explain a cycle, or what is named, in the format asked for."""
    if fragment and format != "latex":
        raise InvalidArgument("--fragment is for --format latex")
    problem = load(net)
    if cycles is not None:
        if names or paths is not None or steps != 1:
            raise InvalidArgument("--cycles prints a table of its own; leave out names, --paths and --steps")
        explanation = _cycles(problem, cycles, example, digits, rounding, notation)
    else:
        done = _cycle(problem, which_example(example), steps)
        explanation = explain(done, *names, digits=digits, rounding=rounding, notation=notation, paths=paths)
    deliver(rendered(explanation, format, fragment, output), output)
    return 0


def rendered(explanation: Explanation, format: str, fragment: bool, output: str | None) -> str:
    """The explanation as text of the format."""
    match format:
        case "markdown":
            return explanation.markdown()
        case "latex":
            return explanation.latex(fragment=fragment)
        case "json":
            return explanation.json()
    terminal = output is None and sys.stdout.isatty()
    width = min(100, shutil.get_terminal_size((80, 24)).columns) if terminal else 80
    return explanation.text(width=max(40, width), colour=terminal)


def _cycle(problem: Problem, example: Any, steps: int) -> Cycle:
    if steps == 1:
        return cycle(problem, example)
    from clearprop.training.loop import replay

    moment = replay(problem, steps - 1)
    return cycle(moment.problem, example, step=moment.step, rate=moment.rate, state=moment.state)


def _cycles(problem: Problem, count: int, example: str, digits: int, rounding: Any, name: str | None) -> Explanation:
    """The table over cycles: the error on the example, or on all, before and after each update."""
    from clearprop.rendering.document import View
    from clearprop.rendering.report import cycles_document

    which: Any = which_example(example)
    done = cycle(problem, which)
    rows = [(0, done.error, done.parameters.vector.tolist())]
    first = done
    for number in range(1, count + 1):
        rows.append((number, done.error_after, done.updated.vector.tolist()))
        if number < count:
            done = follow(done)
    names = Names(problem.network, notation(name or problem.notation))
    view = View(names, digits, rounding)
    parameters = list(first.parameters)
    document = cycles_document(problem.name, rows, parameters, view)
    return Explanation(first, document, view, ())


def follow(done: Cycle) -> Cycle:
    """The next cycle, from the new weights, on the same example."""
    from dataclasses import replace

    problem = replace(done.problem, parameters=done.updated)
    return cycle(problem, done.example, step=done.step + 1, rate=done.rate, state=done.update.state)
