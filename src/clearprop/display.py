"""What a notebook can show. How is known at the top of the package only, where every room is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar


class Shown:
    """An object that shows itself in a notebook: as HTML, LaTeX and text.

    ``show`` gives the three by their types; the package fills it in when it is imported, so that what is
    shown need not know who prints it.
    """

    show: ClassVar[Callable[[Any], dict[str, str]]]

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """What IPython asks for."""
        return {
            kind: text
            for kind, text in type(self).show(self).items()
            if (include is None or kind in include) and (exclude is None or kind not in exclude)
        }
