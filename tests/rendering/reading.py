"""Reading a page back, without the code that wrote it: its mathematics as numbers, its equations as text."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from typing import NamedTuple

VOID = {"meta", "br", "wbr", "hr", "img", "input", "link", "area", "base", "col", "embed", "source", "track"}
# https://www.w3.org/TR/mathml-core/, section 2.1 and the elements' own sections.
CORE = {
    "math", "mi", "mn", "mo", "ms", "mspace", "mtext", "mrow", "mfrac", "msqrt", "mroot", "mstyle", "merror", "mpadded",
    "mphantom", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mprescripts", "mtable",
    "mtr", "mtd", "semantics", "annotation", "annotation-xml", "maction",
}  # fmt: skip
CORE_ATTRIBUTES = {
    "mo": {"form", "stretchy", "rspace", "lspace", "fence", "separator", "symmetric"},
    "mi": {"mathvariant", "class"},
    "mover": {"accent"},
    "mtable": {"class"},
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "ln": math.log, "log1p": math.log1p, "expm1": math.expm1, "tanh": math.tanh, "erf": math.erf, "max": max,
    "min": min, "logistic": lambda u: 1 / (1 + math.exp(-u)), "softplus": lambda u: math.log(1 + math.exp(u)),
}  # fmt: skip


class Balance(HTMLParser):
    """An HTML parser that keeps what is open; ``seen`` has every tag with its attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, f"<{tag}/> closes nothing in HTML"
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> where {self.open[-3:]} are open"
        self.open.pop()


def read(page: str) -> ET.Element:
    """The page as a tree; it is well-formed XML, and balanced as HTML."""
    parser = Balance()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return ET.fromstring(page.replace("<!DOCTYPE html>", ""))


def classes(element: ET.Element) -> list[str]:
    return element.get("class", "").split()


def words(element: ET.Element, *, but: str | None = None) -> str:
    """The text of an element, its pieces apart; without what is of the class ``but``."""

    def pieces(element: ET.Element) -> Iterator[str]:
        if but is None or but not in classes(element):
            yield element.text or ""
            for child in element:
                yield from pieces(child)
                yield child.tail or ""

    return " ".join(" ".join(pieces(element)).replace("\u2061", "").split())


class Read(NamedTuple):
    """An equation: its left side and its lines as text."""

    left: str
    lines: list[str]
    remarks: list[str]


def equations(page: ET.Element) -> list[Read]:
    """All equations, in their order."""
    found = []
    for element in page.iter("div"):
        if "equation" in classes(element) and "matrices" not in classes(element):
            left, *lines = element
            assert classes(left) == ["left"]
            remarks = [words(span) for line in lines for span in line.iter("span") if "remark" in classes(span)]
            found.append(Read(words(left), [words(line, but="remark") for line in lines], remarks))
    return found


def digits(text: str) -> list[str]:
    """Every number in a text."""
    return re.findall(r"\d+(?:\.\d+)?", text)


# --- mathematics as a number ------------------------------------------------------------------------
# Rows group nothing that a person sees: only parentheses, fractions and the like do.


def value(formula: ET.Element, symbols: Mapping[str, float]) -> float:
    """What a formula is worth; ``symbols`` has the worth of what each markup stands for."""
    reader = Reader(list(flat(formula, symbols)), symbols)
    found = reader.sum()
    assert reader.rest == [], f"not read: {[ET.tostring(element) for element in reader.rest]}"
    return found


def flat(row: ET.Element, symbols: Mapping[str, float]) -> Iterator[ET.Element]:
    """What stands side by side in a row, rows within it opened. What is raised belongs to what stands last
    before it."""
    for element in row:
        element.tail = None
        if ET.tostring(element, encoding="unicode") in symbols:
            yield element
        elif element.tag == "mrow" and element[0].text not in ("(", "|", "{"):
            yield from flat(element, symbols)
        elif element.tag == "msup" and element[0].tag == "mrow":
            *before, last = flat(wrapped(element[0]), symbols)
            yield from before
            raised = ET.Element("msup")
            raised.extend([last, element[1]])
            yield raised
        else:
            yield element


