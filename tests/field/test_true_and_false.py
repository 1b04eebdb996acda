"""Truth values, from whichever source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp

Case = Callable[[str], Path]
pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")


def sources() -> dict[str, Any]:
    words = polars.read_csv("12_bool_input.csv", schema_overrides={"b": polars.String})
    truth = words.with_columns(polars.col("b") == "True")
    truth.write_parquet("t.parquet")
    return {
        "file": "12_bool_input.csv",
        "spreadsheet": "spreadsheet.csv",
        "Parquet": "t.parquet",
        "pandas": pandas.read_csv("12_bool_input.csv"),
        "polars": truth,
        "words": words,
    }


def test_one_model_reads_them_all_alike(case: Case) -> None:
    case("true-and-false")
    fit = cp.train(cp.load("network.toml"), epochs=2)
    fit.save("m.safetensors")
    assert fit.problem.fitted is not None
    assert fit.problem.fitted.features == ("a", "b=False", "b=True")
    model = cp.load("m.safetensors")
    tables = sources()
    found = cp.predict(model, tables["file"])
    assert len(found) == 40
    for name, table in tables.items():
        assert np.array_equal(cp.predict(model, table), found), name


def test_the_other_way_round(case: Case) -> None:
    case("true-and-false")
    network = cp.Network(3, [cp.Dense(1)])
    tables = sources()
    for name in ("pandas", "polars"):
        fit = cp.train(network, tables[name], "y", epochs=1)
        found = fit.predict(tables[name])
        for file in ("12_bool_input.csv", "spreadsheet.csv"):
            assert np.array_equal(fit.predict(file), found), (name, file)


def test_classes_are_called_alike(case: Case) -> None:
    case("true-and-false")
    network = cp.Network(2, [cp.Dense(2, "softmax")])
    for table in (*list(sources().values())[3:], pandas.read_csv("spreadsheet.csv")):
        fit = cp.train(network, table, "b", epochs=1)
        assert fit.problem.fitted is not None
        assert fit.problem.fitted.classes == ("False", "True")
