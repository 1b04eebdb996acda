"""The commands: help, version, start-up."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.support import command, process

import clearprop as cp


def test_help_version_and_examples() -> None:
    shown = command("--help")
    assert shown.returncode == 0
    assert {"explain", "train", "predict", "verify", "examples"} <= set(
        re.findall(r"^  (\w+) ", shown.stdout, re.MULTILINE)
    )
    assert process("--version").stdout == f"clearprop {cp.__version__}\n"
    assert "..." not in shown.stdout.split("Commands:")[1]
    for name in ("explain", "train", "predict", "verify", "engine", "explore", "examples"):
        assert "Example: clearprop " in command(name, "--help").stdout
    listed = command("examples").stdout
    assert [line.split()[0] for line in listed.splitlines()] == [
        "lecture",
        "xor",
        "deep",
        "ring",
        "iris",
        "digits",
        "penguins",
    ]


def test_start_up_imports_nothing_heavy() -> None:
    code = "import sys, clearprop.cli.application; print([m for m in ('numpy', 'rich', 'tomlkit') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert run.stdout == "[]\n"


def test_explaining_a_network_file_loads_nothing_for_tables() -> None:
    heavy = "numpy.ma", "clearprop.tables.csv_file", "clearprop.tables.prepare", "hashlib"
    code = (
        "import sys, clearprop.cli; clearprop.cli.run(['explain', 'lecture'])\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert run.stdout.splitlines()[-1] == "[]"
