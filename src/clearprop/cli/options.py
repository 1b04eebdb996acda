"""Options of the command line that set a field of a description, refused in the field's own words."""

from __future__ import annotations

import csv
from contextlib import suppress
from typing import Any

import click


class Field(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """A number for a field of ``Settings`` or ``Optimizer``."""

    name = "number"

    def __init__(self, field: str) -> None:
        self.field = field

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value as the field's check returns it, or fail with what the check expected."""
        # Imported once there is such an option: showing help takes no time.
        from clearprop.errors import InvalidArgument
        from clearprop.fields import accepted, checks
        from clearprop.network.problem import Settings
        from clearprop.rules.optimizers import hyperparameter_check

        known = checks(Settings)
        try:
            return accepted(known.get(self.field) or hyperparameter_check(self.field), _number(value))
        except InvalidArgument as error:
            self.fail(str(error), param, ctx)


class Whole(click.ParamType):  # type: ignore[type-arg]
    """A whole number within bounds."""

    name = "number"

    def __init__(self, least: int, most: int | None = None) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or fail with what was expected."""
        from clearprop.errors import InvalidArgument
        from clearprop.fields import MOST, accepted, integer

        try:
            return accepted(integer(self.least, MOST if self.most is None else self.most), _number(value))
        except InvalidArgument as error:
            self.fail(str(error), param, ctx)


class Sizes(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """The sizes of hidden layers: ``64,32``."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the sizes as a tuple."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in value.split(",")]
        if not all(part.isascii() and part.isdecimal() and 0 < int(part) <= 1_000_000 for part in parts):
            self.fail(f'expected the number of units in each hidden layer, such as 64,32, found "{value}"', param, ctx)
        return tuple(map(int, parts))


class Cells(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """The cells of a row, as a table has them: ``a,b,"c, d"``."""

    name = "cells"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the cells as a tuple."""
        if isinstance(value, tuple):
            return value
        cells = [cell.strip() for row in csv.reader([value], skipinitialspace=True) for cell in row]
        if not any(cells):
            self.fail(f'expected a name for each column, such as size,kind, found "{value}"', param, ctx)
        return tuple(cells)


def _number(text: Any) -> Any:
    """Return the number that a text is, or else the text."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text
