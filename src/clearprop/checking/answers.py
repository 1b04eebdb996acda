"""Answers: a sheet, or those of a class, from a file, standard input or Python.

What is read is names and text. A name must be known; a text may be anything, and counts as wrong where it is no
number: one student's slip never refuses a class.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clearprop.checking.spelling import MOST_CHARACTERS, meant, suggestions
from clearprop.checking.written import written
from clearprop.errors import InvalidArgument, UnknownName, UnreadableFile
from clearprop.fields import shown
from clearprop.messages import abridged, reason, unknown
from clearprop.network.names import Quantity
from clearprop.propagation.cycle import Cycle
from clearprop.tables.foreign import foreign

MOST_BYTES = 64 * 2**20
"""The largest file of answers."""
MOST_FAULTS = 10
"""The most faults of a file that are reported."""
SEPARATORS = ",;\t"
EQUALS = "=≈≅"
_EQUALS = re.compile(f"[{EQUALS}]")
_EXCELS_LINE = re.compile(r"\s*sep=[,;\t]\s*\n", re.IGNORECASE)
_DIGITS = re.compile(r"\s*\d+(?:[eE][-+]?\d+)?\s*")
_STATEMENTS = re.compile(r"[;,]\s+(?![^(]*\))|;")


@dataclass(frozen=True)
class Answers:
    """The content of sheets: the quantities asked, and of each sheet its name and the text of each answer, "" for none.

    ``of_class`` says that the sheets are those of a class; ``decimal_comma`` that a comma is a decimal one.
    """

    quantities: tuple[Quantity, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    of_class: bool = False
    decimal_comma: bool = False


def answers_of(cycle: Cycle, given: Any) -> Answers:
    """Return answers from a file's path, "-" for standard input, or a mapping: of quantities to numbers, or of names of
    students to such mappings.

    Raises:
        UnreadableFile: there is no such file, or it is empty, too large, or no text.
        InvalidArgument: unknown quantities, or one twice; all of them at once.
    """
    if isinstance(given, Mapping):
        return _of_mapping(cycle, given)
    if isinstance(given, str | os.PathLike):
        source = "standard input" if given == "-" else abridged(str(given), 200)
        return read_answers(cycle, _read(given, source), source)
    raise InvalidArgument(
        f"answers: expected a file's path, or a mapping from quantities to numbers, found {shown(given)}"
    )


def _read(given: str | os.PathLike[str], source: str) -> str:
    """Return the text of a file."""
    try:
        if given == "-":
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(given).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableFile(f"{source}: cannot be read: {reason(error)}") from None
    except ValueError:
        raise UnreadableFile(f"{source}: no file can have that name") from None
    if len(content) > MOST_BYTES:
        raise UnreadableFile(f"{source}: answers may have at most {MOST_BYTES // 2**20} MB")
    encoding = "utf-16" if content.startswith((BOM_UTF16_BE, BOM_UTF16_LE)) else "utf-8"
    known = None if content.lstrip(BOM_UTF8 + b" \t\r\n").startswith((b"{", b"[")) else foreign(content[:4096])
    if known is not None:
        raise UnreadableFile(f"{source}: {known.what}, not answers in CSV or JSON; {known.remedy}")
    if encoding == "utf-8" and b"\0" in content:
        raise UnreadableFile(f"{source}: a binary file, not answers; save them as CSV or JSON")
    try:
        text = content.removeprefix(BOM_UTF8).decode(encoding)
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            raise UnreadableFile(f"{source}: not a text file; save the answers as CSV in UTF-8") from None
    if not text.strip():
        raise UnreadableFile(
            f"{source}: empty; expected answers as CSV with the columns quantity and value, or as JSON"
        )
    return text


def read_answers(cycle: Cycle, text: str, source: str) -> Answers:
    """Return the answers in a text: JSON, a sheet or a class in CSV."""
    if text.lstrip().startswith(("{", "[")):
        return _of_json(cycle, text, source)
    if (found := _EXCELS_LINE.match(text)) and text[found.end() :].strip():
        text = text[found.end() :]
    if any(sign in _first_line(text).lstrip()[1:] for sign in EQUALS):
        return _of_text(cycle, text, source)
    rows, separator = _rows(text, source)
    comma = separator in ";\t"
    header = [cell.strip().casefold() for cell in rows[0][1]]
    if "quantity" in header and "value" in header:
        columns = header.index("quantity"), header.index("value")
        return _sheet(cycle, _pairs(rows[1:], *columns), source, decimal_comma=comma)
    return _class(cycle, rows, source, comma)


# --- text -----------------------------------------------------------------------------------------------


def _first_line(text: str) -> str:
    return next(line for line in text.splitlines() if line.strip())


def _of_text(cycle: Cycle, text: str, source: str) -> Answers:
    """Return the answers in lines such as ``sum_h1 = i1 · w1 + b1 = 0.41``: what stands first is the quantity, what
    stands last its value. A line that begins with an equals sign belongs to the one above it."""
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        for part in _STATEMENTS.split(line):
            name, *others = [each.strip() for each in _EQUALS.split(part)]
            if not part.strip():
                continue
            if not others or not (name or pairs):
                raise UnreadableFile(
                    f'{source}, line {number}: expected quantity = value, found "{abridged(part.strip())}"'
                )
            pairs.append((name, others[-1]) if name else (pairs.pop()[0], others[-1]))
    return _sheet(cycle, pairs, source, decimal_comma=True)


# --- CSV ------------------------------------------------------------------------------------------------


def _rows(text: str, source: str) -> tuple[list[tuple[int, list[str]]], str]:
    """Return the rows of CSV that are not empty, each with its number after the header, and what separates cells."""
    first = _first_line(text)
    separator = max(SEPARATORS, key=lambda sign: _outside_quotes(first, sign))
    if not _outside_quotes(first, separator):
        raise UnreadableFile(
            f"{source}: expected CSV with a header: quantity,value for a sheet, or name and quantities for a class; or "
            f'lines such as sum_h1 = 0.41; found "{abridged(first)}"'
        )
    csv.field_size_limit(MOST_BYTES)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        read = [row for row in rows if any(map(str.strip, row))]
    except csv.Error as error:
        raise UnreadableFile(f"{source}: not CSV: {error}") from None
    split = next((at for at, row in enumerate(read) if any(map(_DIGITS.fullmatch, row[len(read[0]) :]))), None)
    if split is not None:
        raise InvalidArgument(
            f"{source}, row {split}: {len(read[split])} cells, but {len(read[0])} in the header; if commas are decimal "
            'ones, separate cells with ";" or put the numbers in quotes'
        )
    return list(enumerate(read)), separator


def _outside_quotes(line: str, sign: str) -> int:
    return sum(part.count(sign) for part in line.split('"')[::2])


def _pairs(rows: Iterable[tuple[int, list[str]]], quantity: int, value: int) -> Iterator[tuple[str, str]]:
    for _, row in rows:
        name = row[quantity] if quantity < len(row) else ""
        text = row[value] if value < len(row) else ""
        if name.strip() or text.strip():
            yield name, text


def _sheet(cycle: Cycle, pairs: Iterable[tuple[str, str]], source: str, decimal_comma: bool = False) -> Answers:
    listed = list(pairs)
    if not listed:
        raise UnreadableFile(f"{source}: no answers; expected one quantity and its value in each row")
    quantities = _quantities(cycle, [name for name, _ in listed], source, twice="a class has a row for each student")
    return Answers(quantities, ("",), (tuple(text for _, text in listed),), decimal_comma=decimal_comma)


def _class(cycle: Cycle, rows: Sequence[tuple[int, list[str]]], source: str, comma: bool) -> Answers:
    """Return the answers of a class: the first column names the student, the others are quantities."""
    header = rows[0][1]
    wanted = [at for at, name in enumerate(header) if at and name.strip()]
    if not wanted:
        raise UnreadableFile(f"{source}: the header names no quantity; write quantity,value, or name and quantities")
    headless = any(written(name, decimal_comma=True) for name in header)
    named = "quantity" in [name.strip().casefold() for name in header]
    hint = "a sheet has the columns quantity and value, named in its first row" if headless or named else ""
    quantities = _quantities(cycle, [header[at] for at in wanted], source, hint)
    names: dict[str, tuple[str, ...]] = {}
    for number, row in rows[1:]:
        name = row[0].strip() or f"row {number}"
        while name in names:
            name = f"{name} (row {number})"
        names[name] = tuple(row[at] if at < len(row) else "" for at in wanted)
    if not names:
        raise UnreadableFile(f"{source}: a header and no students below it")
    return Answers(quantities, tuple(names), tuple(names.values()), of_class=True, decimal_comma=comma)


# --- JSON and Python ------------------------------------------------------------------------------------


class _Literal(str):
    """A number of JSON, as it was written."""


def _of_json(cycle: Cycle, text: str, source: str) -> Answers:
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                twice.append(name)
            found[name] = value
        return found

    try:
        read = json.loads(
            text, object_pairs_hook=once, parse_float=_Literal, parse_int=_Literal, parse_constant=_Literal
        )
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"{source}: not JSON: {abridged(str(error), 200)}") from None
    if not isinstance(read, dict) or not read:
        raise UnreadableFile(f'{source}: expected a JSON object of quantities and values, {{"sum_h1": "0.41", …}}')
    if twice:
        raise InvalidArgument(f'{source}: "{abridged(twice[0])}" appears twice; keep one')
    return _of_mapping(cycle, read, source)


def _of_mapping(cycle: Cycle, given: Mapping[Any, Any], source: str = "answers") -> Answers:
    if not given:
        raise InvalidArgument(f"{source}: no answers; expected quantities and their values")
    if not all(isinstance(value, Mapping) for value in given.values()):
        return _sheet(cycle, [(_name(name, source), _text(value)) for name, value in given.items()], source)
    asked = list(dict.fromkeys(_name(name, source) for sheet in given.values() for name in sheet))
    if not asked:
        raise InvalidArgument(f"{source}: no answers; expected quantities and their values")
    quantities = _quantities(cycle, asked, source)
    rows = tuple(tuple(_text(sheet.get(name)) for name in asked) for sheet in given.values())
    return Answers(quantities, tuple(_name(name, source) for name in given), rows, of_class=True)


def _name(value: Any, source: str) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"{source}: expected the name of a quantity, found {shown(value)}")
    return value


def _text(value: Any) -> str:
    """Return a value as text; a float as Python writes it, so that its digits count."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool | Mapping | list):
        return json.dumps(value, default=str)
    try:
        return repr(value.item()) if hasattr(value, "item") else repr(value) if isinstance(value, float) else str(value)
    except (TypeError, ValueError):
        return str(value)


