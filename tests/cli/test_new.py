"""``clearprop new``: the file it prints and the table itself give the same training, to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.cli import run
from clearprop.cli.new import run_new
from clearprop.errors import InvalidArgument

HOUSES = Path(__file__).parents[1] / "field" / "house-prices" / "houses.csv"
PENGUINS = Path(cp.__file__).parent / "examples" / "penguins.csv"

FILE = """\
notation = "standard"

[inputs]
count = "auto"

[[layers]]
units = 64
activation = "relu"

[[layers]]
units = 32
activation = "relu"

[[layers]]
units = 1
activation = "identity"

[loss]
name = "half_squared_error"
over_outputs = "sum"
over_examples = "mean"

[optimizer]
name = "adam"
learning_rate = 0.001

[training]
batch_size = 32
seed = 0
epochs = 1000
tolerance = 1e-5
patience = 30

[data]
file = "houses.csv"
target = "price"
standardize = true
split = 0.2
missing = "mean"
"""


def test_the_file_states_all_that_people_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("houses.csv").write_bytes(HOUSES.read_bytes())
    assert run(["new", "houses.csv", "--target", "price", "--hidden", "64,32"]) == 0
    found, expected = capsys.readouterr().out, FILE
    assert sorted(found.splitlines()) == sorted(expected.splitlines())


@pytest.mark.parametrize(
    ("table", "more"),
    [
        (HOUSES, ["--target", "price"]),
        (HOUSES, ["--target", "price", "--target", "age", "--hidden", "5,4"]),
        (HOUSES, ["--target", "bedrooms"]),
        (HOUSES, ["--target", "bedrooms", "--task", "numbers"]),
        (PENGUINS, ["--target", "species"]),
        (PENGUINS, ["--target", "sex"]),  # 11 rows have none
    ],
)
def test_the_file_and_the_table_give_the_same_bits(
    table: Path, more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "nets").mkdir()
    (tmp_path / "data" / "t.csv").write_bytes(table.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert run(["new", "data/t.csv", *more, "--output", "nets/t.toml"]) == 0
    assert 'file = "../data/t.csv"\n' in Path("nets/t.toml").read_text()
    for net, model in (("nets/t.toml", "a.safetensors"), ("data/t.csv", "b.safetensors")):
        options = more if net.endswith("csv") else []
        assert run(["train", net, *options, "--epochs", "5", "--output", model, "--quiet"]) == 0
    first, second = cp.load("a.safetensors"), cp.load("b.safetensors")
    assert np.array_equal(first.parameters.vector, second.parameters.vector)
    assert first.fitted == second.fitted
    assert first.network == second.network
    assert first.settings == second.settings


def test_only_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "n.toml").write_text("[inputs]\ncount = 1\n")
    with pytest.raises(InvalidArgument, match=r"n\.toml: expected a table \(CSV or Parquet\), found a network file"):
        run_new(str(tmp_path / "n.toml"), target=("y",), task=None, hidden=None, output=None)


@pytest.mark.parametrize("sizes", ["", "0", "64;32", "a", "64,", "-3", "٣"])
def test_sizes_of_hidden_layers(sizes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", str(HOUSES), "--target", "price", "--hidden", sizes]) == 2
    message = f'expected the number of units in each hidden layer, such as 64,32, found "{sizes}"'
    assert message in capsys.readouterr().err
