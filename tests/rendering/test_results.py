"""Every result that prints itself is described."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rendering.reading import read

import clearprop as cp
from clearprop.display import MIME_TYPES
from clearprop.rendering.document import Diagram, Grid
from clearprop.rendering.results import described, render

LECTURE = cp.load("lecture")
CYCLE = cp.cycle(LECTURE)
RESULTS = [
    LECTURE.network,
    LECTURE,
    CYCLE,
    cp.cycle(cp.load("xor"), "all"),
    cp.verify(LECTURE),
    cp.explain(CYCLE, "w5"),
    *cp.explain(CYCLE, "w5", "E_1").derivations,
]


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_print_shows_the_text_and_html_is_well_formed(result: Any) -> None:
    assert str(result).rstrip("\n") == render(result, "text/plain").rstrip("\n")
    read(render(result, "text/html"))
    assert "tikzpicture" not in render(result, "text/latex")
    assert set(result._repr_mimebundle_()) == set(MIME_TYPES)


def test_a_cycle_lists_each_unit_with_its_numbers() -> None:
    document, _ = described(CYCLE)
    assert isinstance(document[1], Diagram)
    grid = next(block for block in document if isinstance(block, Grid))
    assert len(grid.rows) == 4
    document, _ = described(cp.cycle(cp.load("digits")))
    assert [len(block.rows) for block in document if isinstance(block, Grid)] == [10]


def test_what_nothing_describes_is_refused() -> None:
    with pytest.raises(TypeError, match="nothing describes a int"):
        render(3, "text/plain")
