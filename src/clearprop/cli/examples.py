"""``clearprop examples``"""

from __future__ import annotations

import sys

from clearprop import examples
from clearprop.errors import UnknownName


def run_examples(name: str | None) -> int:
    """List the bundled examples, or print one byte for byte."""
    if name is None:
        width = max(map(len, examples.DESCRIPTIONS))
        for example, description in examples.DESCRIPTIONS.items():
            print(f"{example.ljust(width)}  {description}")
        return 0
    if name not in examples.DESCRIPTIONS:
        raise UnknownName("example", name, examples.DESCRIPTIONS)
    sys.stdout.flush()
    sys.stdout.buffer.write(examples.source(name).encode("utf-8"))
    return 0
