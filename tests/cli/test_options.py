"""Options that set a field are refused in the words of a network file."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from tests.support import command

from clearprop.cli.options import Field
from clearprop.errors import InvalidArgument
from clearprop.network.problem import Settings


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [("epochs", "12", 12), ("tolerance", "1e-3", 0.001), ("learning_rate", "0.5", 0.5), ("batch_size", "32", 32)],
)
def test_numbers_have_the_type_of_the_field(field: str, given: str, value: float) -> None:
    found = Field(field).convert(given, None, None)
    assert (found, type(found)) == (value, type(value))


WRONG = [("epochs", "-1"), ("epochs", "1.5"), ("seed", "x"), ("tolerance", "-1"), ("tolerance", "nan")]


@pytest.mark.parametrize(("field", "given"), WRONG)
def test_an_option_and_python_refuse_a_value_in_the_same_words(field: str, given: str) -> None:
    assert field in {each.name for each in fields(Settings)}
    number: Any = given if given == "x" else float(given) if "." in given or given == "nan" else int(given)
    with pytest.raises(click.BadParameter) as option:
        Field(field).convert(given, None, None)
    with pytest.raises(InvalidArgument) as python:
        Settings(**{field: number})
    assert str(python.value) == f"{field}: {option.value.message}"


def test_a_user_is_told_the_option_and_what_was_expected(tmp_path: Path) -> None:
    done = command("train", "lecture", "--epochs", "-3", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("clearprop: ")
    assert "--epochs" in done.stderr
    assert "expected a whole number of at least 0, found -3" in done.stderr
    assert done.stderr.count("\n") == 1
