"""What in a document can be linked to: its headings, and the equations that compute a quantity."""

from __future__ import annotations

import re

from clearprop.expressions import Symbol
from clearprop.network.names import Quantity
from clearprop.rendering.document import Document, Equation, Heading, Phrase, View


class Anchors:
    """Ids by the position of a block in its document, each once; all of them begin with ``prefix``.

    A quantity is computed in the last equation of a section that has it on its left, unless that
    equation says that it was computed before.
    """

    def __init__(self, document: Document, view: View, prefix: str = "") -> None:
        self.document, self.prefix = document, prefix
        self.ids: dict[int, str] = {}
        self._used: set[str] = set()
        self._count: dict[str, int] = {}
        self._section: list[int] = []
        self._within: dict[tuple[int, Quantity], int] = {}
        self._first: dict[Quantity, int] = {}
        section = 0
        for position, block in enumerate(document):
            if isinstance(block, Heading):
                section = position
                self.ids[position] = self._id(block.text)
            self._section.append(section)
            quantity = left_quantity(block) if isinstance(block, Equation) else None
            if quantity is not None:
                self._within[section, quantity] = position
                if self._source(position) is None:
                    self._first.setdefault(quantity, section)
        for (_, quantity), position in self._within.items():
            if self._source(position) is None:
                self.ids[position] = self._id(view.names.text(quantity))

    def computed(self, quantity: Quantity, seen_from: int) -> str | None:
        """The id of the equation that computes a quantity which the block at that position speaks of: the one
        in its own section, else the first; None if that is the block itself, or there is none."""
        position = self._within.get((self._section[seen_from], quantity))
        source = None if position is None else self._source(position)
        if position is None or source is not None:
            quantity = quantity if source is None else source
            section = self._first.get(quantity)
            position = None if section is None else self._within[section, quantity]
        return None if position is None or position == seen_from else self.ids.get(position)

    def _source(self, position: int) -> Quantity | None:
        block = self.document[position]
        return block.lines[-1].source if isinstance(block, Equation) and block.lines else None

    def _id(self, text: str) -> str:
        """Letters, digits and a few signs of the text, and a number if it is not the first of its kind."""
        plain = text.replace("∂", "d").replace("⁺", "-new").replace("δ", "delta")
        slug = found = re.sub(r"[^A-Za-z0-9_.]+", "-", plain)[:60].strip("-") or "part"
        while found in self._used:
            self._count[slug] = self._count.get(slug, 1) + 1
            found = f"{slug}-{self._count[slug]}"
        self._used.add(found)
        return self.prefix + found


def left_quantity(equation: Equation) -> Quantity | None:
    """The quantity on the left of an equation; None where that is words or a formula."""
    left = equation.left
    if not isinstance(left, Symbol) or isinstance(left.key, str | Phrase):
        return None
    return left.key  # type: ignore[return-value]
