"""A workbook, a packed file, a JSON file in place of a table."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from clearprop.cli import run

Case = Callable[[str], Path]


def test_each_is_called_what_it_is(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case("workbook")
    Path("t.csv.gz").write_bytes(gzip.compress(b"a,b,y\n1,2,3\n"))
    Path("t.json").write_text(json.dumps({"a": [1, 2], "b": [2, 3], "y": [3, 4]}))
    for file, what in (
        ("table.xlsx", "a workbook of a spreadsheet, not a table in CSV; save the sheet as CSV"),
        ("t.csv.gz", "a file packed with gzip, not a table in CSV; unpack it first"),
        ("t.json", "a JSON file, not a table in CSV; save the table as CSV"),
    ):
        Path("n.toml").write_text(Path("network.toml").read_text().replace("table.xlsx", file))
        assert run(["train", "n.toml"]) == 2
        assert capsys.readouterr().err == f"clearprop: {file}: {what}\n"


def test_a_workbook_in_place_of_a_network_is_told_what_to_do(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case("workbook")
    remedy = "a workbook of a spreadsheet; save the sheet as CSV\n"
    for command, expected in (
        ("train", "a network file (TOML) or a model (safetensors), found what looks like"),
        ("new", "a table (CSV or Parquet), found"),
    ):
        assert run([command, "table.xlsx", "--target", "y"]) == 2
        assert capsys.readouterr().err == f"clearprop: table.xlsx: expected {expected} {remedy}"
