"""What NET names on the command line: a table needs a target, and the message has the command to type."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from clearprop.cli import run
from clearprop.cli.net import opened
from clearprop.errors import InvalidArgument


def test_a_table_is_opened_with_its_target(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("p,y\n" + "".join(f"{k},{k * k}\n" for k in range(10)))
    assert opened(str(path), target=("y",), hidden=(3,)).network.sizes == (1, 3, 1)
    with pytest.raises(InvalidArgument, match=r"found p, y; type: clearprop train .*t\.csv --target y$"):
        opened(str(path))


def test_the_command_to_type_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my table.csv"
    path.write_text("p,the price\n" + "".join(f"{k},{k * k}\n" for k in range(10)))
    assert run(["verify", str(path)]) == 2
    message = capsys.readouterr().err
    typed = message.split("; type: clearprop ")[1].strip()
    assert run(shlex.split(typed)) == 0


@pytest.mark.parametrize("command", ["explain", "verify", "engine", "explore", "train"])
def test_every_command_takes_a_table(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("p,y\n" + "".join(f"{k},{k * k}\n" for k in range(10)))
    more = {"explore": ["--no-open", "--output", "t.html"], "train": ["--epochs", "2"]}.get(command, [])
    assert run([command, "t.csv", "--target", "y", "--hidden", "3,2", *more]) == 0
    assert run([command, "t.csv", "--target", "z", *more]) == 2
    assert 't.csv: unknown column "z"; known: p, y' in capsys.readouterr().err
