"""The words of derivations. Each sentence stands here once: documents and the explorer's page both read it."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    # where a value comes from
    "input": "given, an input of the example",
    "target": "given, a target of the example",
    "example_weight": "given, the weight of the example",
    "column": "given, column {column} of the table",
    "category": '1 if {column} is "{category}", else 0',
    "standardized": "{column}, standardized",
    "own_unit": "the output in the unit of the table",
    "penalty": "over weights, not biases",
    "precision": "computed from {sum} to avoid loss of precision",
    "over_examples": "{reduction} over the examples",
    "weighted_examples": "{reduction} over the examples, each error times its example's weight",
    # local derivatives
    "fused": "{loss} after {activation}: factors cancel",
    "whole": "the targets add up to 1",
    "independent": "{error} does not depend on {other}",
    "zero": "because {causes}",
    "mean": "mean",
    "kept": "dropout: kept and scaled",
    "dropped": "dropout: dropped",
    "known": "already computed",
    "known_for": "already computed for {quantity}",
    "on_request": "ask for the first factor by name to derive it",
    "each_on_request": 'to derive a factor, ask for its name followed by "{place}"',
    "frozen": "unchanged: not trained",
    # the update
    "rate": "given, the learning rate",
    "scheduled": "schedule {schedule}",
    "scheduled_by_epoch": "schedule {schedule}; the first epoch is 0",
    "watched": "{base}, as far as the schedule {schedule} has lowered it",
    "constant": "given",
    "state": "carried over from the step before; 0 at the start",
    # sums
    "path": "path {number}",
    "more": "… ({count} more)",
    "smaller": "… ({count} smaller)",
    "of_example": ", example {number}",
    "of_weighted_example": ", example {number}, weight {weight}",
    "more_examples": "… and {count} more examples, computed in the same way.",
}


def words(key: str, **parts: object) -> str:
    """Return the sentence of that name with its parts filled in.

    >>> words("path", number=2)
    'path 2'
    """
    return WORDS[key].format(**parts)
