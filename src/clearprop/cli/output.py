"""Where results go: standard output, or a file that is written whole or not at all."""

from __future__ import annotations

import sys
from typing import Literal

from clearprop.atomic_write import write_atomically
from clearprop.errors import InvalidArgument


def deliver(result: str, output: str | None) -> None:
    """Print the result, or write it to a file."""
    if output is not None:
        write_atomically(output, result)
        return
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(result.encode(encoding, errors="replace").decode(encoding))
    sys.stdout.flush()


def which_example(given: str) -> int | Literal["all"]:
    """``K`` or ``all`` from the command line.

    Raises:
        InvalidArgument: neither.
    """
    if given == "all":
        return "all"
    if not given.isdecimal():
        raise InvalidArgument(f'--example: expected a number from 1, or "all", found "{given}"')
    return int(given)
