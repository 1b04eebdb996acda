"""``clearprop verify``"""

from __future__ import annotations

from typing import Any

from clearprop.cli.net import opened
from clearprop.cli.output import deliver, which_example
from clearprop.rendering.verification import all_agree, verification_result
from clearprop.verification.engines import check_engine
from clearprop.verification.finite_differences import verify


def run_verify(
    net: str, *, example: str, sample: int | None, format: str | None = None, output: str | None = None, **table: Any
) -> int:
    """Print the worst relative error of each layer; return 1 if any gradient is off."""
    report = verify(opened(net, **table), which_example(example), sample=sample)
    engine = check_engine(report.cycle)
    deliver(verification_result(report, engine), format, output)
    return 0 if all_agree(report, engine) else 1
