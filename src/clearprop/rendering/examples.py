"""The list of bundled examples as a document and as a structure."""

from __future__ import annotations

from clearprop.examples import DESCRIPTIONS
from clearprop.network.description import Network
from clearprop.network.layer import Dense
from clearprop.network.names import Names
from clearprop.rendering.document import Grid, View
from clearprop.rendering.formats import Result


def examples_result() -> Result:
    """Return the list of bundled examples, to print."""
    # The list names no quantity of a network, so any network gives the view.
    view = View(Names(Network(1, [Dense(1)])))
    structure = [{"name": name, "description": description} for name, description in DESCRIPTIONS.items()]
    document = (Grid(("", ""), tuple(DESCRIPTIONS.items())),)
    return Result("The bundled examples", document, view, lambda: structure)
