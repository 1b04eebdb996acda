"""Convert what was fitted on the training rows to JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clearprop.network.data import Column, Fitted


def fitted_as_json(fitted: Fitted) -> dict[str, Any]:
    """Return as JSON: columns in the order of the inputs, targets, classes in the order of the outputs."""
    columns = [
        {"name": each.name, "mean": each.mean, "scale": each.scale, "fill": each.fill}
        if each.categories is None
        else {"name": each.name, "categories": list(each.categories), "fill": each.fill}
        for each in fitted.columns
    ]
    classes = None if fitted.classes is None else list(fitted.classes)
    return {"columns": columns, "targets": list(fitted.targets), "classes": classes}


def read_fitted(table: Mapping[str, Any]) -> Fitted:
    """Return what was fitted, from JSON that may hold anything.

    Raises:
        KeyError, TypeError, ValueError: it cannot be what was fitted.
    """
    columns = tuple(_column(each) for each in _list(table["columns"]))
    targets = tuple(_text(name) for name in _list(table["targets"]))
    names = [column.name for column in columns]
    if len(set(names)) < len(names) or len(set(targets)) < len(targets):
        raise ValueError
    if table["classes"] is None:
        return Fitted(columns, targets)
    classes = tuple(_label(label) for label in _list(table["classes"]))
    # Numbers are searched for, in order.
    if len(classes) < 2 or len(targets) != 1 or classes != tuple(sorted(set(classes))):
        raise ValueError
    return Fitted(columns, targets, classes)


def _column(table: Mapping[str, Any]) -> Column:
    fill = None if table["fill"] is None else _label(table["fill"])
    if "categories" in table:
        categories = tuple(_text(name) for name in _list(table["categories"]))
        if not categories or len(set(categories)) < len(categories) or fill not in (None, *categories):
            raise ValueError
        return Column(_text(table["name"]), categories, fill=fill)
    mean, scale = (_number(table[key]) for key in ("mean", "scale"))
    if scale <= 0 or isinstance(fill, str):
        raise ValueError
    return Column(_text(table["name"]), None, mean, scale, fill)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise ValueError
    return float(value)


def _label(value: Any) -> str | float:
    return value if isinstance(value, str) else _number(value)
