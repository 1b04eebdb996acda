"""``clearprop engine``"""

from __future__ import annotations

from clearprop.cli.output import deliver, deliver_text
from clearprop.engine.availability import unusable
from clearprop.errors import EngineUnusable
from clearprop.loading import load


def run_engine(
    net: str, *, data: str | None, target: tuple[str, ...], format: str, assembly: bool, **limits: int | None
) -> int:
    """Print the plan and the measured rate, or the machine code."""
    if missing := unusable():
        raise EngineUnusable(missing)
    from clearprop.rendering.inspection import engine_result
    from clearprop.training.inspection import inspected

    problem = load(net, data=data, target=target or None)
    found = inspected(problem, **limits, measure=not assembly)
    if assembly:
        deliver_text(found.native.built.assembly)
    else:
        deliver(engine_result(problem, found), format)
    return 0
