"""The picture that stands where no script runs."""

from __future__ import annotations

from dataclasses import replace

import clearprop as cp
from clearprop.explorer.page import page as page_of
from clearprop.explorer.static_picture import still
from clearprop.rendering.document import Diagram, Lines, Paragraph


def test_a_still_picture_stands_where_no_script_runs() -> None:
    content = page_of(cp.load("lecture"))
    still = content[content.index("<noscript>") : content.index("</noscript>")]
    assert "<svg" in still
    assert "E_total = 0.24909" in still


def test_what_was_assumed_stands_above_the_picture() -> None:
    told, drawn, _ = still(replace(cp.load("lecture"), remarks=("from: PyTorch", "assumed: loss <b>")))[0]
    assert isinstance(told, Lines)
    assert told.lines == ("from: PyTorch", "assumed: loss <b>")
    assert isinstance(drawn, Diagram)


def test_numbers_that_are_not_finite_are_explained_instead() -> None:
    lecture = cp.load("lecture")
    network = cp.Network(2, [cp.Dense(2, "identity")])
    parameters = cp.Parameters.of(network, [[[1e200, 0.0], [0.0, 1.0]]])
    (paragraph,), _ = still(cp.Problem(network, parameters, examples=lecture.examples))
    assert isinstance(paragraph, Paragraph)
    assert "is not finite" in paragraph.text
    drawn, _ = still(replace(lecture, name="x" * 300))
    assert isinstance(drawn[0], Diagram)
