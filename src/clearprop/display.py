"""Results that print themselves, at a prompt and in a notebook.

The printers live on higher floors than what they print. So the dependency is inverted: the top of the package,
which knows every room, sets ``Displayable.render``, and a result only calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ClassVar, Literal

MimeType = Literal["text/html", "text/latex", "text/plain"]
MIME_TYPES: tuple[MimeType, ...] = ("text/html", "text/latex", "text/plain")


class Displayable:
    """An object that ``print`` shows as text, and a notebook as HTML, LaTeX or text."""

    render: ClassVar[Callable[[object, MimeType], str]]

    def __str__(self) -> str:
        return type(self).render(self, "text/plain").rstrip("\n")

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """Return the types that a notebook (IPython, marimo) wants, each with its text."""
        return {
            kind: type(self).render(self, kind)
            for kind in MIME_TYPES
            if (include is None or kind in include) and (exclude is None or kind not in exclude)
        }
