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
from clearprop.errors import InvalidArgument
from clearprop.explorer.page import page
from clearprop.messages import abridged

PAGE = (".html", ".htm")


def run_explore(net: str, *, output: str | None, opens: bool, **table: Any) -> int:
    """Write the page and open it."""
    if output is not None and Path(output).suffix and not output.lower().endswith(PAGE):
        raise InvalidArgument(
            f"--output: explore writes a page, found a file that ends in {abridged(Path(output).suffix, 20)}; name it "
            ".html (for a document: clearprop explain NET --output FILE)"
        )
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
