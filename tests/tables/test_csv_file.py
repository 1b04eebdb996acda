"""CSV to tables: cells, delimiters, kinds of columns, blocks; against Python's own csv module."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clearprop.errors import UnfitTable
from clearprop.tables import csv_file
from clearprop.tables.csv_file import read_csv
from clearprop.tables.table import Numbers, Table, TableNotice, Wanted

ALL = Wanted(lambda header, source: header, {})


def read(folder: Path, content: str | bytes, wanted: Wanted = ALL, progress: Any = None) -> Table:
    """The table in a file of that content."""
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(path, wanted, progress)


def values(table: Table) -> dict[str, list[Any]]:
    """The columns as lists, None where a value is missing."""
    found: dict[str, list[Any]] = {}
    for name, column in table.columns.items():
        if isinstance(column, Numbers):
            found[name] = [None if np.isnan(value) else value for value in column.values.tolist()]
        else:
            found[name] = [None if code < 0 else column.labels[code] for code in column.codes.tolist()]
    return found


def complaint(folder: Path, content: str | bytes, wanted: Wanted = ALL) -> str:
    """What is wrong with a file of that content, the first line left out."""
    with pytest.raises(UnfitTable) as caught:
        read(folder, content, wanted)
    return str(caught.value).split("\n  ", 1)[1]


PLAIN = {"a": [1.0, 3.0], "b": ["x", "y"]}


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    assert values(read(tmp_path, "a,b\n1,x\n3,y\n".replace(",", delimiter))) == PLAIN


@pytest.mark.parametrize(
    "content",
    [
        "a,b\r\n1,x\r\n3,y\r\n",
        "a,b\r\r\n1,x\r\r\n3,y\r\r\n",
        "a,b\r1,x\r3,y\r",
        "a,b\n1,x\n3,y",
        "\ufeffa,b\n1,x\n3,y\n",
        "\n  \na,b\n\n1,x\n   \n\n3,y\n\n\n",
        " a , b \n 1 , x \n 3 , y \n",
        "a,b\n\u00a01,x\n3\u00a0,\u00a0y\n",
        '"a","b"\n"1","x"\n"3","y"\n',
        'a,b\n1, "x"\n3,y\n',
        "a,b\n+1e0,x\n3.,y\n",
    ],
    ids=[
        "crlf",
        "crcrlf",
        "cr",
        "no last end",
        "mark",
        "blank lines",
        "spaces",
        "hard spaces",
        "quotes",
        "space and quote",
        "notations",
    ],
)
def test_ways_to_write_the_same_table(tmp_path: Path, content: str) -> None:
    assert values(read(tmp_path, content)) == PLAIN


def test_quotes_hold_delimiters_lines_and_quotes(tmp_path: Path) -> None:
    content = 'a;"b; c"\n1;"x;y"\n2;"two\nlines"\n3;"a ""word"""\n'
    assert values(read(tmp_path, content)) == {"a": [1, 2, 3], "b; c": ["x;y", "two\nlines", 'a "word"']}


def test_the_delimiter_is_looked_for_outside_quotes(tmp_path: Path) -> None:
    assert values(read(tmp_path, '"a, b, c";d\n1;2\n')) == {"a, b, c": [1], "d": [2]}


@pytest.mark.parametrize("cell", ["", "  ", "NA", "n/a", "NaN", "-nan", "null", "None", "?"])
def test_missing_numbers(tmp_path: Path, cell: str) -> None:
    assert values(read(tmp_path, f"a,b\n1,2\n{cell},3\n4,5\n")) == {"a": [1, None, 4], "b": [2, 3, 5]}


def test_in_a_column_of_text_the_same_words_are_missing_and_said(tmp_path: Path) -> None:
    content = "a,b\n1,none\n2,\n3,NA\n4,x\n5,y\n"
    with pytest.warns(
        TableNotice, match=r't\.csv: words read as missing: b \("NA"\); na under \[data\] \(--na\) lists'
    ):
        assert values(read(tmp_path, content))["b"] == ["none", None, None, "x", "y"]
    own = Wanted(lambda header, source: header, {}, na=("", "y"))
    with pytest.warns(TableNotice, match="lists other words"), pytest.warns(TableNotice, match=r'b \("y"\)'):
        assert values(read(tmp_path, content, own))["b"] == ["none", None, "NA", "x", None]


@pytest.mark.parametrize("cell", ["1_000", "①", "1d5", "0x10", "1j", "3x"])
def test_what_is_not_a_number(tmp_path: Path, cell: str) -> None:
    found = complaint(tmp_path, f"a\n1\n2\n{cell}\n")
    remedy = "correct it, leave it empty, or list the column under categorical (--categorical)"
    assert found == f'column "a", row 3: expected a number, found "{cell}"; {remedy}'


