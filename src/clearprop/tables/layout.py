"""The layout of a table's lines: the separator of its cells, and the lines above them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import takewhile

from clearprop.tables.cells import moments, number, reading

DELIMITERS = ",;\t|"
SPACE = " "
WORDS = re.compile(r'(?:"[^"]*"|[^ \t\r\n"])+')
WIDE = 3
"""Words in every line from which on they are cells, even if none is a number."""
QUOTED = re.compile(r"\s*'[^']*'\s*")
MOST = 0.9
"""The share of lines that have to be alike."""


def delimiter(lines: Sequence[str]) -> str:
    """Return what separates the cells: the sign that stands most often in the first line, and as often in others; a
    space where runs of spaces do.

    If the first line is unlike all others, as a title is, those decide.
    """
    plain = [re.sub(r'"[^"]*"', "", line) for line in lines if line.strip()]
    counts = {sign: [line.count(sign) for line in plain] for sign in DELIMITERS}
    if not re.sub(r"(?<=[0-9]),(?=[0-9])", "", plain[0]).count(",") and any(counts[sign][0] for sign in ";\t"):
        counts[","] = [0]  # decimal commas
    best = max(DELIMITERS, key=lambda sign: (counts[sign][0] > 0 and len({*counts[sign]}) == 1, counts[sign][0]))
    words = [WORDS.findall(line) for line in lines if line.strip()]
    if not counts[best][0] and (spaced(lines, "\t") or _numbers_below(words)):
        return SPACE
    if best == "\t" and len({*map(len, words)}) == 1 and spaced(lines, "\t"):
        return SPACE
    if len({*counts[best]}) > 1 or not counts[best][0]:
        below = {sign: each[1:] for sign, each in counts.items()}
        even = [sign for sign, each in below.items() if len(each) > 1 and len({*each}) == 1 and each[0]]
        best = max(even, key=lambda sign: below[sign][0], default=best)
    return best


def spaced(lines: Sequence[str], sign: str) -> bool:
    """Return whether several numbers, or several words in quotes, stand in most cells that the sign separates."""
    cells = [line.split(sign) for line in lines[1:] or lines if line.strip()]
    return bool(cells) and sum(any(map(_holds_several, row)) for row in cells) >= MOST * len(cells)


def _numbers_below(lines: Sequence[list[str]]) -> bool:
    """Return whether all lines have equally many words, or the first one fewer, and numbers stand below one of it."""
    first, *rows = lines
    width = len(rows[0]) if rows else 0
    if len(rows) < 2 or width < 2 or {*map(len, rows)} != {width} or len(first) not in {width, max(width - 1, 2)}:
        return False
    if all(reading(" ".join(row)) is not None for row in rows):
        return False
    if len(first) == width >= WIDE:  # words alone, too regular for one column of text
        return True
    below = (all(number(row[-place]) is not None for row in rows) for place in range(1, len(first) + 1))
    return any(found and number(first[-place]) is None for place, found in enumerate(below, 1))


def _holds_several(cell: str) -> bool:
    cell = cell.strip()
    words = WORDS.findall(cell)
    if len(words) < 2 or reading(cell) is not None or moments([cell]):
        return False
    numbers = sum(reading(word.strip('"')) is not None and word[-1] not in ",;" for word in words)
    return 2 * numbers >= len(words) or sum(word[0] == '"' for word in words) > 1


def without_runs(line: str) -> str:
    """Return a line with one space for each run of spaces and tabs outside quotes, and none at its ends.

    >>> without_runs('  8   307.0\\t"buick  skylark" \\n')
    '8 307.0 "buick  skylark"\\n'
    """
    return (
        re.sub(r'"[^"]*"|[ \t]+', lambda found: found[0] if found[0][0] == '"' else " ", line.strip(" \t\r\n")) + "\n"
    )


def comments(lines: Sequence[str], cells: Callable[[str], list[str]]) -> tuple[int, str]:
    """Return how many lines that begin with ``#`` stand above a table, and the first line of the table itself; it is
    the last of them where that names the columns."""
    several = len(list(takewhile(lambda line: line.lstrip().startswith("#"), lines)))
    below = next((line for line in lines[several:] if line.strip()), "")
    if not several or not below:
        return 0, lines[0]
    last = re.sub(r"^\s*#+\s+(?=\S)", "", lines[several - 1])
    first = cells(below)
    if len(cells(last)) != len(first) or not any(number(cell) is not None for cell in first):
        return several, below
    return several - 1, last


def usual_width(rows: Sequence[Sequence[str]]) -> int:
    """Return the number of cells that most rows have, empty ones at the end left out; 0 if there is none."""
    if not rows:
        return 0
    width, count = Counter(map(filled_width, rows)).most_common(1)[0]
    return width if 3 * count >= 2 * len(rows) else 0


def filled_width(row: Sequence[str]) -> int:
    """Return the number of a row's cells up to the last that is not empty."""
    return max((place for place, cell in enumerate(row, 1) if cell.strip()), default=0)


def quote(lines: Sequence[str], delimiter: str) -> str:
    """Return the sign around cells: a single quote where it stands around each of the first line, else a double one."""
    cells = [cell for cell in lines[0].rstrip("\r\n").split(delimiter) if cell.strip()]
    single = all(QUOTED.fullmatch(cell) for cell in cells) and not any('"' in line for line in lines)
    return "'" if single and cells else '"'
