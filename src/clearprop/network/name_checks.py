"""Names of inputs, units and parameters: letters of any script, digits and ``_``.

Every name is kept in Unicode's composed form (NFC), so that the same letters are the same name. Two names that
differ only in how their letters are coded (NFKC makes them equal) count as one name used twice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import filterfalse
from numbers import Integral
from typing import Any

from clearprop.errors import Fault, InvalidArgument
from clearprop.fields import BOOLEANS, shown
from clearprop.messages import abridged
from clearprop.network.notation import NOTATIONS, PENALTY, vocabulary

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
            yield Fault(where, f'the {kind} name "{abridged(spelt[0])}" is used {len(uses)} times; names are unique')
        else:
            alike = " and ".join(f'"{abridged(name)}"' for name in spelt[:2])
            yield Fault(where, f"the {kind} names {alike} are the same letters; names are unique")


def reserved_faults(places: Places, parameters: Iterable[str], units: Iterable[str], outputs: int) -> Iterator[Fault]:
    """Yield a fault for each parameter that is called what a quantity is called, in any notation."""
    if not places:
        return  # default names are never reserved, and a wide network has millions of the others
    reserved, known = _reserved(units, outputs), set(parameters)
    for place, names in places:
        for name in dict.fromkeys(names):
            for notation in NOTATIONS.values():
                old = name.removeprefix(notation.new_prefix).removesuffix(notation.new_suffix)
                if old != name and old in known:
                    reserved[name] = f"the updated {old}"
            if name in reserved:
                yield Fault(place, f'"{name}" is reserved: it is what {reserved[name]} is called; choose another')


def _reserved(units: Iterable[str], outputs: int) -> dict[str, str]:
    """Return the names of quantities, in every notation, each with what it stands for."""
    reserved = {**dict.fromkeys(vocabulary(["total_error"]), "the total error"), PENALTY: "the penalty"}
    named = {"sum": "the weighted sum", "output": "the output", "signal": "the error signal"}
    words = vocabulary(named)
    for unit in units:
        reserved |= {f"{word}_{unit}": f"{named[role]} of {unit}" for word, role in words.items()}
    for word, role in vocabulary(["error", "target"]).items():
        reserved |= {f"{word}_{k}": f"{role} {k}" for k in range(1, outputs + 1)}
    return reserved
