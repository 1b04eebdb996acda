"""``clearprop explain``"""

from __future__ import annotations

import shutil
import sys
from typing import Any, Literal

from clearprop.cli.output import deliver, which_example
from clearprop.errors import InvalidArgument
from clearprop.loading import load
from clearprop.network.problem import Problem
from clearprop.propagation.cycle import Cycle, cycle
from clearprop.rendering.explanation import Explanation, explain, explain_cycles


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
    data: str | None = None,
    target: tuple[str, ...] = (),
) -> int:
    """Explain a cycle, or what is named, in the format asked for."""
    if fragment and format not in ("latex", "html"):
        raise InvalidArgument(f"--fragment is for --format latex or html, found {format}")
    problem = load(net, data=data, target=target or None)
    if cycles is not None:
        if names or paths is not None or steps != 1:
            raise InvalidArgument("--cycles prints a table of its own; leave out names, --paths and --steps")
        first = cycle(problem, which_example(example))
        explanation = explain_cycles(first, cycles, digits=digits, rounding=rounding, notation=notation)
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
        case "html":
            return explanation.html(fragment=fragment)
        case "json":
            return explanation.json()
    terminal = output is None and sys.stdout.isatty()
    width = min(100, shutil.get_terminal_size((80, 24)).columns) if terminal else 80
    return explanation.text(width=max(40, width), colour=terminal)


def _cycle(problem: Problem, example: Any, steps: int) -> Cycle:
    if steps == 1:
        return cycle(problem, example)
    from clearprop.training.replay import replay

    return replay(problem, steps - 1).cycle(example)
