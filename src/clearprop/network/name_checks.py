"""Names of inputs, units and parameters: letters of any script, digits and ``_``.

Every name is kept in Unicode's composed form (NFC), so that the same letters are the same name. Two names that
differ only in how their letters are coded (NFKC makes them equal) count as one name used twice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count, filterfalse
from numbers import Integral
from typing import Any

from clearprop.errors import Fault, InvalidArgument
from clearprop.fields import BOOLEANS, shown
from clearprop.messages import abridged
from clearprop.network.notation import NOTATIONS, PENALTY, STATE_WORDS, vocabulary

LONGEST = 200
INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that show nothing."""

Places = list[tuple[str, tuple[str, ...]]]
"""Names, each list with its place in the network file."""


def count_or_names(given: Any, what: str) -> int | tuple[str, ...]:
    """Return a whole number of any type as it is, names as a tuple in composed form."""
    if isinstance(given, Sequence) and not isinstance(given, (str, bytes)):
        return names_of(given, what)
    if isinstance(given, BOOLEANS) or not isinstance(given, Integral):
        raise InvalidArgument(f"{what}: expected a whole number or a list of names, found {shown(given)}")
    return int(given)


def names_of(given: Any, what: str) -> tuple[str, ...]:
    """Return names as a tuple in composed form."""
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise InvalidArgument(f"{what}: expected a list of names, found {shown(given)}")
    names = tuple(given)
    for name in names:
        if not isinstance(name, str):
            raise InvalidArgument(f"{what}: expected names as text, found {shown(name)}")
    return tuple(map(composed, names))


def composed(name: str) -> str:
    """Return a name in Unicode's composed form, as it is kept and compared.

    >>> len("u\\u0308"), len(composed("u\\u0308"))
    (2, 1)
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def as_name(text: str) -> str:
    """Return any text as a name: whatever is no letter or digit becomes ``_``.

    >>> as_name("Größe (cm)"), as_name("重み"), as_name("%")
    ('Größe_cm', '重み', 'x')
    """
    parts = "".join(c if _fits(c) else " " for c in composed(text)).split()
    name = "_".join(parts).strip("_")[:150]
    while name and _is_mark(name[0]):
        name = name[1:]
    return name or "x"


def is_name(name: str) -> bool:
    """Return whether a text is a name."""
    if name.isascii():
        return re.fullmatch(r"\w{1,200}", name) is not None
    return len(name) <= LONGEST and all(map(_fits, name)) and not _is_mark(name[0])


def _fits(character: str) -> bool:
    category = unicodedata.category(character)
    letter = category[0] == "L" or category == "Nd" or character == "_" or _is_mark(character)
    return letter and not INVISIBLE.match(character)


def _is_mark(character: str) -> bool:
    """Return whether it changes the letter before it, as vowel signs do in many scripts."""
    return unicodedata.category(character) in ("Mn", "Mc")


def form_faults(places: Places) -> Iterator[Fault]:
    """Yield a fault for each text that is no name."""
    expected = f"expected 1 to {LONGEST} letters (of any script), digits and _"
    for place, names in places:
        for name in filterfalse(is_name, names):
            yield Fault(place, f'"{abridged(name)}" is not a name: {expected}')


def duplicate_faults(kind: str, places: Places, defaults: Iterable[str]) -> Iterator[Fault]:
    """Yield a fault for each name that is used twice; ``defaults`` are names that nobody gave."""
    found: dict[str, list[tuple[str, str]]] = {}
    for place, names in places:
        for name in names:
            found.setdefault(unicodedata.normalize("NFKC", name), []).append((place, name))
    if found:
        for name in defaults:
            key = unicodedata.normalize("NFKC", name)
            if key in found:
                found[key].append(("a default name", name))
    for uses in found.values():
        if len(uses) == 1:
            continue
        where = ", ".join(dict.fromkeys(place for place, _ in uses))
        spelt = list(dict.fromkeys(name for _, name in uses))
        if len(spelt) == 1:
            yield Fault(
                where, f'the {kind} name "{abridged(spelt[0])}" is used {len(uses)} times; names must be unique'
            )
        else:
            alike = " and ".join(f'"{abridged(name)}"' for name in spelt[:2])
            yield Fault(where, f"the {kind} names {alike} are the same letters; names must be unique")


class Meanings:
    """The names of quantities, in every notation: what else is called so.

    - ``units``, ``parameters``: the names of all units, and whether a parameter is called so.
    - ``outputs``: the number of outputs.
    """

    def __init__(self, units: Iterable[str], is_parameter: Callable[[str], bool], outputs: int) -> None:
        self.units, self.is_parameter, self.outputs = frozenset(units), is_parameter, outputs
        self.of_units, self.of_outputs = vocabulary(KINDS), vocabulary(["error", "target"])
        self.single = {PENALTY: "the penalty"}
        for field in ("total_error", "learning_rate"):
            self.single |= dict.fromkeys(vocabulary([field]), f"the {field.replace('_', ' ')}")

    def __getitem__(self, name: str) -> str | None:
        """Return what quantity has that name, or None."""
        if name in self.single:
            return self.single[name]
        for notation in NOTATIONS.values():
            old = name.removeprefix(notation.new_prefix).removesuffix(notation.new_suffix)
            if old != name and self.is_parameter(old):
                return f"the updated {old}"
        for place, character in enumerate(name):
            word, rest = name[:place], name[place + 1 :]
            if character != "_" or not rest:
                continue
            if word in self.of_units and rest in self.units:
                return f"the {KINDS[self.of_units[word]]} of {rest}"
            if word in self.of_outputs and rest.isdecimal() and rest[0] != "0" and int(rest) <= self.outputs:
                return f"{self.of_outputs[word]} {rest}"
            if word in STATES and self.is_parameter(rest):
                return f"what an optimizer keeps for {rest}"
        return None

    def of_input(self, name: str) -> str | None:
        """Return what else has the name of an input: a parameter, or another quantity."""
        return "a weight or bias" if self.is_parameter(name) else self[name]


KINDS = {"sum": "weighted sum", "output": "output", "signal": "error signal"}
STATES = {"m", "v", "s", "m_hat", "v_hat", "clipped", *STATE_WORDS.values()}


def reserved_faults(places: Places, meaning: Callable[[str], str | None]) -> Iterator[Fault]:
    """Yield a fault for each name that means something else, in any notation."""
    for place, names in places:
        for name in dict.fromkeys(names):
            if other := meaning(name):
                yield Fault(place, f'"{name}" is reserved: it is what {other} is called; choose another', name)


def free_name(name: str, taken: Callable[[str], object]) -> str:
    """Return the name, with a number if it is taken.

    >>> free_name("L", {"L", "L_2"}.__contains__)
    'L_3'
    """
    numbered = chain([name], (f"{name}_{number}" for number in count(2)))
    return next(each for each in numbered if not taken(each))
