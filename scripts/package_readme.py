"""The README as a package carries it: on an index there are no pictures and pages beside it, so none are linked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURE = re.compile(r"!\[[^\]]*\]\((?!https?:)[^)]*\)\n*")
PAGE = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)]*)\)")


def standing_alone(text: str) -> str:
    """Return the text without its pictures, and with the paths of pages instead of links to them."""
    return PAGE.sub(lambda link: link[1] if link[1] == link[2] else f"{link[1]} ({link[2]})", PICTURE.sub("", text))


class Readme(MetadataHookInterface):
    """Called by hatchling when a package is made."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Put the text into the package's metadata."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": standing_alone(text)}
