"""A large table takes at most one and a half times its numbers in float32, from reading to the end of training."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.network import blocks
from clearprop.tables import csv_file, prepare, storage
from clearprop.tables.table import TableNotice

COLUMNS, ROWS = 31, (2_100, 5_100)

NETWORK = """
layers = [{ units = 4, activation = "relu" }, { units = 1 }]
data = { file = "t.csv", target = "y", standardize = true, missing = "mean" }
training = { batch_size = 64, epochs = 1 }
"""


def written(folder: Path, rows: int, words: int = 0) -> Path:
    """A network file and its table, some columns hold words, and every column lacks a few values."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    lines = []
    for number in range(300):
        cells = [f"{value:.5f}" for value in rng.normal(size=COLUMNS - words)]
        if words and number < len(cells) - 1:
            cells[number] = ""
        lines.append(",".join([*rng.choice(["red", "green", "blue"], words), *cells]) + "\n")
    names = [*(f"c{place}" for place in range(COLUMNS - 1)), "y"]
    (folder / "t.csv").write_text(",".join(names) + "\n" + "".join(lines) * (rows // 300))
    (folder / "n.toml").write_text(NETWORK)
    return folder / "n.toml"


def peak(work: Callable[[], Any]) -> int:
    """The most bytes that were in use at once while it ran."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts as small, beside such tables, as they are beside one of a million rows."""
    for module, name, value in (
        (csv_file, "BLOCK", 256),
        (storage, "MOST", 2**17),
        (blocks, "BLOCK", 256),
        (prepare, "PLENTY", 2**15),
    ):
        monkeypatch.setattr(module, name, value)


def a_row(work: Callable[[Path], Any], folder: Path, words: int) -> tuple[float, int]:
    """The bytes that each row takes at most, and its numbers in the network."""
    nets = [written(folder / f"{rows}", rows, words) for rows in ROWS]
    work(nets[0])  # imports and compiles
    few, many = (peak(lambda net=net: work(net)) for net in nets)  # type: ignore[misc]
    return (many - few) / (ROWS[1] - ROWS[0]), COLUMNS + 2 * words


def trained(net: Path) -> None:
    fit = cp.train(cp.load(net))
    assert fit.metrics("validation") is not None


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("words", [0, 4])
def test_a_file_is_read_and_learnt_from(tmp_path: Path, words: int) -> None:
    found, numbers = a_row(trained, tmp_path, words)
    assert 4 * numbers < found < 1.5 * 4 * numbers


@pytest.mark.usefixtures("bounded")
def test_columns_that_all_stay_in_memory_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MOST", 2**40)
    found, numbers = a_row(cp.load, tmp_path, 0)
    assert found > 1.5 * 4 * numbers


def test_many_inputs_are_those_of_few_in_the_precision_of_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = written(tmp_path, 300, 2)
    plain = cp.load(net)
    again = {dtype: cp.train(plain, dtype=dtype).problem.parameters for dtype in ("float32", "float64")}
    monkeypatch.setattr(prepare, "PLENTY", 100)
    many = cp.load(net)
    assert plain.examples is not None
    assert many.examples is not None
    assert many.examples.inputs.dtype == np.float32
    np.testing.assert_array_equal(many.examples.inputs, plain.examples.inputs.astype(np.float32))
    np.testing.assert_array_equal(many.examples.targets, plain.examples.targets)
    assert cp.train(many).problem.parameters == again["float32"]
    with pytest.warns(TableNotice, match=r'was read in float32; set dtype = "float64" under \[training\]'):
        cp.train(many, dtype="float64")
    net.write_text(net.read_text().replace("epochs", 'dtype = "float64", epochs'))
    precise = cp.load(net)
    assert precise.examples == plain.examples
    assert cp.train(precise).problem.parameters == again["float64"]
