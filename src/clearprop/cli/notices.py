"""Notices: what a user should know while the work goes on, as lines on standard error."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clearprop.training.engines import SlowerEngine


@contextmanager
def notices(quiet: bool) -> Iterator[None]:
    """clearprop's own warnings become lines, or nothing at all."""

    def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, SlowerEngine):
            usual(message, category, *place, **more)
        elif not quiet:
            print(f"clearprop: {message}", file=sys.stderr, flush=True)

    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.simplefilter("always", SlowerEngine)
        warnings.showwarning = show
        yield
