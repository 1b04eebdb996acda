"""``clearprop examples``"""

from __future__ import annotations

import sys

from clearprop import examples
from clearprop.errors import InvalidArgument, UnknownName


def run_examples(name: str | None, format: str) -> int:
    """List the bundled examples, or print one byte for byte."""
    if name is None:
        from clearprop.cli.output import deliver
        from clearprop.rendering.examples import examples_result

        deliver(examples_result(), format)
        return 0
    if name not in examples.DESCRIPTIONS:
        raise UnknownName("example", name, examples.DESCRIPTIONS)
    if format != "text":
        raise InvalidArgument(f"--format {format} is for the list of examples; leave out {name}")
    sys.stdout.flush()
    sys.stdout.buffer.write(examples.source(name).encode("utf-8"))
    return 0
