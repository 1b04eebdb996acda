"""The table of formats: one entry is all that a new format needs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, UnknownName
from clearprop.rendering.formats import FORMATS, Format, Printable, write

EXPLANATION = cp.explain(cp.cycle(cp.load("lecture")), "w5")


def test_every_format_writes_what_its_method_returns() -> None:
    assert list(FORMATS) == ["text", "markdown", "latex", "html", "json"]
    for name in FORMATS:
        assert EXPLANATION.write(name) == getattr(EXPLANATION, name)()
    assert EXPLANATION.write("html", fragment=True) == EXPLANATION.html(fragment=True)
    assert json.loads(EXPLANATION.write("json")) == EXPLANATION.structure()


def test_each_format_has_a_suffix_of_its_own() -> None:
    suffixes = [suffix for each in FORMATS.values() for suffix in each.suffixes]
    assert len({*suffixes}) == len(suffixes)
    assert all(name == each.name for name, each in FORMATS.items())


def test_a_new_format_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def shouted(result: Printable, *, width: int = 80) -> str:
        return f"{result.title.upper()} {width}"

    monkeypatch.setitem(FORMATS, "shout", Format("shout", (".shout",), shouted, frozenset({"width"})))
    assert EXPLANATION.write("shout", width=40) == "LECTURE 40"


COMMAND = """
from clearprop.rendering.formats import FORMATS, Format
FORMATS["shout"] = Format("shout", (".shout",), lambda result: result.title.upper() + "!\\n")
from clearprop.cli import run
for command in ("explain lecture", "train lecture --epochs 1 --quiet", "verify lecture", "examples"):
    assert run([*command.split(), "--format", "shout"]) == 0, command
"""


def test_every_command_takes_a_new_format_from_the_table() -> None:
    run = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, check=True)
    assert run.stdout == "LECTURE!\nLECTURE!\nLECTURE!\nTHE BUNDLED EXAMPLES!\n"


@pytest.mark.parametrize(
    ("format", "options", "message"),
    [
        ("text", {"fragment": True}, "fragment: expected format latex or html, found text"),
        ("json", {"width": 60}, "width: expected format text, found json"),
        ("json", {"nothing": 1}, "nothing: expected format none, found json"),
    ],
)
def test_options_that_a_format_does_not_take_are_refused(format: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        write(EXPLANATION, format, **options)
    assert str(caught.value) == message


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UnknownName, match='unknown format "htlm"; did you mean "html"'):
        EXPLANATION.write("htlm")
