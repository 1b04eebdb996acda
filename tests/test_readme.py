"""What the README shows is what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support import command

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"`scripts/clearprop ([^`\n]+)`[^\n]*(?:\n[^`\n]+)*\n\n```text\n(.*?)\n```", README, re.DOTALL)


def timeless(text: str, rounded: bool) -> str:
    """Without the seconds a training took and the size of an error that is all rounding; of a long training
    in single precision, whose last digits are another processor's affair, without all digits and curves."""
    if rounded:
        return re.sub(r"[▁▂▃▄▅▆▇█•─ ]+", " ", re.sub(r"[\d,.e+-]+", "…", text))
    return re.sub(r"\d\.\d\d s$|relative error \S+", "…", text, flags=re.MULTILINE)


def test_every_command_with_output_is_found() -> None:
    assert [arguments.split()[0] for arguments, _ in SHOWN] == ["explain", "train", "explain", "verify", "train"]


@pytest.mark.parametrize(("arguments", "shown"), SHOWN)
def test_the_readme_shows_real_output(arguments: str, shown: str) -> None:
    run = command(*arguments.split())
    assert run.returncode == 0
    rounded = arguments == "train penguins"
    assert timeless(run.stdout.rstrip("\n"), rounded) == timeless(shown, rounded)


def test_the_network_file_shown_is_the_bundled_one() -> None:
    assert f"```toml\n{command('examples', 'lecture').stdout}```" in README
