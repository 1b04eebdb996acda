"""``clearprop verify``"""

from __future__ import annotations

from typing import Any

from clearprop.cli.net import opened
from clearprop.cli.output import deliver, which_example
from clearprop.interop.own_forward import own_check
from clearprop.rendering.verification import all_agree, verification_result
from clearprop.verification.engines import check_engine
from clearprop.verification.finite_differences import verify


def run_verify(
    net: str, *, example: str, sample: int | None, format: str | None = None, output: str | None = None, **table: Any
) -> int:
    """Print the worst relative error of each layer; return 1 if any gradient is off."""
    problem = opened(net, **table)
    report = verify(problem, which_example(example), sample=sample)
    engine = check_engine(report.cycle)
    own = own_check(net, problem) if problem.of_others else None
    deliver(verification_result(report, engine, own), format, output)
    return 0 if all_agree(report, engine, own) else 1
