"""Numbers with groups of thousands, or with a currency's sign."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import UnfitTable
from clearprop.tables.table import TableNotice

Case = Callable[[str], Path]
B = [3696.53, 1741.73, 2383.32, 3502.79, 993.55]


def load(file: str) -> cp.Problem:
    Path("n.toml").write_text(Path("network.toml").read_text().replace("quoted.csv", file))
    return cp.load("n.toml")


def column(problem: cp.Problem, place: int) -> np.ndarray:
    assert problem.examples is not None
    assert problem.fitted is not None
    fitted = problem.fitted.columns[place]
    return problem.examples.inputs[:, place] * fitted.scale + fitted.mean


@pytest.mark.parametrize(
    ("file", "says", "first"),
    [
        ("quoted.csv", r'b \("3,696\.53" as 3696\.53\)', B),
        ("spaces.csv", r'b \("3 696" as 3696\)', [int(value) for value in B]),
        ("currency-target.csv", r'y \("\$-163" as -163\)', B),
    ],
)
def test_they_are_read_as_the_numbers_they_are(case: Case, file: str, says: str, first: list[float]) -> None:
    case("numbers-in-groups")
    with pytest.warns(TableNotice, match=rf"^{file}: read as numbers: {says}$"):
        problem = load(file)
    assert problem.network.sizes == (2, 4, 1)
    assert np.allclose(column(problem, 1)[:5], first)


def test_a_target_in_dollars_is_a_number(case: Case) -> None:
    case("numbers-in-groups")
    with pytest.warns(TableNotice):
        problem = load("currency-target.csv")
    assert problem.fitted is not None
    assert problem.fitted.classes is None
    (target,) = problem.fitted.standardized
    assert problem.examples is not None
    assert np.allclose(problem.examples.targets[:3, 0] * target.scale + target.mean, [-163, 7962, 4303])


def test_text_that_begins_like_a_number_does_not_ask_for_outputs(case: Case) -> None:
    case("numbers-in-groups")
    Path("kilos.csv").write_text("a,b,y\n" + "".join(f"{k},{k % 7},{k}.5 kg\n" for k in range(20)))
    with pytest.raises(UnfitTable) as caught:
        load("kilos.csv")
    assert [str(each) for each in caught.value.problems] == [
        'column "y", row 1: expected a number, found "0.5 kg" (they look like numbers in another form); write plain '
        "numbers, such as 1234.5"
    ]


def test_another_currency_is_not_taken_for_that_of_training(case: Case) -> None:
    case("numbers-in-groups")
    rows = "".join(f"${k}.5,{k}\n" for k in range(9))
    Path("dollars.csv").write_text("a,y\n" + rows)
    with pytest.warns(TableNotice):
        fit = cp.train(cp.load(_network("dollars.csv")), epochs=1)
    fit.save("m.safetensors")
    model = cp.load("m.safetensors")
    assert model.fitted is not None
    assert model.fitted.columns[0].unit == "$"
    with pytest.warns(TableNotice):
        assert np.array_equal(cp.predict(model, "dollars.csv"), fit.predict("dollars.csv"))
    Path("euros.csv").write_text("a,y\n" + rows.replace("$", "€"))
    with (
        pytest.raises(UnfitTable, match='column "a": found numbers in €, but those of training were in \\$'),
        pytest.warns(),
    ):
        cp.predict(model, "euros.csv")


@pytest.mark.parametrize("asked", ["", "standardize_target = false\n"])
def test_another_currency_of_the_target_is_not_taken_for_that_of_training(case: Case, asked: str) -> None:
    case("numbers-in-groups")
    rows = "".join(f"{k},${k}.5\n" for k in range(9))
    Path("dollars.csv").write_text("a,y\n" + rows)
    network = Path(_network("dollars.csv"))
    network.write_text(network.read_text().replace("[training]", asked + "[training]"))
    with pytest.warns(TableNotice):
        cp.train(cp.load("d.toml"), epochs=1).save("m.safetensors")
    with pytest.warns(TableNotice):
        assert cp.load("m.safetensors", data="dollars.csv").examples is not None
    Path("plain.csv").write_text("a,y\n" + rows.replace("$", ""))
    assert cp.load("m.safetensors", data="plain.csv").examples is not None
    Path("euros.csv").write_text("a,y\n" + rows.replace("$", "€"))
    said = 'column "y": found numbers in €, but those of training were in \\$'
    with pytest.raises(UnfitTable, match=said), pytest.warns():
        cp.load("m.safetensors", data="euros.csv")


def _network(file: str) -> str:
    text = Path("network.toml").read_text().replace("quoted.csv", file).replace("count = 2", "count = 1")
    Path("d.toml").write_text(text)
    return "d.toml"
