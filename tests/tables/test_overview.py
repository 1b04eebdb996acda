"""What becomes of each column of a table."""

from __future__ import annotations

from pathlib import Path

from tests.tables.support import table

import clearprop as cp
from clearprop.tables.overview import Becomes, overview


def test_every_column_has_one_use(tmp_path: Path) -> None:
    content = "id,size,colour,y,n\n1,2,red,a,1\n2,3,blue,b,2\n3,5,red,b,1\n"
    problem = table(tmp_path, content, 2, "softmax", inputs=3, weight_column="n", exclude=["id"])
    assert overview(problem) == [
        Becomes("size", "number", 1),
        Becomes("colour", "categories", 2),
        Becomes("y", "target"),
        Becomes("n", "weights"),
        Becomes("id", "left out", 0, "excluded"),
    ]
    assert sum(each.inputs for each in overview(problem)) == problem.network.sizes[0]


def test_without_a_table_there_is_none() -> None:
    assert overview(cp.load("lecture")) == []
