"""Files that are no tables, named for what they are."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import zipfile
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.errors import UnreadableFile
from clearprop.tables.csv_file import read_csv
from clearprop.tables.foreign import foreign
from clearprop.tables.table import Wanted


def zipped(name: str, content: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def database(folder: Path) -> bytes:
    connection = sqlite3.connect(folder / "d.db")
    connection.execute("create table t (a)")
    connection.commit()
    connection.close()
    return (folder / "d.db").read_bytes()


ROWS = b"a,b\n1,2\n"
AS_CSV = "save the table as CSV"
SHEET = "save the sheet as CSV"
CLIENT = "export it as CSV (psql: \\copy … csv header; mysql: --batch)"
FILES = {
    "xlsx": (zipped("xl/workbook.xml"), "a workbook of a spreadsheet", SHEET),
    "ods": (zipped("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), "a workbook of a spreadsheet", SHEET),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "a workbook of a spreadsheet", SHEET),
    "zip": (
        zipped("t.csv", "a,b"),
        "a zip archive, as PyTorch, Keras, scikit-learn and spreadsheets write",
        "unpack it first",
    ),
    "gz": (gzip.compress(ROWS), "a file packed with gzip", "unpack it first"),
    "bz2": (bz2.compress(ROWS), "a file packed with bzip2", "unpack it first"),
    "xz": (lzma.compress(ROWS), "a file packed with xz", "unpack it first"),
    "json": (json.dumps([{"a": 1, "b": 2}]).encode(), "a JSON file", "save the table as CSV"),
    "jsonl": (b'\n{"a": 1}\n{"a": 2}\n', "a JSON file", "save the table as CSV"),
    "matrix": (b"[[1, 2], [3, 4]]", "a JSON file", "save the table as CSV"),
    "yaml": (b"# rows\n- a: 1\n  b: 2\n", "a YAML file", "save the table as CSV"),
    "nested": (b"inputs:\n  names: [a, b]\n", "a YAML file", "save the table as CSV"),
    "psql": (b" id | name \n----+------\n  1 | ann\n", "a table drawn by a database client", CLIENT),
    "mysql": (b"+----+\n| id |\n+----+\n|  1 |\n+----+\n", "a table drawn by a database client", CLIENT),
    "py": (b'"""A net."""\nimport torch\n\nx = 1\n', "a Python program", AS_CSV),
    "tex": (b"% notes\n\\documentclass{article}\n", "a LaTeX document", AS_CSV),
    "html": (b"<!doctype html>\n<table>", "an HTML or XML page", "save the table as CSV"),
    "arff": (b"% flowers\n@RELATION iris\n@ATTRIBUTE a NUMERIC\n@DATA\n1\n", "a Weka data set (ARFF)", AS_CSV),
    "libsvm": (b"+1 1:0.5 3:-7e-1\n-1 2:0.1\n", "a LIBSVM data set", AS_CSV),
    "sql": (b"-- dump\nCREATE TABLE t (a INT);\n", "a database dump", AS_CSV),
    "sqlite": (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "a database dump", AS_CSV),
    "md": (b"| a | b |\n|---|:--|\n| 1 | x |\n", "a Markdown table", AS_CSV),
    "lfs": (b"version https://git-lfs.x/v1\n", "a Git LFS pointer without its file", "fetch it with git lfs pull"),
    "pdf": (b"%PDF-1.7\n", "a PDF document", "save the table as CSV"),
}


@pytest.mark.parametrize("kind", FILES)
def test_named_for_what_it_is(kind: str, tmp_path: Path) -> None:
    content, what, remedy = FILES[kind]
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read_csv(path, Wanted(lambda header, source: header, {}))
    assert str(caught.value) == f"{path}: {what}, not a table in CSV; {remedy}"


def test_a_database(tmp_path: Path) -> None:
    found = foreign(database(tmp_path))
    assert found is not None
    assert found.what == "an SQLite database"


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "time: s;b\n1;2\n",
        "[inputs]\ncount = 2\n",
        "[[layers]]\nunits = 2\n",
        "[training]\n",
        "a\nx: y\n",
        "import price,b\n1,2\n",
        "a|b\n-|-\n1|2\n",
        "x: y\n1\n",
    ],
)
def test_tables_and_network_files_are_not_taken_for_others(text: str) -> None:
    assert foreign(text.encode()) is None
    assert foreign(cp.write(cp.load("lecture")).encode()) is None