def wrapped(*elements: ET.Element) -> ET.Element:
    row = ET.Element("mrow")
    row.extend(elements)
    return row


class Reader:
    """One row, read from left to right."""

    def __init__(self, row: list[ET.Element], symbols: Mapping[str, float]) -> None:
        self.rest, self.symbols = row, symbols

    def next_is(self, *operators: str) -> bool:
        return bool(self.rest) and self.rest[0].tag == "mo" and self.rest[0].text in operators

    def take(self) -> ET.Element:
        element, *self.rest = self.rest
        return element

    def sum(self) -> float:
        total = self.product()
        while self.next_is("+", "−"):
            sign = 1 if self.take().text == "+" else -1
            total += sign * self.product()
        return total

    def product(self) -> float:
        result = self.signed()
        while self.next_is("⋅", "×"):
            self.take()
            result *= self.signed()
        return result

    def signed(self) -> float:
        if self.next_is("−"):
            self.take()
            return -self.signed()
        element = self.take()
        if element.tag == "mi" and element.text in FUNCTIONS:
            applied = self.take()
            assert (applied.tag, applied.text) == ("mo", "\u2061")
            arguments = self.take()
            power = 1.0
            if arguments.tag == "msup":
                power = value(wrapped(arguments[1]), self.symbols)
                arguments = arguments[0]
            return float(FUNCTIONS[element.text](*bracketed(arguments, self.symbols)) ** power)
        return self.single(element)

    def single(self, element: ET.Element) -> float:
        markup = ET.tostring(element, encoding="unicode")
        if markup in self.symbols:
            return self.symbols[markup]
        match element.tag:
            case "mn":
                return float(element.text or "")
            case "mfrac":
                above, below = (value(wrapped(part), self.symbols) for part in element)
                return above / below
            case "msqrt":
                return math.sqrt(value(element, self.symbols))
            case "msup":
                base, exponent = element[0], value(wrapped(element[1]), self.symbols)
                return math.exp(exponent) if base.text == "e" else float(self.single(base) ** exponent)
            case "msubsup":
                base = ET.Element("msub")
                base.extend(list(element)[:2])
                return float(self.single(base) ** value(wrapped(element[2]), self.symbols))
            case "mrow":
                return self.row(element)
        raise AssertionError(f"not mathematics: {markup}")

    def row(self, element: ET.Element) -> float:
        first, last = element[0], element[-1]
        match first.tag, first.text, last.text:
            case "mo", "(", ")":
                return bracketed(element, self.symbols)[0]
            case "mo", "|", "|":
                return abs(value(inside(element), self.symbols))
            case "mo", "{", _:
                return self.cases(last)
        return value(element, self.symbols)

    def cases(self, table: ET.Element) -> float:
        first, second = table
        then, condition = first
        chosen = then if holds(condition, self.symbols) else second[0]
        return value(chosen, self.symbols)


def inside(element: ET.Element) -> ET.Element:
    return wrapped(*list(element)[1:-1])


def bracketed(element: ET.Element, symbols: Mapping[str, float]) -> list[float]:
    """What stands in parentheses, with commas between."""
    assert (element.tag, element[0].text, element[-1].text) == ("mrow", "(", ")")
    rows: list[list[ET.Element]] = [[]]
    for part in inside(element):
        if part.tag == "mo" and part.text == ",":
            rows.append([])
        else:
            rows[-1].append(part)
    return [value(wrapped(*row), symbols) for row in rows]


def holds(condition: ET.Element, symbols: Mapping[str, float]) -> bool:
    marks = {"<": float.__lt__, "≤": float.__le__, ">": float.__gt__, "≥": float.__ge__}
    parts = [part for part in condition if part.tag != "mtext"]
    at = next(k for k, part in enumerate(parts) if part.tag == "mo" and part.text in marks)
    sides = (value(wrapped(*side), symbols) for side in (parts[:at], parts[at + 1 :]))
    return bool(marks[parts[at].text or ""](*sides))
