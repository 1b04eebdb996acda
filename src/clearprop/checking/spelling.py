"""The quantity that a name on a sheet means: as any explanation prints it, and as people type it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from clearprop.errors import UnknownName
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle

ALIASES = {"net": "sum", "out": "output"}
"""Words that others use for those of the lecture."""

AGAIN = q.Sum, q.Output, q.Error, q.TotalError, q.PenaltyError
"""What is computed once more with the new weights: new_E_total."""
_NEW = re.compile(r"new_(.+)|(.+)[+⁺]")
_DERIVATIVE = re.compile(r"[∂dδ](.+?)/[∂dδ]([^,]+)")


def meant(cycle: Cycle, name: str) -> Quantity:
    """Return the quantity of that name in this cycle.

    Raises:
        UnknownName: nothing is called so; suggests what may be meant.

    >>> import clearprop as cp
    >>> cycle = cp.cycle(cp.load("lecture"))
    >>> [cycle.names.text(meant(cycle, name)) for name in ("net_h1", "dE/dw5", "dout_o1/dnet_o1", "w5+")]
    ['sum_h1', '∂E_total/∂w5', '∂output_o1/∂sum_o1', 'new_w5']
    """
    given = " ".join(name.split())
    for spelling in _spellings(given, cycle):
        try:
            return _without_number(cycle, cycle.find(spelling))
        except UnknownName:
            continue
    if (new := _NEW.fullmatch(given)) is not None:
        try:
            found = meant(cycle, new[1] or new[2])
        except UnknownName:
            found = None
        if isinstance(found, AGAIN):
            return q.Updated(found)
    raise UnknownName("quantity", given, suggestions(cycle))


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
