"""The list of bundled examples."""

from __future__ import annotations

import json

from clearprop.examples import DESCRIPTIONS
from clearprop.rendering.examples import examples_result
from clearprop.rendering.formats import write


def test_each_example_has_one_line() -> None:
    lines = write(examples_result(), "text").splitlines()
    assert [line.split()[0] for line in lines] == list(DESCRIPTIONS)
    assert [line.split("  ", 1)[1].strip() for line in lines] == list(DESCRIPTIONS.values())
    assert max(map(len, lines)) <= 80


def test_every_format_names_them_all() -> None:
    for name in ("markdown", "latex", "html"):
        assert all(example in write(examples_result(), name) for example in DESCRIPTIONS)
    found = json.loads(write(examples_result(), "json"))
    assert {each["name"]: each["description"] for each in found} == DESCRIPTIONS