# --- names ----------------------------------------------------------------------------------------------


def _quantities(
    cycle: Cycle, names: Sequence[str], source: str, hint: str = "", twice: str = ""
) -> tuple[Quantity, ...]:
    """Return the quantities of these names, or refuse all that are unknown or stand there twice."""
    found: list[Quantity] = []
    faults: list[str] = []
    first: dict[Quantity, str] = {}
    known: list[str] = []
    refused: set[str] = set()
    for name in names:
        if len(faults) >= MOST_FAULTS:
            break
        if name in refused:
            continue
        try:
            quantity = meant(cycle, name)
        except UnknownName:
            known = known or suggestions(cycle)
            refused.add(name)
            fault = unknown("quantity", " ".join(name[:MOST_CHARACTERS].split()), known)
            faults.append(fault.partition("; known:")[0] if any("; known:" in each for each in faults) else fault)
            continue
        if quantity in first:
            refused.add(name)
            same = f'is the same quantity as "{abridged(first[quantity])}"'
            same = "appears twice" if first[quantity] == name else same
            faults.append(f'"{abridged(name)}" {same}; keep one')
            hint = hint or twice
        first.setdefault(quantity, name)
        found.append(quantity)
    if faults:
        raise InvalidArgument(f"{source}: {_listed(faults)}{f'; {hint}' if hint else ''}")
    return tuple(found)


def _listed(faults: Sequence[str]) -> str:
    if len(faults) == 1:
        return faults[0]
    first = "the first " if len(faults) >= MOST_FAULTS else ""
    return "\n  ".join([f"{first}{len(faults)} problems:", *faults])
