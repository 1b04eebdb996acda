"""The quantity that a name on a sheet means: as any explanation prints it, and as people type it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from clearprop.checking.latex import without_latex
from clearprop.errors import UnknownName
from clearprop.network import names as q
from clearprop.network.names import Names, Quantity
from clearprop.network.notation import NOTATIONS, in_ascii
from clearprop.propagation.cycle import Cycle

ALIASES = {"net": "sum", "out": "output"}
"""Words that others use for those of the lecture."""

AGAIN = q.Sum, q.Output, q.Error, q.TotalError, q.PenaltyError
"""Quantities that are computed once more with the new weights: new_E_total."""
MOST_CHARACTERS = 1_000
"""The longest name that is looked up: a longer one is none."""
MOST_SIGNALS = 1_000
"""The most units whose error signals are known by loosely typed names."""
_NEW = re.compile(r"new[_ ]?(.+)|(.+?)[ _^(]*(?:\+|new)\)?")
_DERIVATIVE = re.compile(r"[∂dδD](.+?)/[∂dδD]([^,]+)")


def meant(cycle: Cycle, name: str) -> Quantity:
    """Return the quantity of that name in this cycle.

    Raises:
        UnknownName: nothing is called so; suggests what may be meant.

    >>> import clearprop as cp
    >>> cycle = cp.cycle(cp.load("lecture"))
    >>> [cycle.names.text(meant(cycle, name)) for name in ("net_h1", "dE/dw5", "dout_o1/dnet_o1", "w5+")]
    ['sum_h1', '∂E_total/∂w5', '∂output_o1/∂sum_o1', 'new_w5']
    """
    if len(name) > MOST_CHARACTERS:
        raise UnknownName("quantity", name[:MOST_CHARACTERS], [])
    given = " ".join(name.split())
    for spelling in _spellings(given, cycle):
        try:
            return _without_number(cycle, cycle.find(spelling))
        except UnknownName:
            continue
    plain = unicodedata.normalize("NFKC", without_latex(given))
    found = _typed(cycle, plain)
    if found is None and (new := _NEW.fullmatch(plain)) is not None:
        try:
            of = meant(cycle, new[1] or new[2])
        except UnknownName:
            of = None
        if isinstance(of, (*AGAIN, q.Parameter)):
            found = q.Updated(of)
    if found is None:
        raise UnknownName("quantity", given, suggestions(cycle))
    return found


def _typed(cycle: Cycle, name: str) -> Quantity | None:
    """Return the one quantity that is called so but for letters in capitals, spaces and underscores."""
    known = _known(cycle.names)
    if match := _DERIVATIVE.fullmatch(name):
        of, by = (
            q.TotalError() if part in ("E", "e") else known.get(_bare(part)) for part in map(str.strip, match.groups())
        )
        return None if of is None or by is None else q.Derivative(of, by)
    return known.get(_bare(name))


def _bare(name: str) -> str:
    return re.sub(r"[_ ]", "", name).casefold()


@lru_cache(maxsize=2)
def _known(names: Names) -> dict[str, Quantity | None]:
    """Return the quantities by their bare names in all notations; None where several are called so."""
    found: dict[str, Quantity | None] = {}
    network = names.network
    more: list[Quantity] = [q.Target(k) for k in range(network.sizes[-1])]
    sums = [q.Sum(layer, unit) for layer, size in enumerate(network.sizes[1:]) for unit in range(size)]
    for notation in NOTATIONS.values():
        own = Names(network, notation)
        signals = (q.Derivative(q.TotalError(), each) for each in sums[:MOST_SIGNALS] if notation.signal)
        for name in [*own.known(), *map(own.text, (*more, *signals))]:
            quantity, (word, _, rest) = names.find(name), name.partition("_")
            others = (f"{alias}_{rest}" for alias, of in ALIASES.items() if word == of)
            spelt = (name, *others) if name.isascii() else (name, *others, in_ascii(name))
            for bare in map(_bare, spelt):
                found[bare] = quantity if found.get(bare, quantity) == quantity else None
    return found


def _without_number(cycle: Cycle, found: Quantity) -> Quantity:
    """Return a quantity of the one example under its plain name."""
    if isinstance(found, q.OfExample) and cycle.example != "all":
        cycle.row(found.example)
        return found.of
    return found


def _spellings(name: str, cycle: Cycle) -> Iterator[str]:
    """Yield a name as it is, then in the words that an explanation uses."""
    yield name
    plain, comma, example = (name if ", example" in name else name.replace(" ", "")).partition(", example")
    if match := _DERIVATIVE.fullmatch(plain):
        plain = f"∂{_word(match[1], cycle)}/∂{_word(match[2], cycle)}"
    else:
        plain = _word(plain, cycle)
    yield f"{plain}{comma}{example}"


def _word(name: str, cycle: Cycle) -> str:
    if name in ("E", "Etotal", "E_tot"):
        return cycle.names.text(q.TotalError())
    word, _, rest = name.partition("_")
    outputs = cycle.problem.network.unit_names[-1]
    if word in ("E", "L", "target", "t") and rest in outputs:  # the error of o1
        return f"{word}_{outputs.index(rest) + 1}"
    return f"{ALIASES[word]}_{rest}" if word in ALIASES and rest else name


def suggestions(cycle: Cycle) -> list[str]:
    """Return names to suggest: those of values, and of the derivatives that an explanation prints."""
    names, network = cycle.names, cycle.problem.network
    total = q.TotalError()
    found = names.known()
    found += [names.text(q.Derivative(total, q.Parameter(k))) for k in range(min(len(cycle.parameters), 500))]
    for layer, size in enumerate(network.sizes[1:]):
        for unit in range(min(size, 100)):
            output, own = q.Output(layer, unit), q.Sum(layer, unit)
            found += [names.text(each) for each in (q.Derivative(total, output), q.Derivative(output, own))]
            found.append(names.text(q.Derivative(total, own)))
    return found + [name.replace("∂", "d") for name in found if "∂" in name]
