"""Convert what was fitted on the training rows to JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clearprop.errors import InvalidArgument
from clearprop.fields import Unexpected, at_least_zero, list_of, number, string
from clearprop.fields import names as names_of
from clearprop.network.data import Column, Fitted

UNFIT = (KeyError, TypeError, ValueError, Unexpected, InvalidArgument)
"""The errors for JSON that cannot be what was fitted."""


def fitted_as_json(fitted: Fitted) -> dict[str, Any]:
    """Return as JSON: columns in the order of the inputs, targets, classes in the order of the outputs."""
    columns = [
        {"name": each.name, "mean": each.mean, "scale": each.scale, "fill": each.fill}
        | ({"unit": each.unit} if each.unit else {})
        if each.categories is None
        else {"name": each.name, "categories": list(each.categories), "fill": each.fill}
        for each in fitted.columns
    ]
    classes = None if fitted.classes is None else list(fitted.classes)
    standardized = [{"mean": each.mean, "scale": each.scale} for each in fitted.standardized]
    content: dict[str, Any] = {"columns": columns, "targets": list(fitted.targets), "classes": classes}
    if fitted.order:
        content["order"] = list(fitted.order)
    if fitted.class_weights:
        content["class_weights"] = list(fitted.class_weights)
    if fitted.target_units:
        content["target_units"] = dict(fitted.target_units)
    return {**content, "standardized_targets": standardized} if standardized else content


def read_fitted(table: Mapping[str, Any]) -> Fitted:
    """Return what was fitted, from JSON that may hold anything; it fails with one of ``UNFIT``."""
    columns = tuple(list_of(_column, "columns")(table["columns"]))
    targets = tuple(names_of(table["targets"]))
    names = [column.name for column in columns]
    if len(set(names)) < len(names) or len(set(targets)) < len(targets):
        raise ValueError
    order = tuple(names_of(table.get("order", [])))
    if order and sorted(order) != sorted(names):
        raise ValueError
    units = tuple((string(name), string(unit)) for name, unit in dict(table.get("target_units", {})).items())
    if not {name for name, _ in units} <= {*targets}:
        raise ValueError
    if table["classes"] is None:
        standardized = _standardized(table.get("standardized_targets", []), targets)
        return Fitted(columns, targets, None, standardized, order=order, target_units=units)
    classes = tuple(list_of(_label, "classes")(table["classes"]))
    if len(classes) < 2 or len(targets) != 1 or len({*map(type, classes)}) > 1 or len({*classes}) < len(classes):
        raise ValueError
    weights = tuple(list_of(at_least_zero, "weights")(table.get("class_weights", [])))
    if len(weights) not in (0, len(classes)):
        raise ValueError
    return Fitted(columns, targets, classes, class_weights=weights, order=order, target_units=units)


def _standardized(tables: Any, targets: tuple[str, ...]) -> tuple[Column, ...]:
    """Return the mean and scale of each target; none in the models of an earlier format."""
    found = [_column({"fill": None, **each, "name": name}) for name, each in zip(targets, tables, strict=bool(tables))]
    if any(each.categories is not None for each in found):
        raise ValueError
    return tuple(found)


def _column(table: Mapping[str, Any]) -> Column:
    fill = None if table["fill"] is None else _label(table["fill"])
    if "categories" in table:
        categories = tuple(names_of(table["categories"]))
        if not categories or len(set(categories)) < len(categories) or fill not in (None, *categories):
            raise ValueError
        return Column(string(table["name"]), categories, fill=fill)
    mean, scale = (number(table[key]) for key in ("mean", "scale"))
    if scale <= 0 or isinstance(fill, str):
        raise ValueError
    return Column(string(table["name"]), None, mean, scale, fill, string(table.get("unit", "")))


def _label(value: Any) -> str | float:
    return value if isinstance(value, str) else number(value)
