"""Targets of some hundred thousands: standardized for training, in their own unit for whoever reads the results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import InvalidNetwork
from clearprop.models.read import read_model
from clearprop.types import Array

Case = Callable[[str], Path]


def prices() -> Array:
    return np.loadtxt("houses.csv", delimiter=",", skiprows=1)[:, 3]


def r2(true: Array, found: Array) -> float:
    return float(1 - ((true - found) ** 2).sum() / ((true - true.mean()) ** 2).sum())


def test_the_price_is_learnt_as_the_inputs_are(case: Case) -> None:
    case("house-prices")
    fit = cp.train(cp.load("network.toml"), output="m.safetensors")
    true, found = prices(), fit.predict("houses.csv")[:, 0]
    examples = fit.problem.examples
    assert examples is not None
    assert examples.validation is not None
    for part, rows in (("training", examples.learnt), ("validation", examples.validation)):
        metrics = fit.metrics(part)  # type: ignore[arg-type]
        assert metrics is not None
        assert metrics.r2 is not None
        assert metrics.r2 > 0.97
        # In dollars, and as the predictions of the table say.
        assert metrics.r2 == pytest.approx(r2(true[rows], found[rows]), rel=1e-4)
        assert metrics.rmse == pytest.approx(np.sqrt(((true - found)[rows] ** 2).mean()), rel=1e-4)
    # Fitted on the training rows alone, and saved with the model.
    assert np.allclose(examples.targets[:, 0], (true - true[examples.learnt].mean()) / true[examples.learnt].std())
    assert np.array_equal(cp.predict(cp.load("m.safetensors"), "houses.csv"), fit.predict("houses.csv"))
    assert read_model("m.safetensors").problem.fitted == fit.problem.fitted


def test_explain_shows_the_price_and_what_becomes_of_it(case: Case) -> None:
    case("house-prices")
    Path("network.toml").write_text(Path("network.toml").read_text().replace("split = 0.2", "split = 0"))
    problem = cp.load("network.toml")
    mean, scale = prices().mean(), prices().std()
    done = cp.cycle(problem)
    text = str(cp.explain(done, "t_1", digits=0))
    assert f"t_1 = (622722 - {mean:.0f}) / {scale:.0f} = " in text
    whole = str(cp.explain(done))
    assert done["t_1"] == pytest.approx((622722 - mean) / scale, rel=1e-12)
    assert "From the outputs to the table" in whole
    assert f"= {done['a_y1'] * scale + mean:.5f}" in whole


def test_the_same_data_in_other_units_learn_the_same(case: Case) -> None:
    folder = case("house-prices")
    first = cp.train(cp.load("network.toml"), epochs=20).predict("houses.csv")
    rows = (folder / "houses.csv").read_text().splitlines()
    cut = [rows[0], *(f"{row.rsplit(',', 1)[0]},{float(row.rsplit(',', 1)[1]) / 1024}" for row in rows[1:])]
    (folder / "houses.csv").write_text("\n".join(cut) + "\n")
    assert cp.train(cp.load("network.toml"), epochs=20).predict("houses.csv") * 1024 == pytest.approx(first, rel=1e-5)


def test_it_can_be_turned_off(case: Case) -> None:
    folder = case("house-prices")
    with (folder / "network.toml").open("a") as file:
        file.write("standardize_target = false\n")
    problem = cp.load("network.toml")
    assert problem.fitted is not None
    assert not problem.fitted.standardized
    assert problem.examples is not None
    assert problem.examples.targets[0] == 622722
    metrics = cp.train(problem, epochs=20).metrics()
    assert metrics is not None
    assert metrics.r2 is not None
    assert metrics.r2 < 0


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "exp(z)"])
def test_targets_stay_as_they_are_where_the_outputs_cannot_be_any_number(case: Case, activation: str) -> None:
    folder = case("house-prices")
    text = (folder / "network.toml").read_text().replace("units = 1\n", f'units = 1\nactivation = "{activation}"\n')
    (folder / "network.toml").write_text(text)
    problem = cp.load("network.toml")
    assert problem.fitted is not None
    assert not problem.fitted.standardized
    (folder / "network.toml").write_text(text + "standardize_target = true\n")
    with pytest.raises(InvalidNetwork) as caught:
        cp.load("network.toml")
    assert str(caught.value) == (
        "network.toml has 1 problem:\n"
        f"  data.standardize_target: the outputs of {activation} cannot be any number, as standardized targets are; "
        "leave standardize_target out, or change the last layer or the loss"
    )


def test_a_loss_of_ratios_keeps_its_targets(case: Case) -> None:
    folder = case("house-prices")
    text = (folder / "network.toml").read_text() + '[loss]\nname = "(y / t - 1)**2"\n'
    (folder / "network.toml").write_text(text)
    problem = cp.load("network.toml")
    assert problem.fitted is not None
    assert not problem.fitted.standardized
    (folder / "network.toml").write_text(text.replace("split = 0.2", "split = 0.2\nstandardize_target = true"))
    with pytest.raises(InvalidNetwork, match=r"the loss \(y / t - 1\)\*\*2 is not one of t - y alone"):
        cp.load("network.toml")


def test_without_standardized_targets_the_training_says_that_they_are_out_of_reach(case: Callable[[str], Path]) -> None:
    folder = case("house-prices")
    text = (folder / "network.toml").read_text().replace("split = 0.2", "split = 0.2\nstandardize_target = false")
    fit = cp.train(cp.read(text, str(folder / "network.toml")), epochs=300)
    assert any(
        note.startswith("The targets are far from the outputs: their mean is 428,468 and their deviation 150,314, ")
        and note.endswith(" Leave out standardize_target = false.")
        for note in fit.notes
    )
