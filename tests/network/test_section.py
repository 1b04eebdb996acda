"""Tables of a network file: values are taken once, all faults are collected, and what is left over is reported."""

from __future__ import annotations

from typing import Any

import pytest

from clearprop.errors import Fault
from clearprop.fields import integer, string
from clearprop.network.problem import Settings
from clearprop.network.section import Section


def section(content: dict[str, Any], place: str = "training") -> tuple[Section, list[Fault]]:
    faults: list[Fault] = []
    return Section(content, place, faults), faults


def test_a_value_is_taken_checked_and_a_fault_does_not_stop_the_rest() -> None:
    table, faults = section({"epochs": "many", "name": "xor"})
    assert table.take("epochs", integer(0), 5) == 5
    assert table.take("name", string, "") == "xor"
    assert table.take("seed", integer(0), 7) == 7
    assert list(map(str, faults)) == ['training.epochs: expected a whole number, found "many"']


def test_what_nobody_took_is_reported_with_what_was_meant() -> None:
    table, faults = section({"epochs": 1, "epoch": 2, "\x1b[31m": 3})
    table.take("epochs", integer(0), None)
    table.finish()
    assert str(faults[0]) == 'training.epoch: unknown key "epoch"; did you mean "epochs"?'
    assert faults[1].where.isprintable()
    assert faults[1].message == 'unknown key "�[31m"; known: epochs'


def test_keys_that_are_missing_are_reported_together() -> None:
    table, faults = section({"file": "a.csv"}, "data")
    table.require("file", "target", "other")
    assert list(map(str, faults)) == ["data.target: missing", "data.other: missing"]


def test_places_of_tables_inside_tables() -> None:
    """Lists are counted from 1, as a reader counts them."""
    root, faults = section({"layers": [{"units": 1}, {"units": -1}], "loss": {"name": 3}}, "")
    for table in root.tables("layers"):
        table.take("units", integer(1), None)
    root.table("loss").take("name", string, None)
    root.table("optimizer").finish()
    root.finish()
    assert [fault.where for fault in faults] == ["layers[2].units", "loss.name"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"layers": {"units": 1}}, "layers: expected a list of tables, each under [[layers]], found a table"),
        ({"layers": [1]}, "layers: entry 1: expected a table, found 1"),
    ],
)
def test_what_is_no_list_of_tables_is_refused(content: dict[str, Any], message: str) -> None:
    root, faults = section(content, "")
    assert root.tables("layers") == []
    assert list(map(str, faults)) == [message]


def test_a_description_is_made_of_its_keys() -> None:
    table, faults = section({"epochs": 3, "seed": -1, "shuffel": False})
    assert table.make(Settings) == Settings(epochs=3)
    assert [fault.where for fault in faults] == ["training.seed", "training.shuffel"]
