"""A table with columns of all kinds and a price, learnt from the prompt: as well as by scikit-learn's MLP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.cli import run
from clearprop.types import Array

HEADER = "id,area,rooms,city,garden,price\n"
CITIES = {"Ålesund": 0.9, "Bergen": 1.0, "Oslo": 1.6, "Tromsø": 1.1}


def houses(count: int, seed: int) -> tuple[list[str], Array]:
    """Rows of a table and their prices: not linear in the area, another slope in each city, with noise."""
    draw = np.random.default_rng(seed)
    rows, prices = [], []
    for number in range(count):
        area, rooms = draw.uniform(30, 220), int(draw.integers(1, 7))
        city, garden = str(draw.choice(sorted(CITIES))), bool(draw.integers(2))
        price = CITIES[city] * (4000 * area - 6 * area**2) + 9000 * rooms + 60000 * garden * (area > 80)
        prices.append(round(price * draw.normal(1, 0.04)))
        shown = "" if draw.random() < 0.02 else f"{area:.1f}"
        rows.append(f"{number},{shown},{rooms},{city},{'yes' if garden else 'no'},{prices[-1]}\n")
    return rows, np.array(prices, dtype=float)


def r2(true: Array, found: Array) -> float:
    return float(1 - ((true - found) ** 2).sum() / ((true - true.mean()) ** 2).sum())


def test_a_price_is_learnt_as_well_as_by_scikit_learns_mlp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    parts = ("compose", "impute", "neural_network", "pipeline", "preprocessing")
    compose, impute, networks, pipeline, preprocessing = (
        pytest.importorskip(f"sklearn.{part}", reason="scikit-learn is not installed") for part in parts
    )

    monkeypatch.chdir(tmp_path)
    Path("learn.csv").write_text(HEADER + "".join(houses(300, seed=1)[0]))
    rows, prices = houses(150, seed=2)
    Path("new.csv").write_text(HEADER + "".join(rows))
    assert run(["train", "learn.csv", "--target", "price", "--output", "m.safetensors"]) == 0
    assert "categories: city (4 inputs), garden (2 inputs)" in capsys.readouterr().err
    ours = r2(prices, cp.predict(cp.load("m.safetensors"), "new.csv")[:, 0])

    numbers, texts = ["id", "area", "rooms"], ["city", "garden"]
    columns = compose.ColumnTransformer([
        ("numbers", pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()), numbers),
        ("texts", preprocessing.OneHotEncoder(), texts),
    ])  # fmt: skip
    network = networks.MLPRegressor(
        hidden_layer_sizes=64,
        batch_size=32,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=30,
        max_iter=1000,
        random_state=0,
    )
    peer = compose.TransformedTargetRegressor(
        pipeline.make_pipeline(columns, network), transformer=preprocessing.StandardScaler()
    )
    learnt, asked = pandas.read_csv("learn.csv"), pandas.read_csv("new.csv")
    peer.fit(learnt[numbers + texts], learnt["price"])
    theirs = r2(prices, peer.predict(asked[numbers + texts]))
    assert ours > 0.9
    # The noise of a split and a seed.
    assert ours > theirs - 0.02, (ours, theirs)
