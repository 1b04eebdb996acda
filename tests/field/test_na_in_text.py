"""What R writes: NA for a missing value, in columns of numbers and of text alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.tables.table import TableNotice

Case = Callable[[str], Path]


def test_na_is_missing_in_text_too(case: Case) -> None:
    case("na-in-text")
    with pytest.warns(TableNotice, match=r'words read as missing: island \("NA"\), sex \("NA"\)'):
        problem = cp.load("network.toml")
    assert problem.fitted is not None
    assert problem.fitted.features == ("island=Biscoe", "island=Dream", "bill", "sex=female", "sex=male")
    assert problem.examples is not None
    assert len(problem.examples) == 60
    assert len(problem.examples.used) == 47


def test_na_may_stay_a_category(case: Case) -> None:
    case("na-in-text")
    path = Path("network.toml")
    text = path.read_text().replace("count = 5", "count = 6").replace("[data]\n", '[data]\nna = ["n/a"]\n')
    path.write_text(text.replace('"island", "bill", "sex"', '"island", "sex"'))
    problem = cp.load(path)
    assert problem.fitted is not None
    assert "sex=NA" in problem.fitted.features


def test_data_frames_are_read_alike(case: Case) -> None:
    """pandas reads NA as missing; polars reads text, of the numbers too."""
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    case("na-in-text")
    with pytest.warns(TableNotice):
        fit = cp.train(cp.load("network.toml"), epochs=1)
    whole = polars.read_csv("r_export.csv").filter(~polars.any_horizontal(polars.all().cast(polars.String) == "NA"))
    assert len(whole) == 47
    whole.write_csv("whole.csv")
    found = fit.predict("whole.csv")
    assert np.array_equal(fit.predict(whole), found)
    assert np.array_equal(fit.predict(pandas.read_csv("r_export.csv").dropna()), found)
