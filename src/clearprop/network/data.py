"""Tables of data: how a network file describes one, and what was fitted on its training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from numbers import Real
from typing import Annotated, Any, Literal, get_args

from clearprop.errors import InvalidArgument
from clearprop.fields import (
    Unexpected,
    accepted,
    at_least_zero,
    boolean,
    check_fields,
    columns,
    either,
    list_of,
    optional,
    share,
    shown,
    string,
    suggests_options,
)
from clearprop.messages import abridged
from clearprop.network.name_checks import as_name

Label = str | float
"""A class, as the table calls it: text or a number."""
Missing = Literal["refuse", "mean", "drop"]
Task = Literal["classes", "numbers"]
"""The kinds of target columns."""


def class_weights(value: Any) -> str | dict[str, float]:
    """Accept ``"balanced"``, or a weight for each of some classes; they are called by text, as in a file."""
    if isinstance(value, Mapping):
        return {
            (name := _class(key)): accepted(at_least_zero, weight, f'"{abridged(name)}"')
            for key, weight in value.items()
        }
    if not (isinstance(value, str) and value == "balanced"):
        raise Unexpected('"balanced", or a table of weights by class')
    return "balanced"


def _class(name: Any) -> str:
    if not isinstance(name, (str, Real)):
        raise InvalidArgument(f"expected classes, text or numbers, found {shown(name)}")
    return shown_label(name if isinstance(name, str) else float(name))


NA = (
    "", "NA", "N/A", "n/a", "na", "n.a.", "N.A.", "#N/A", "#N/A N/A", "#NA", "<NA>", "<na>",
    "NaN", "nan", "-NaN", "-nan", "NAN", "null", "NULL", "Null", "None", "\\N", "?", "-", "--", ".",
)  # fmt: skip
"""Cells that mean a missing value, in columns of numbers and of text alike."""


def marks(value: Any) -> tuple[str, ...]:
    """Accept words that mean a missing value; an empty cell always does."""
    return tuple(dict.fromkeys(("", *(word.strip() for word in list_of(string, "words")(value)))))


def header(value: Any) -> tuple[str, ...]:
    """Accept the names of a table's columns, each once."""
    found = columns(value)
    twice = [name for name in found if found.count(name) > 1]
    if twice or not found:
        raise Unexpected("a name for each column, each once" + (f', not "{abridged(twice[0])}" twice' if twice else ""))
    return found


@suggests_options()
@dataclass(frozen=True)
class Data:
    """A table beside the network file: the ``[data]`` table.

    ``inputs`` are the columns to learn from; by default all that are not named in another field. ``categorical``
    lists inputs that are read as text although they hold numbers. ``split`` is the share of rows set aside
    for validation. ``standardize_target`` does to numeric targets what ``standardize`` does to numeric inputs; by
    default it applies where outputs can be any number. ``missing`` says what to do about empty cells: refuse
    the table, drop their rows, or fill in the column's mean (in a column of text, its most frequent value).

    ``na`` are the words that mean an empty cell, ``decimal`` the sign between a number's whole part and its
    decimals where the cells leave that open, ``names`` the columns of a table whose first line has no names.

    Raises:
        InvalidArgument: an impossible value, naming the field.
    """

    file: Annotated[str, string]
    target: Annotated[tuple[str, ...], columns]
    inputs: Annotated[tuple[str, ...] | None, optional(columns)] = None
    standardize: Annotated[bool, boolean] = False
    split: Annotated[float, share] = 0.2
    missing: Annotated[Missing, either(*get_args(Missing))] = "refuse"
    class_weights: Annotated[Literal["balanced"] | Mapping[str, float] | None, optional(class_weights)] = None
    weight_column: Annotated[str | None, optional(string)] = None
    categorical: Annotated[tuple[str, ...], columns] = ()
    exclude: Annotated[tuple[str, ...], columns] = ()
    na: Annotated[tuple[str, ...], marks] = NA
    decimal: Annotated[Literal[".", ","] | None, optional(either(".", ","))] = None
    names: Annotated[tuple[str, ...] | None, optional(header)] = None
    standardize_target: Annotated[bool | None, optional(boolean)] = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Column:
    """The numbers or categories fitted on one input column.

    A numeric column becomes (value - mean) / scale; a column of categories becomes one input per
    category, 1 for the row's own and 0 otherwise. ``fill`` replaces an empty cell. ``unit`` is the sign
    that all its numbers were written with: a currency's, or ``%``.
    """

    name: str
    categories: tuple[str, ...] | None = None
    mean: float = 0.0
    scale: float = 1.0
    fill: Label | None = None
    unit: str = ""

    @property
    def width(self) -> int:
        """The number of the network's inputs that it feeds."""
        return 1 if self.categories is None else len(self.categories)

    @property
    def features(self) -> list[str]:
        """The name of each of these inputs."""
        return [self.name] if self.categories is None else [f"{self.name}={each}" for each in self.categories]


