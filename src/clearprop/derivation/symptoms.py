"""Signs that training goes wrong: from which numbers on they are reported, and in which words.

The explorer's page looks for them in every cycle that it shows.
"""

from __future__ import annotations

from collections.abc import Mapping

THRESHOLDS: Mapping[str, float] = {
    "saturated": 0.01,  # a slope below this share of the activation's steepest one
    "explodes": 10.0,  # a loss above this multiple of an earlier one
    "smallest": 1e-9,  # earlier losses below this count as this
    "shown": 4,  # units reported one by one; further ones are counted
}

SYMPTOMS: Mapping[str, str] = {
    "explodes": (
        "{error} explodes: it was {first} and is {last} after {cycles}. "
        "The learning rate of {rate} is too large; try a smaller one."
    ),
    "overshoots": (
        "The next update increases {error} from {before} to {after}: the learning rate of {rate} is too large here."
    ),
    "dead": (
        "{unit} is dead: the slope of {activation} is 0 {where}, "
        "so no error flows back through it and the weights into it do not change."
    ),
    "saturated": (
        "{unit} is saturated: at {sum} = {value} the slope of {activation} is {slope}, "
        "so hardly any error flows back through it."
    ),
    "more": "… and {count} more units like these.",
}
