"""``clearprop check``"""

from __future__ import annotations

from typing import Any, Literal

from clearprop.checking.check import check_cycle
from clearprop.checking.written import Asked
from clearprop.cli.explain import at_step, opened_at
from clearprop.cli.output import deliver, deliver_text, which_example
from clearprop.rendering.checking import check_csv, check_result
from clearprop.rendering.explanation import in_notation


def run_check(
    net: str,
    answers: str,
    *,
    digits: int | None,
    significant: int | None,
    rounding: Literal["nearest", "truncate"],
    tolerance: float | None,
    example: str,
    steps: int,
    notation: str | None,
    format: str | None,
    output: str | None,
    **table: Any,
) -> int:
    """Mark a sheet or a class; return 1 if something is wrong or missing."""
    problem, rows = opened_at(net, steps, **table)
    done = in_notation(at_step(problem, steps, which_example(example), rows), notation)
    marked = check_cycle(done, answers, digits=digits, significant=significant, rounding=rounding, tolerance=tolerance)
    if format == "csv" or (format is None and output is not None and output.lower().endswith(".csv")):
        deliver_text(check_csv(marked), output)
    else:
        deliver(check_result(marked, Asked(digits, significant, rounding == "truncate", tolerance)), format, output)
    return 0 if marked.all_right else 1
