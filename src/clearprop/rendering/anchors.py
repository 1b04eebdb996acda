"""Targets of links in a document: its headings, and the equations that compute a quantity."""

from __future__ import annotations

import re
from collections.abc import Hashable

from clearprop.expressions import Symbol
from clearprop.network import names as q
from clearprop.network.notation import in_ascii
from clearprop.rendering.document import Document, Equation, Heading, Phrase, View


class Anchors:
    """Unique ids of blocks, by their position in the document; each begins with ``prefix``.

    A quantity is computed in the last equation of a section that has it on its left, unless that
    equation says that it was computed before.
    """

    def __init__(self, document: Document, view: View, prefix: str = "") -> None:
        self.document, self.prefix = document, prefix
        self.ids: dict[int, str] = {}
        self._used: set[str] = set()
        self._count: dict[str, int] = {}
        self._section: list[int] = []
        self._within: dict[tuple[int, Hashable], int] = {}
        self._again: dict[tuple[int | None, Hashable], Hashable] = {}
        self._first: dict[Hashable, int] = {}
        section = 0
        for position, block in enumerate(document):
            if isinstance(block, Heading):
                section = position
                self.ids[position] = self._id(block.text)
            self._section.append(section)
            quantity = left_quantity(block) if isinstance(block, Equation) else None
            if isinstance(block, Equation) and quantity is not None:
                source = block.lines[-1].source if block.lines else None
                if source is not None:
                    self._again[section, quantity] = source
                    self._again.setdefault((None, quantity), source)
                    continue
                self._within[section, quantity] = position
                self._first.setdefault(quantity, section)
        for (_, quantity), position in self._within.items():
            self.ids[position] = self._id(view.name(quantity))

    def computed(self, quantity: Hashable, seen_from: int) -> str | None:
        """Return the id of the equation that computes a quantity named by the block at that position: the one in
        the same section, else the first; None if that is the block itself, or there is none."""
        section = self._section[seen_from]
        if (section, quantity) not in self._within:
            anywhere = quantity if quantity in self._first else self._again.get((None, quantity), quantity)
            quantity = self._again.get((section, quantity), anywhere)
            section = self._first.get(quantity, -1)
        position = self._within.get((section, quantity))
        return None if position is None or position == seen_from else self.ids[position]

    def of_chunk(self, key: Hashable, seen_from: int, *, alone: bool) -> str | None:
        """Return the id of the equation that computes a factor, or the output of a unit if that is the whole line."""
        chained = isinstance(key, q.Derivative | q.Error | q.PenaltyError | Phrase)
        linked = chained or (alone and isinstance(key, q.Output | q.Sum))
        return self.computed(key, seen_from) if linked else None

    def _id(self, text: str) -> str:
        """Return the letters, digits and a few signs of the text, with a number if that id is taken."""
        plain = re.sub(r"[^\w.∂]+", "-", text.replace("⁺", "-new"))
        slug = found = in_ascii(plain)[:60].strip("-") or "part"
        while found in self._used:
            self._count[slug] = self._count.get(slug, 1) + 1
            found = f"{slug}-{self._count[slug]}"
        self._used.add(found)
        return self.prefix + found


def left_quantity(equation: Equation) -> Hashable:
    """Return the quantity on the left of an equation, or None if that is plain words or a formula."""
    left = equation.left
    return None if not isinstance(left, Symbol) or isinstance(left.key, str) else left.key
