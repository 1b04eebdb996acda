"""Notices on standard error while the work goes on."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clearprop.errors import Notice
from clearprop.messages import printable


@contextmanager
def notices(quiet: bool) -> Iterator[None]:
    """Print clearprop's own warnings as lines, or drop them if quiet."""

    def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, Notice):
            usual(message, category, *place, **more)
        elif not quiet and str(message) not in said:  # a table may be read more than once
            said.add(str(message))
            print(f"clearprop: {printable(str(message))}", file=sys.stderr, flush=True)

    said = set[str]()
    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.simplefilter("always", Notice)
        warnings.showwarning = show
        yield
