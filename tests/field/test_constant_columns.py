"""Seven of 21 columns are constant, and there are two rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.tables.table import TableNotice

Case = Callable[[str], Path]
NOTICE = "two_rows.csv: the same value in every training row, so they become 0: f3, f6, f7, f17, f18, f19, f20"


def test_constant_columns_become_0_and_are_named(case: Case) -> None:
    case("constant-columns")
    with pytest.warns(TableNotice) as said:
        problem = cp.load("network.toml")
    assert NOTICE in [str(each.message) for each in said]
    assert problem.examples is not None
    assert problem.examples.inputs[:, [2, 5, 6, 16, 17, 18, 19]].tolist() == [[0] * 7] * 2
    assert cp.train(problem, epochs=3).status.exit_code == 0


def test_they_can_be_left_out(case: Case) -> None:
    case("constant-columns")
    path = Path("network.toml")
    names = ", ".join(f'"f{k}"' for k in (3, 6, 7, 17, 18, 19, 20))
    path.write_text(
        path.read_text().replace("count = 21", "count = 14").replace("[data]\n", f"[data]\nexclude = [{names}]\n")
    )
    problem = cp.load(path)
    assert problem.network.sizes[0] == 14
