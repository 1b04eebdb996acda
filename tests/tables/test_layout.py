"""What separates the cells of a table, and what stands above them; against pandas, where it can be told."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from tests.tables.test_csv_file import complaint, read, values

from clearprop.tables.layout import delimiter, spaced, without_runs
from clearprop.tables.table import Numbers, TableNotice, Wanted

CARS = """\
18.0   8   307.0      130.0      3504.      12.0   70  1\t"chevrolet chevelle malibu"
15.0   8   350.0      165.0      3693.      11.5   70  1\t"buick skylark 320"
25.0   4   98.00      ?          2046.      19.0   71  1\t"ford  pinto"
"""


@pytest.mark.parametrize(
    ("lines", "sign"),
    [
        ("a b\n1 2\n3 4\n", " "),
        (CARS, " "),
        ("  1.0e+00 2.0e+00\n  3.0e+00 4.0e+00\n", " "),
        ('"a" "b"\n"1" "x y" "z"\n', " "),
        ("size\n3 696\n1 234\n", ","),
        ("day\n12 May 2024\n13 May 2024\n", ","),
        ("a review\nthe cat\nthe dog\n", ","),
        ("a b\tc d\n3 696\t4 123\n", "\t"),
        ('a\tb\n1\t"2"x\n', "\t"),
        ("pixels,kind\n70 80 82,x\n151 150 147,y\n", ","),
        ("Report of May, 2024\nsize;kind;z\n1;x;2\n2;y;3\n", ";"),
        ("Report\nsize,kind\n1,x\n2,y\n", ","),
        ("kind color n\nann red 1\nbob blue 2\n", " "),
        ("kind n\nMazda ann 1\nFiat bob 2\n", " "),
        ("size EUR\n3 696\n1 234\n", ","),
        ("pixels\tkind\n70 80 82\t1\n151 150 147\t2\n", "\t"),
    ],
)
def test_what_separates_cells(lines: str, sign: str) -> None:
    assert delimiter(lines.splitlines(keepends=True)) == sign


def test_spaces_are_told_from_text() -> None:
    assert spaced(["1 2", "3 4"], "\t")
    assert not spaced(["the cat", "the dog"], "\t")
    assert not spaced([], "\t")


def test_runs_within_quotes_stay() -> None:
    assert without_runs(' 1 \t 2\t"a  b" \r\n') == '1 2 "a  b"\n'


def test_runs_of_spaces_separate_cells_as_pandas_reads_them(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    names = ("mpg", "cyl", "disp", "hp", "weight", "acc", "year", "origin", "name")
    table = read(tmp_path, CARS, Wanted(lambda header, source: header, {}, names=names))
    frame = pandas.read_csv(io.StringIO(CARS), sep=r"\s+", names=names, na_values="?")
    for name in names[:-1]:
        column = table.columns[name]
        assert isinstance(column, Numbers)
        np.testing.assert_array_equal(column.values, frame[name], err_msg=name)
    assert values(table)["name"] == frame["name"].tolist() == [
        "chevrolet chevelle malibu", "buick skylark 320", "ford  pinto"
    ]  # fmt: skip
    assert complaint(tmp_path, CARS).startswith("first line: looks like data: 8 of its 9 cells are numbers")


def test_spaces_and_decimal_commas(tmp_path: Path) -> None:
    with pytest.warns(TableNotice, match='"1,5" as 1.5'):
        assert values(read(tmp_path, "a b\n1,5 2\n2,5 3\n"))["a"] == [1.5, 2.5]


def test_a_row_of_another_width_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path, "a b c\n1 2 3\n4   6\n7 8 9\n") == (
        "row 2: expected 3 cells, as in the first line, found 2"
    )


@pytest.mark.parametrize(
    "content",
    [
        '"size","kind"\n"1",1.5,"x"\n"2",2,"y"\n',
        '"size","kind"\n"Mazda RX4",1.5,"x"\n"Fiat 128",2,"y"\n',
        '"size" "kind"\n"1" 1.5 "x"\n"2" 2 "y"\n',
        "size kind\n1 1.5 x\n2 2 y\n",
        '"size"\t"kind"\n"1"\t1.5\t"x"\n"2"\t2\t"y"\n',
    ],
)
def test_names_of_rows_without_a_name_are_left_out(tmp_path: Path, content: str) -> None:
    """R writes them so, and reads them so; pandas too."""
    pandas = pytest.importorskip("pandas")
    with pytest.warns(TableNotice, match="the first column is left out: it has no name in the first line, as R writes"):
        found = values(read(tmp_path, content))
    frame = pandas.read_csv(io.StringIO(content), sep="\t" if "\t" in content else "," if "," in content else " ")
    assert found == {name: frame[name].tolist() for name in frame} == {"size": [1.5, 2], "kind": ["x", "y"]}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("My houses\n\nsize,kind\n1,x\n2,y\n", '1 cell ("My houses") above rows of 2'),
        ("Report of May, 2024\nsize,kind,z\n1,x,2\n2,y,3\n", '2 cells ("Report of May, 2024") above rows of 3'),
        ("Report,,\n,,\nsize,kind,z\n1,x,2\n2,y,3\n", '1 cell ("Report") above rows of 3'),
        ("Report;;\nsize;kind;z\n1,5;x;2\n2;y;3\n", '1 cell ("Report") above rows of 3'),
        ("name,age\nAnn,30,1.5\nBob,40,2.5\n", '2 cells ("name, age") above rows of 3'),
    ],
)
def test_a_first_line_with_fewer_cells_than_the_rows(tmp_path: Path, content: str, found: str) -> None:
    remedy = "if it is a title, delete it; if a column has no name, such as that of names of rows, add one"
    assert complaint(tmp_path, content) == f"first line: expected the names of the columns, found {found}; {remedy}"


def test_comments_above_a_table_are_left_out(tmp_path: Path) -> None:
    with pytest.warns(TableNotice, match="2 lines that begin with # are left out"):
        assert values(read(tmp_path, "# made in May,\n# by hand\na,b\n1,x\n3,y\n")) == {"a": [1, 3], "b": ["x", "y"]}
    with pytest.warns(TableNotice, match="1 line that begins with # is left out"):
        assert list(values(read(tmp_path, "# a, b\na,b\n1,x\n3,y\n"))) == ["a", "b"]


def test_a_comment_may_name_the_columns(tmp_path: Path) -> None:
    """As those of NumPy's savetxt do; but a column may be called #."""
    assert list(values(read(tmp_path, "# a b\n1.0e+00 2.0e+00\n3.0e+00 4.0e+00\n"))) == ["a", "b"]
    assert list(values(read(tmp_path, "#,name\n1,x\n2,y\n"))) == ["#", "name"]
