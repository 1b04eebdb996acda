"""Failures: one tree, one exit code for each branch, and messages that a person can act on."""

from __future__ import annotations

import inspect
import re

import pytest

from clearprop import errors
from clearprop.errors import (
    ClearpropError,
    Fault,
    InvalidExpression,
    InvalidNetwork,
    MissingExtra,
    RequestError,
    UnfitTable,
    UnknownName,
    WorkError,
)

ALL = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, ClearpropError)]


def test_the_tree_in_the_documentation_is_the_tree() -> None:
    """Indented by their base classes, with the exit code of each branch."""
    documented: dict[str, str] = {}
    branch = ""
    for depth, name, code in re.findall(r"^    ([│├└─ ]*)(\w+) +(?:\(exit (\d)\))?", str(errors.__doc__), re.MULTILINE):
        documented[name] = branch if len(depth) > 4 else "ClearpropError" if depth else "Exception"
        if code:
            branch = name
            assert getattr(errors, name).exit_code == int(code)
    assert documented == {each.__name__: each.__mro__[1].__name__ for each in ALL}


@pytest.mark.parametrize("kind", ALL)
def test_a_wrong_request_exits_with_2_and_work_that_failed_with_1(kind: type[ClearpropError]) -> None:
    assert issubclass(kind, RequestError | WorkError) or kind is ClearpropError
    assert kind.exit_code == (2 if issubclass(kind, RequestError) else 1)


def test_faults_are_listed_with_their_places() -> None:
    faults = [Fault("layers[1].units", "expected a number"), Fault("", "no loss\nfits")]
    assert str(InvalidNetwork(faults, "net.toml")) == (
        "net.toml has 2 problems:\n  layers[1].units: expected a number\n  no loss\n  fits"
    )
    assert str(InvalidNetwork(faults[:1])) == "the network has 1 problem:\n  layers[1].units: expected a number"


@pytest.mark.parametrize(("given", "counted"), [(3, 0), (10, 0), (11, 0), (12, 1_500)])
def test_of_many_faults_of_a_table_ten_are_listed_and_all_are_counted(given: int, counted: int) -> None:
    error = UnfitTable([Fault(f"row {row}", "empty") for row in range(1, given + 1)], "iris.csv", counted)
    first, *lines = str(error).splitlines()
    assert first == f"iris.csv has {given + counted:,} problems:"
    assert sum(line.endswith(": empty") for line in lines) == min(given, 10)
    assert lines[-1] == (f"  and {given + counted - 10:,} more" if given + counted > 10 else f"  row {given}: empty")


@pytest.mark.parametrize("position", [0, 7, 130])
def test_a_mistake_in_an_expression_is_pointed_at(position: int) -> None:
    """The arrow stands under the character, also in a text that is cut, or has tabs and lines in it."""
    written = "".join(chr(ord("a") + k % 26) for k in range(position)) + "?" + "\tend\n" * 30
    message, shown, arrow = str(InvalidExpression(written, position, "unexpected character")).splitlines()
    assert message == "unexpected character"
    assert shown[arrow.index("^")] == "?"
    assert arrow.strip() == f"^ character {position + 1}"
    assert len(shown) <= 80


def test_names_and_packages_that_are_missing() -> None:
    assert str(UnknownName("loss", "hubr", ["huber"], "loss.name")) == (
        'loss.name: unknown loss "hubr"; did you mean "huber"?'
    )
    assert str(MissingExtra("the widget", "anywidget", "notebook")) == (
        "the widget needs anywidget (extra “notebook”): pip install anywidget"
    )
