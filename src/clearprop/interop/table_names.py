"""How the columns, categories and classes of the table behind a network are called: written beside the network into
files of other frameworks, which have no place for it and leave it unread."""

from __future__ import annotations

import json
from dataclasses import replace

from clearprop.interop.archive import parsed
from clearprop.interop.problem import damaged
from clearprop.models.preprocessing import UNFIT, fitted_as_json, read_fitted
from clearprop.network.data import Column, Fitted
from clearprop.network.problem import Problem

KEY, PART = "clearprop", "clearprop.json"
"""The name under which ONNX has it among its metadata, and the part of an archive."""
MOST = 64 * 2**20
WHAT = "its list of column and class names"


def names_as_text(problem: Problem) -> str | None:
    """Return the names as JSON; None for a network that no table was read for. What scales columns and targets is not
    among it: the layers that are written take and give the table's own numbers."""
    if problem.fitted is None:
        return None
    return json.dumps(fitted_as_json(unscaled(problem.fitted)), sort_keys=True)


def unscaled(fitted: Fitted) -> Fitted:
    """Return what was fitted for a network whose layers scale columns and targets themselves."""
    columns = tuple(
        each if each.categories is not None else Column(each.name, fill=each.fill, unit=each.unit)
        for each in fitted.columns
    )
    return replace(fitted, columns=columns, standardized=(), class_weights=())


def read_names(text: str | bytes, shown: str) -> Fitted:
    """Return the names that a file has.

    Raises:
        DamagedModel: they are none.
    """
    content = parsed(text, shown, WHAT)
    try:
        return unscaled(read_fitted(content))
    except (*UNFIT, AttributeError, OverflowError):
        raise damaged(shown, f"{WHAT} is not valid") from None
