"""What becomes of the columns of a table, in a few lines."""

from __future__ import annotations

from pathlib import Path

from tests.tables.support import table

import clearprop as cp
from clearprop.rendering.columns import column_lines


def test_a_line_for_each_kind(tmp_path: Path) -> None:
    content = "id,size,colour,y,n\n1,2,red,a,1\n2,3,blue,b,2\n3,5,red,b,1\n"
    problem = table(tmp_path, content, 2, "softmax", inputs=3, weight_column="n", exclude=["id"])
    assert list(column_lines(problem)) == [
        "numbers: size",
        "categories: colour (2 inputs)",
        "left out: id (excluded)",
        "weights of rows: n",
        "target: y, 2 classes (a, b)",
    ]


def test_targets_of_numbers(tmp_path: Path) -> None:
    content = "p,y,z\n1,10,5\n2,20,7\n"
    assert list(column_lines(table(tmp_path, content, 1, inputs=2)))[-1] == (
        "target: y, numbers, standardized (mean 15, deviation 5)"
    )
    assert list(column_lines(table(tmp_path, content, 2, target=["y", "z"])))[-1] == (
        "targets: y, z, numbers, standardized"
    )
    assert list(column_lines(table(tmp_path, content, 1, "relu", inputs=2)))[-1] == "target: y, numbers as they are"


def test_a_wide_table_stays_short(tmp_path: Path) -> None:
    names = [f"a rather long name of a column {k}" for k in range(300)]
    content = ",".join(names) + ",y\n" + ",".join(["1"] * 300) + ",a\n" + ",".join(["2"] * 300) + ",b\n"
    shown = list(column_lines(table(tmp_path, content, 2, "softmax", inputs=300)))
    assert len(shown) == 2
    assert shown[0].endswith(", … (300 in all)")
    assert all(len(line) < 300 for line in shown)


def test_nothing_without_a_table() -> None:
    assert not list(column_lines(cp.load("lecture")))
