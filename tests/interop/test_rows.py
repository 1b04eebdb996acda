from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, UnfitTable, UnknownName
from clearprop.tables.table import TableNotice


@pytest.fixture
def model(tmp_path: Path) -> Path:
    from safetensors.numpy import save_file

    save_file({"0.weight": np.eye(2)}, tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


def load(model: Path, text: str, **more: object) -> cp.Problem:
    (model.parent / "t.csv").write_text(text)
    options = {"activations": "softmax", **more}
    return cp.load(model, data=model.parent / "t.csv", **options)  # type: ignore[arg-type]


def test_columns_are_found_by_name_or_taken_in_order_and_that_is_said(model: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        named = load(model, "x2,x1,class\n1,2,0\n3,4,1\n")
    assert named.examples is not None
    assert named.examples.inputs.tolist() == [[2, 1], [4, 3]]
    assert named.examples.targets.tolist() == [[1, 0], [0, 1]]
    with pytest.warns(TableNotice, match=r"t.csv: its columns are taken as x1, x2 in their order \(a, b\)"):
        taken = load(model, "a,b,kind\n1,2,1\n3,4,0\n", target="kind")
    assert taken.examples is not None
    assert taken.examples.inputs.tolist() == [[1, 2], [3, 4]]


def test_classes_of_the_table_are_taken_in_sorted_order_and_that_is_said(model: Path) -> None:
    with pytest.warns(TableNotice, match="taken in sorted order: 0 is no, 1 is yes"):
        problem = load(model, "x1,x2,kind\n1,2,yes\n3,4,no\n", target="kind")
    assert problem.examples is not None
    assert problem.examples.targets.tolist() == [[0, 1], [1, 0]]
    with pytest.raises(UnfitTable, match="expected 2 classes, found 3"):
        load(model, "x1,x2,kind\n1,2,a\n3,4,b\n3,4,c\n", target="kind")


def test_tables_that_do_not_fit_are_refused(model: Path) -> None:
    with pytest.raises(UnfitTable, match=r"expected 2 inputs \(x1, x2\), found 3 columns"):
        load(model, "a,b,c\n1,2,3\n")
    with pytest.raises(UnknownName, match='unknown column "kin"; did you mean "kind"'):
        load(model, "x1,x2,kind\n1,2,1\n", target="kin")
    with pytest.raises(InvalidArgument, match="--target: expected 2 columns, one per output, found 1"):
        load(model, "x1,x2,t\n1,2,1\n", target="t", activations="tanh")
