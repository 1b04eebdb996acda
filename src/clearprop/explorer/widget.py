"""The explorer in notebooks: Jupyter, VS Code, Colab and marimo, through anywidget.

The front end is that of the page. Where no script runs, as in a notebook on GitHub or one that was
converted to HTML, a static picture takes its place: an output of its own, which the front end removes.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from clearprop.errors import MissingExtra
from clearprop.explorer.export import escaped, exported
from clearprop.explorer.page import SCRIPT, STYLE, bundled
from clearprop.explorer.static_picture import still
from clearprop.fields import accepted, suggests_options
from clearprop.network.problem import Problem, a_problem
from clearprop.rendering.page import fragment


@suggests_options()
def explore(problem: Problem) -> Any:
    """Return a view in which the network can be edited and explained, for the last line of a notebook's cell.

    Raises:
        MissingExtra: anywidget is not installed.
        InvalidArgument: there is no example to show.
    """
    accepted(a_problem, problem, "problem")
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise MissingExtra("the explorer in a notebook", "anywidget", "notebook") from None

    class Explorer(anywidget.AnyWidget):  # type: ignore[misc]
        """The explorer, as a widget."""

        _esm = bundled(SCRIPT)
        _css = bundled(STYLE)
        data = traitlets.Unicode().tag(sync=True)
        still = traitlets.Unicode().tag(sync=True)

        def _repr_mimebundle_(self, **options: Any) -> Any:
            shown = super()._repr_mimebundle_(**options)
            contents, more = shown if isinstance(shown, tuple) else (shown, {})
            if contents is None:
                return None
            return {**contents, "text/html": fragment(*still(problem))}, more

        def _ipython_display_(self, **options: Any) -> None:
            from IPython import display as notebook

            display: Any = notebook.display
            made: Any = self._repr_mimebundle_(**options) or ({}, {})
            contents, more = made
            picture = f'<div class="{self.still}">{contents.pop("text/html", "")}</div>'
            display({"text/html": picture}, raw=True)
            display(contents, metadata=more, raw=True)

    data = escaped(exported(problem))
    return Explorer(still=f"clearprop-still-{sha256(data.encode()).hexdigest()[:12]}", data=data)
