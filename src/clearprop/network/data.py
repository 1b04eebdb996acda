"""Tables of data: what a network file asks of one, and what was fitted on its training rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Label = str | float
"""A class, as the table calls it: text or a number."""


@dataclass(frozen=True)
class Data:
    """A table beside the network file: the ``[data]`` table.

    ``inputs`` are the columns to learn from, all but the others named here unless given;
    ``categorical`` those of them to be read as text though they hold numbers. ``split`` is the
    share of rows set aside for validation. ``missing`` says what to do about empty cells:
    refuse the table, drop their rows, or put in the column's mean (in a column of text, its most
    frequent value).
    """

    file: str
    target: tuple[str, ...]
    inputs: tuple[str, ...] | None = None
    standardize: bool = False
    split: float = 0.2
    missing: Literal["refuse", "mean", "drop"] = "refuse"
    class_weights: Literal["balanced"] | Mapping[str, float] | None = None
    weight_column: str | None = None
    categorical: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """What was fitted on one input column.

    A numeric column becomes (value - mean) / scale, one of categories an input for each of
    them, 1 where it is the one and 0 elsewhere. ``fill`` takes the place of an empty cell.
    """

    name: str
    categories: tuple[str, ...] | None = None
    mean: float = 0.0
    scale: float = 1.0
    fill: Label | None = None

    @property
    def width(self) -> int:
        """How many inputs of the network it feeds."""
        return 1 if self.categories is None else len(self.categories)


@dataclass(frozen=True)
class Fitted:
    """What turns rows of a table into inputs and targets, and outputs into classes.

    ``classes`` are the classes of the one target column, in the order of the outputs; None where
    targets are numbers. Two classes may share one output: it is near 1 for the second of them.
    """

    columns: tuple[Column, ...]
    targets: tuple[str, ...]
    classes: tuple[Label, ...] | None = None

    @property
    def width(self) -> int:
        """How many inputs the columns make."""
        return sum(column.width for column in self.columns)

    def source(self, index: int) -> tuple[Column, str | None]:
        """The column behind an input, and the category of it, if it has any."""
        for column in self.columns:
            if index < column.width:
                return column, None if column.categories is None else column.categories[index]
            index -= column.width
        raise IndexError(index)

    @property
    def features(self) -> tuple[str, ...]:
        """What each input is: a column, or a category of one."""
        return tuple(
            name
            for column in self.columns
            for name in (
                (column.name,)
                if column.categories is None
                else tuple(f"{column.name}={category}" for category in column.categories)
            )
        )


def shown_label(label: Label) -> str:
    """A class as text: whole numbers without their point.

    >>> shown_label(3.0), shown_label("setosa")
    ('3', 'setosa')
    """
    if isinstance(label, str):
        return label
    return str(int(label)) if float(label).is_integer() else repr(float(label))
