"""``clearprop explore``"""

from __future__ import annotations

import re
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

from clearprop.atomic_write import write_atomically
from clearprop.cli.net import opened
from clearprop.explorer.page import page


def run_explore(net: str, *, output: str | None, opens: bool, **table: Any) -> int:
    """Write the page and open it."""
    problem = opened(net, **table)
    path = Path(output) if output is not None else _place(problem.name)
    write_atomically(path, page(problem))
    print(path)
    if opens and not webbrowser.open(path.resolve().as_uri()):
        print(f"clearprop: no browser started; open {path} yourself", file=sys.stderr)
    return 0


def _place(name: str) -> Path:
    """Return a path in a new temporary folder, named after the network."""
    stem = re.sub(r"[^\w-]+", "-", Path(name).stem)[:60].strip("-") or "network"
    return Path(tempfile.mkdtemp(prefix="clearprop-")) / f"{stem}.html"