@dataclass(frozen=True)
class Fitted:
    """The numbers that turn rows of a table into inputs and targets, and outputs into classes.

    ``classes`` are the classes of the one target column, in the order of the outputs; None where
    targets are numbers. Two classes may share one output: it is near 1 for the second of them.
    ``standardized`` has the mean and scale of each target; empty where targets are those of the table.
    ``class_weights`` has how much a row of each class counts; empty where all count the same.
    ``order`` names the columns in the table's order, where that of the network's inputs is another.
    ``target_units`` has the sign that all numbers of a target were written with, for those that had one.
    ``left_out`` are the columns of the table that were not used, and why; a model does not keep them.
    """

    columns: tuple[Column, ...]
    targets: tuple[str, ...]
    classes: tuple[Label, ...] | None = None
    standardized: tuple[Column, ...] = ()
    class_weights: tuple[float, ...] = ()
    order: tuple[str, ...] = ()
    target_units: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def width(self) -> int:
        """The number of inputs that the columns make."""
        return sum(column.width for column in self.columns)

    def fits(self, inputs: int, outputs: int) -> bool:
        """Whether its columns make as many inputs, and its targets take as many outputs."""
        if self.classes is None:
            return self.width == inputs and len(self.targets) == outputs
        return self.width == inputs and (len(self.classes) == outputs or (len(self.classes) == 2 and outputs == 1))

    @property
    def as_inputs(self) -> Fitted:
        """The same with a column of numbers for each input that the columns of categories make."""
        columns = ([each] if each.categories is None else [*map(Column, each.features)] for each in self.columns)
        return replace(self, columns=tuple(chain.from_iterable(columns)), order=())

    def source(self, index: int) -> tuple[Column, str | None]:
        """Return the column behind an input, and the category, where the column has categories."""
        for column in self.columns:
            if index < column.width:
                return column, None if column.categories is None else column.categories[index]
            index -= column.width
        raise IndexError(index)

    def leaves_as_they_are(self, names: Sequence[str]) -> bool:
        """Whether the columns are inputs of these names, with the same numbers."""
        plain = all(each == Column(each.name, fill=each.fill, unit=each.unit) for each in self.columns)
        return plain and [each.name for each in self.columns] == list(names)

    @property
    def in_table(self) -> tuple[str, ...]:
        """The names of the columns, in the order of the table."""
        return self.order or tuple(column.name for column in self.columns)

    @property
    def features(self) -> tuple[str, ...]:
        """The name of each input: a column, or a column and its category."""
        return tuple(feature for column in self.columns for feature in column.features)


def shown_label(label: Label) -> str:
    """Return a class as text: whole numbers without a decimal point.

    >>> shown_label(3.0), shown_label("setosa")
    ('3', 'setosa')
    """
    if isinstance(label, str):
        return label
    return str(int(label)) if float(label).is_integer() else repr(float(label))


def class_names(classes: Sequence[Label]) -> list[str]:
    """Return what outputs are called after classes.

    >>> class_names(["New York", -1.0])
    ['New_York', 'minus_1']
    """
    return [as_name(each if isinstance(each, str) else shown_label(each).replace("-", "minus_")) for each in classes]
