"""``clearprop convert``"""

from __future__ import annotations

import sys
from typing import Any

from clearprop.atomic_write import require_writable
from clearprop.cli.net import opened
from clearprop.interop.convert import convert, writer_of


def run_convert(source: str, target: str, **told: Any) -> int:
    """Write the network in another kind of file; say on stderr what that cannot hold."""
    writer_of(target)
    require_writable(target)
    for note in convert(opened(source, **told), target):
        print(f"clearprop: {target}: {note}", file=sys.stderr)
    print(target)
    return 0
