"""Files that are no tables, and tables that are not whole: what is said, and the exit code."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from tests.support import command

from clearprop.errors import ClearpropError, MissingExtra, UnfitTable, UnreadableFile
from clearprop.tables import csv_file, parquet
from clearprop.tables.read import read_table
from clearprop.tables.table import Wanted, chosen

ALL = Wanted(lambda header, source: header, {}, others=True)
NEEDED = Wanted(lambda header, source: chosen(header, source, needed=["b"], others=True), {}, True)
REMEDY = "correct it, leave it empty, or list the column under categorical (--categorical)"
NETWORK = """\
[inputs]
count = 2
[[layers]]
units = 2
activation = "softmax"
[data]
file = "t.csv"
target = "kind"
[training]
epochs = 1
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, so that messages hold a short path."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(content: str | bytes, kind: type[ClearpropError], wanted: Wanted = ALL, name: str = "t.csv") -> str:
    """What is said of a file of that content."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(kind) as caught:
        read_table(Path(name), wanted)
    return str(caught.value)


EMPTY = "t.csv: the file is empty; expected a line of column names and rows below it"
UTF_8 = (
    't.csv: not a text file in UTF-8: {}, cannot be read; it is probably in Windows-1252 or Latin-1, if "{}" is right; '
    'save it as "CSV UTF-8", or convert it: iconv -f WINDOWS-1252 -t UTF-8'
)
BINARY = "t.csv: a binary file, expected CSV text; save the table as CSV in UTF-8"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", EMPTY),
        (b"\n  \r\n\n", EMPTY),
        (b"\xef\xbb\xbf", EMPTY),
        (b"a,b\n1,2\n3,\xe9\n", UTF_8.format("byte 11, line 3", "é")),
        (b"\xef\xbb\xbfa,\xe9\n", UTF_8.format("byte 6, line 1", "é")),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "t.csv: incomplete text in UTF-16; save the table as CSV in UTF-8"),
        ("größe,kind\n1,x\n".encode("latin-1"), UTF_8.format("byte 3, line 1", "größe")),
        (
            b"a\x81,b\n",
            "t.csv: not a text file in UTF-8: byte 2, line 1, cannot be read; save the table as CSV in UTF-8",
        ),
        (b"a,b\n1,\0\n", BINARY),
        ("a,b\n1,2\n".encode("utf-16-le"), BINARY.replace("a binary file", "text in UTF-16 without a byte-order mark")),
    ],
    ids=[
        "empty",
        "blank lines",
        "mark alone",
        "latin-1",
        "after a mark",
        "utf-16",
        "word",
        "no guess",
        "nul",
        "no mark",
    ],
)
@pytest.mark.usefixtures("here")
def test_unreadable(content: bytes, message: str) -> None:
    assert refusal(content, UnreadableFile) == message


QUOTE = "unexpected end of data; look for a quote that is not closed"


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("a,b\n", ["there are no rows below the first line"]),
        ("a,b\n\n \n", ["there are no rows below the first line"]),
        (
            "1,2\n3,4\n",
            [
                "first line: expected the names of the columns, found numbers: 1, 2; name the columns in a line above "
                'it, or with names = ["column1", "column2"] under [data] (--names)'
            ],
        ),
        (
            "a,b\n1,2\n3\n\n4,5,6\n",
            [
                'row 2: expected 2 cells, as in the first line, found 1 ("3")',
                "row 3: expected 2 cells, as in the first line, found 3",
            ],
        ),
        ('a,b\n1,2\n\n3,4\n"5,6\n7,8\n', [f"row 3: {QUOTE}"]),
        ('"a,b\n1,2\n', [f"first line: {QUOTE}"]),
        ('a\tb\n1\t"2"x\n', ["row 1: '\\t' expected after '\"'; look for a quote that is not closed"]),
        (
            "a,b,\n1,2,3\n",
            ['column 3: has no name; name it in the first line, list the columns under inputs, or set exclude = [""]'],
        ),
        ("b,a,a\n1,2,3\n", ['column "a": is in the header 2 times; names must be unique']),
        ("b,b\n1,2\n", ['column "b": is in the header 2 times; names must be unique']),
        ("a,c\n1,2\n", ['column "b": there is no such column; found a, c']),
    ],
)
@pytest.mark.usefixtures("here")
def test_not_whole(content: str, faults: list[str]) -> None:
    count = "1 problem" if len(faults) == 1 else f"{len(faults)} problems"
    assert refusal(content, UnfitTable, NEEDED if "b," in content or ",c" in content else ALL) == "\n  ".join(
        [f"t.csv has {count}:", *faults]
    )


@pytest.mark.usefixtures("here")
def test_an_open_quote_does_not_hide_what_was_wrong_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 3)
    assert refusal('a,b\n1,2\n1,x\n3,4\n5,6\n7,"8\n', UnfitTable).split("\n  ")[1:] == [
        f"row 5: {QUOTE}",
        f'column "b", row 2: expected a number, found "x"; {REMEDY}',
    ]


@pytest.mark.usefixtures("here")
def test_cells_of_a_column_that_are_wrong_alike_are_one_problem() -> None:
    found = refusal("a,b\n" + "1,2\n" * 20 + "x,2\n" * 7 + "1,2,3\n" * 3, UnfitTable)
    assert found.split("\n  ") == [
        "t.csv has 2 problems:",
        "row 28: expected 2 cells, as in the first line, found 3 (the first of 3 such rows)",
        'column "a", row 21: expected a number, found "x" (the first of 7 such cells); correct them, '
        "add the word to na under [data] (--na) if it means no value, or list the column under categorical "
        "(--categorical)",
    ]


@pytest.mark.usefixtures("here")
def test_many_faults_are_counted() -> None:
    names = [f"c{k}" for k in range(14)]
    rows = ["1," * 13 + "1", "1," * 13 + "1", "x," * 13 + "x"]
    lines = refusal("\n".join([",".join(names), *rows]), UnfitTable).split("\n  ")
    assert lines[0] == "t.csv has 14 problems:"
    assert lines[1:11] == [f'column "{name}", row 3: expected a number, found "x"; {REMEDY}' for name in names[:10]]
    assert lines[11:] == ["and 4 more"]


@pytest.mark.usefixtures("here")
def test_many_missing_columns_are_counted() -> None:
    wanted = Wanted(lambda header, source: chosen(header, source, needed=map(str, range(12)), others=False), {})
    lines = refusal("a,b\n1,2\n", UnfitTable, wanted).split("\n  ")[1:]
    assert lines[0] == 'column "0": there is no such column; found a, b'
    assert lines[10:] == ["and 2 more"]


@pytest.mark.usefixtures("here")
def test_hostile_cells_and_names_stay_short_and_plain() -> None:
    cell = "\x1b[31m[red]🙂" + "x" * 10_000
    found = refusal(f"a\n1\n2\n{cell}\n", UnfitTable)
    shown = "�[31m[red]🙂" + "x" * 28 + "…"
    assert found == f't.csv has 1 problem:\n  column "a", row 3: expected a number, found "{shown}"; {REMEDY}'
    for message in (
        refusal(f"{cell}\n1\n2\nx\n", UnfitTable),
        refusal(f"{cell}\n1\n", UnfitTable, NEEDED),
        refusal(f"b,{cell},{cell}\n1,2,3\n", UnfitTable, NEEDED),
        refusal("1,2," + "3" * 10_000 + "\n", UnfitTable),
    ):
        assert len(message) < 300
        assert message.replace("\n", "").isprintable()


def test_missing_folder_and_odd_paths(here: Path) -> None:
    found = {}
    for name in (".", "none.csv", "a\0b", "n" * 300):
        with pytest.raises(UnreadableFile) as caught:
            read_table(Path(name), ALL)
        found[name[:8]] = str(caught.value)
    assert found["."] == ".: expected a table, found a folder"
    assert found["none.csv"] == "none.csv: no such file"
    assert found["a\0b"].startswith("a�b: cannot be read: ")
    assert found["n" * 8] == "n" * 199 + "…: cannot be read: File name too long"


# --- Parquet ---------------------------------------------------------------------------------------------


NO_PARQUET = "{}: not a Parquet file, or an incomplete one; a CSV file's name ends in .csv"


@pytest.mark.usefixtures("here")
def test_text_called_parquet() -> None:
    assert refusal("a,b\n1,2\n", UnreadableFile, name="t.parquet") == NO_PARQUET.format("t.parquet")
    assert refusal("", UnreadableFile, name="t.pq") == NO_PARQUET.format("t.pq")


def test_parquet_in_pieces(here: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars writes the file")
    polars.DataFrame({"a": [1.0] * 100, "b": ["x"] * 100}).write_parquet("whole.parquet")
    raw = (here / "whole.parquet").read_bytes()
    assert refusal(raw[:-20], UnreadableFile, name="t.parquet") == NO_PARQUET.format("t.parquet")
    for damaged in (raw[:4] + b"\0" * 60 + raw[64:], raw[:-40] + b"\xff" * 32 + raw[-8:], raw[:4] + raw[-4:] * 2):
        found = refusal(damaged, UnreadableFile, name="t.parquet")
        assert found.startswith("t.parquet: an incomplete Parquet file: ")
        assert "\n" not in found


def test_parquet_under_another_name_is_read(here: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars writes the file")
    polars.DataFrame({"a": [1.0, None], "b": ["x", None]}).write_parquet("t.csv")
    table = read_table(here / "t.csv", ALL)
    assert np.array_equal(table.columns["a"].missing, [False, True])
    assert np.array_equal(table.columns["b"].missing, [False, True])


def test_parquet_columns_of_other_types(here: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars writes the file")
    frame = polars.DataFrame({"a": [1], "l": [[1]]}).with_columns(polars.duration(days=1).alias("d"))
    frame.write_parquet("t.parquet")
    with pytest.raises(UnfitTable) as caught:
        read_table(Path("t.parquet"), ALL)
    assert str(caught.value) == (
        "t.parquet has 2 problems:\n"
        '  column "l": expected numbers, text or truth values, found list; convert it, or leave it out\n'
        '  column "d": expected numbers, text or truth values, found timedelta; convert it, or leave it out'
    )


def test_parquet_without_polars_names_the_extra(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "t.parquet").write_bytes(b"PAR1" + b"\0" * 20 + b"PAR1")
    monkeypatch.setattr(parquet, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as caught:
        read_table(here / "t.parquet", ALL)
    assert str(caught.value) == "reading Parquet files needs polars (extra “data”): pip install polars"


# --- the command -----------------------------------------------------------------------------------------


def test_exit_codes(here: Path) -> None:
    (here / "net.toml").write_text(NETWORK)
    (here / "t.csv").write_text("p,q,kind\n1,2,x\n3,oops,y\n4,5,x\n6,7,y\n")
    unfit = command("train", "net.toml", "--quiet", cwd=here)
    assert (unfit.returncode, unfit.stdout) == (1, "")
    assert f'column "q", row 2: expected a number, found "oops"; {REMEDY}' in unfit.stderr
    (here / "t.csv").write_bytes(b"p,q,kind\n1,2,\xe9\n")
    unreadable = command("train", "net.toml", "--quiet", cwd=here)
    assert (unreadable.returncode, unreadable.stdout) == (2, "")
    assert "not a text file in UTF-8: byte 14, line 2, cannot be read" in unreadable.stderr
    wrong = command("train", "lecture", "--target", "kind", cwd=here)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--target names a column of a table; give the table with --data" in wrong.stderr
    for result in (unfit, unreadable, wrong):
        assert "Traceback" not in result.stderr


def test_a_pipe_is_read_as_a_file_is() -> None:
    content = b"p,q\n" + b"".join(b"%d,%d\n" % (k, k * k) for k in range(100))
    into, out = os.pipe()
    os.write(out, content)
    os.close(out)
    found = read_table(Path(f"/dev/fd/{into}"), ALL)
    os.close(into)
    assert [len(each) for each in found.columns.values()] == [100, 100]