@pytest.mark.parametrize("code", ["01234", "12345678901234567", "+491234567890123457"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_numbers_that_lose_digits_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, quote: str
) -> None:
    """Also where a block is read the quick way."""
    monkeypatch.setattr(csv_file, "BLOCK", 2)
    content = f"zip,id,x\n1,2,0.5\n3,4,05.5\n5,6,0\n{quote}{code}{quote},100,007.25\n1,0,0\n"
    said = f't.csv: read as numbers, although not all of their digits are kept: zip ("{code}"); if they are codes, list'
    with pytest.warns(TableNotice, match=re.escape(said)):
        assert values(read(tmp_path, content))["zip"] == [1, 3, 5, float(code), 1]


def test_too_large_a_number_is_infinity(tmp_path: Path) -> None:
    assert values(read(tmp_path, "a\n1e400\n1\n"))["a"] == [np.inf, 1]


def test_most_cells_of_the_first_block_say_whether_a_column_holds_numbers(tmp_path: Path) -> None:
    assert values(read(tmp_path, "a,b\n1,1\n2,x\ny,y\n".replace("y,y", "3,z"))) == {
        "a": [1, 2, 3],
        "b": ["1", "x", "z"],
    }
    assert complaint(tmp_path, "a,b\n1,1\nx,2\n").startswith('column "a", row 2: expected a number, found "x";')


def test_a_later_block_keeps_to_what_the_first_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 3)
    rows = "".join(f"{k},t{k}\n" for k in range(1, 7))
    remedy = "correct it, leave it empty, or list the column under categorical (--categorical)"
    assert complaint(tmp_path, f"a,b\n{rows}\nseven,t7\n") == (
        f'column "a", row 7: expected a number, found "seven"; {remedy}'
    )
    table = read(tmp_path, "a,b\nx,1\ny,2\nz,3\n1,4\n2,5\n")
    assert values(table) == {"a": ["x", "y", "z", "1", "2"], "b": [1, 2, 3, 4, 5]}


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["", "", "", "1", "2"], [None, None, None, 1, 2]),
        (["", "none", "", "x", "y"], [None, "none", None, "x", "y"]),
        (["", "NA", "", "1", "2"], [None, None, None, 1, 2]),
        (["", "NA", "", "", ""], [None] * 5),
    ],
    ids=["numbers", "text", "numbers after a token", "nothing"],
)
def test_a_first_block_without_values_settles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: list[str], kept: list[Any]
) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 3)
    content = "a,b\n" + "".join(f"{cell},{k}\n" for k, cell in enumerate(cells))
    assert values(read(tmp_path, content)) == {"a": kept, "b": [0, 1, 2, 3, 4]}


def test_numbers_are_text_where_they_must_be(tmp_path: Path) -> None:
    wanted = Wanted(lambda header, source: ["zip"], {"zip": "text"})
    assert values(read(tmp_path, "zip,b\n01234,x\n1234,y\n,z\n", wanted)) == {"zip": ["01234", "1234", None]}


def test_only_wanted_columns_are_read_and_in_the_order_asked_for(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b,c\n1,x,2\n3,4,5\n", Wanted(lambda header, source: ["c", "a"], {}))
    assert values(table) == {"c": [2, 5], "a": [1, 3]}
    assert list(table.columns) == ["c", "a"]


CELL = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**6), 10**6).map(str),
    st.just(""),
)
TEXT = st.text(st.sampled_from("xyz ,;\"\n'é|"), max_size=5).map(lambda text: text.strip() and "t" + text.strip())


@given(
    st.lists(st.tuples(CELL, TEXT, CELL), min_size=1, max_size=25),
    st.sampled_from([1, 2, 5, 8192]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_python_writes_is_read_as_python_reads_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], block: int, quoting: Any, end: str
) -> None:
    assume(any(map(any, rows)))
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=quoting).writerows([("p", "q", "r"), *rows])
    kinds = Wanted(lambda header, source: header, {"p": "numbers", "q": "text", "r": "numbers"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK", block)
        found = values(read(tmp_path_factory.mktemp("t"), text.getvalue(), kinds))
    expected = [row for row in csv.DictReader(io.StringIO(text.getvalue(), newline="")) if any(row.values())]
    assert found["p"] == [float(row["p"]) if row["p"] else None for row in expected]
    assert found["q"] == [row["q"].strip() or None for row in expected]
    assert found["r"] == [float(row["r"]) if row["r"] else None for row in expected]


@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from("abc")), min_size=6))
def test_the_fast_way_reads_what_the_slow_one_does(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, str]]
) -> None:
    content = "p,q\n" + "".join(f" {number!r} , {text}\n" for number, text in rows)
    found = []
    for fast in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_file, "BLOCK", 2)
            if not fast:
                patch.setattr(csv_file._Reading, "_take_plain", lambda self, lines: False)
            found.append(values(read(tmp_path_factory.mktemp("t"), content)))
    assert found[0] == found[1] == {"p": [row[0] for row in rows], "q": [row[1] for row in rows]}


@pytest.mark.parametrize("block", [1, 2, 3, 8192])
def test_blank_lines_in_a_table_of_one_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", block)
    assert values(read(tmp_path, "a\n1\n2\n\n\r\n\n3\n4\n\n\n")) == {"a": [1, 2, 3, 4]}
    assert values(read(tmp_path, 'a\n"t"\n\n"u"\n""\n')) == {"a": ["t", "u", None]}


def test_wide_tables_come_in_blocks_of_fewer_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "CELLS", 10)
    told: list[int] = []
    content = "a,b,c,d\n" + "1,2,3,4\n" * 7
    table = read(tmp_path, content, progress=lambda done, size: told.append(done))
    assert len(told) == 4
    assert values(table)["d"] == [4] * 7


def test_progress_ends_at_the_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 10)
    for cell in ("x", '"x"'):
        content = "a,b\n" + f"1,{cell}\n" * 35
        told: list[tuple[int, int]] = []
        read(tmp_path, content, progress=lambda done, size, told=told: told.append((done, size)))
        assert len(told) == 4
        assert told == sorted(told)
        assert told[-1] == (len(content), len(content))


def test_memory_is_a_small_multiple_of_what_is_kept(tmp_path: Path) -> None:
    rows, columns = 100_000, 10
    line = ",".join(f"{k}.{k}" for k in range(columns))
    path = tmp_path / "t.csv"
    path.write_text(",".join(f"c{k}" for k in range(columns)) + "\n" + f"{line}\n" * rows)
    tracemalloc.start()
    try:
        table = read_csv(path, ALL)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(table) == rows
    assert peak < 3 * 8 * rows * columns
