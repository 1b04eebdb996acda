"""Elements and text of HTML, SVG and MathML."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from clearprop.rendering.markup import element, escaped


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_content_or_an_attribute(text: str, other: str) -> None:
    found = ET.fromstring(element("a", escaped(text), title=other))
    visible = ["".join(c if c.isprintable() else " " for c in each) for each in (text, other)]
    assert [found.text or "", found.get("title")] == visible


def test_attributes_that_are_none_are_left_out() -> None:
    assert element("a", "x", class_="b", aria_label=None, stroke_width=2) == '<a class="b" stroke-width="2">x</a>'
