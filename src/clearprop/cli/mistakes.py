"""``clearprop mistakes``"""

from __future__ import annotations

from typing import Any

from clearprop.checking.mistakes import mistakes
from clearprop.cli.net import opened
from clearprop.cli.output import deliver
from clearprop.rendering.mistakes import mistakes_result


def run_mistakes(net: str | None, *, format: str | None, output: str | None, **table: Any) -> int:
    """Print the known mistakes, or what of them can be seen on a network."""
    found = mistakes() if net is None else mistakes(opened(net, **table))
    deliver(mistakes_result(found), format, output)
    return 0
