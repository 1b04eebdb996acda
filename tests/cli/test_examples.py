"""``clearprop examples``"""

from __future__ import annotations

import subprocess
import sys
from importlib import resources

import pytest

from clearprop.cli import run

LECTURE = """\
notation = "lecture"            # or "standard", the default

[inputs]
names = ["i1", "i2"]            # or: count = 2
"""


def test_an_example_is_printed_byte_for_byte() -> None:
    run = subprocess.run([sys.executable, "-m", "clearprop", "examples", "lecture"], capture_output=True, check=True)
    assert run.stdout == (resources.files("clearprop.examples") / "lecture.toml").read_bytes()
    assert run.stdout.decode().startswith(LECTURE)


@pytest.mark.parametrize("format", ["text", "markdown", "latex", "html", "json"])
def test_the_list_in_every_format(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["examples", "--format", format]) == 0
    assert "the lecture's network" in capsys.readouterr().out.replace("&#x27;", "'")


def test_an_example_has_no_other_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["examples", "lecture", "--format", "html"]) == 2
    assert capsys.readouterr().err == "clearprop: --format html is for the list of examples; leave out lecture\n"
