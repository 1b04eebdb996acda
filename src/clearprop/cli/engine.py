"""``clearprop engine``"""

from __future__ import annotations

from typing import Any

from clearprop.cli.net import opened
from clearprop.cli.output import deliver, deliver_text
from clearprop.engine.availability import unusable
from clearprop.errors import EngineUnusable


def run_engine(
    net: str,
    *,
    batch_size: int | None,
    threads: int | None,
    assembly: bool,
    format: str | None = None,
    output: str | None = None,
    **table: Any,
) -> int:
    """Print the plan and the measured rate, or the machine code."""
    if missing := unusable():
        raise EngineUnusable(missing)
    from clearprop.rendering.inspection import engine_result
    from clearprop.training.inspection import inspected

    problem = opened(net, **table)
    found = inspected(problem, batch_size, threads, measure=not assembly)
    if assembly:
        deliver_text(found.native.built.assembly, output)
    else:
        deliver(engine_result(problem, found), format, output)
    return 0
