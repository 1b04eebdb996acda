"""The estimated width of a LaTeX formula, good enough to break lines before they run over the margin."""

from __future__ import annotations

import re
from itertools import pairwise

ROOM = 450.0
"""The width of a line on the page, in points, by the estimate of ``width``."""
TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|.", re.DOTALL)
WIDTHS = {
    "+": 12.2, "-": 12.2, "=": 13.4, "<": 13.4, ">": 13.4, r"\le": 13.4, r"\ge": 13.4, r"\cdot": 7.3, r"\times": 12.2,
    ".": 2.8, ",": 4.5, "(": 4.4, ")": 4.4, "|": 3.5, "'": 3.0, "m": 8.8, "w": 7.2, "M": 9.5, "W": 9.5, "i": 3.5,
    "l": 3.2, r"\quad": 10, r"\qquad": 20, r"\sqrt": 10, r"\ln": 10, r"\exp": 17, r"\tanh": 24, r"\max": 22,
    r"\min": 20, r"\circ": 9.5, r"\partial": 6, r"\ldots": 14, r"\begin": 20,
    **dict.fromkeys(["{", "}", "&", " ", "\n", r"\\"], 0.0),
    **dict.fromkeys([r"\mathrm", r"\text", r"\operatorname", r"\mathbf", r"\hat", r"\bar", r"\small"], 0.0),
    **dict.fromkeys([r"\ensuremath", r"\left", r"\right", r"\end", r"\boldsymbol", r"\bigl", r"\bigr"], 1.0),
}  # fmt: skip


def width(shown: str) -> float:
    """Return about how wide a formula is set, in points."""
    tokens = TOKEN.findall(shown)
    return _width(tokens, 0, len(tokens), in_text=False)


def _width(tokens: list[str], start: int, end: int, *, in_text: bool) -> float:
    total, k = 0.0, start
    while k < end:
        token = tokens[k]
        after = _group(tokens, k + 1, end)
        if token == r"\frac":
            below = _group(tokens, after, end)
            halves = ((k + 1, after), (after, below))
            total += 2.4 + max(_width(tokens, a, b, in_text=False) for a, b in halves)
            k = below
        elif token in ("_", "^"):
            total += 0.5 + 0.78 * _width(tokens, k + 1, after, in_text=False)
            k = after
        elif token == r"\substack":
            lines = [k + 1, *(place for place in range(k + 1, after) if tokens[place] == r"\\"), after]
            total += 0.78 * max(_width(tokens, a, b, in_text=False) for a, b in pairwise(lines))
            k = after
        elif token == r"\text":
            total += _width(tokens, k + 1, after, in_text=True)
            k = after
        else:
            total += (3.4 if token == " " else 5.2) if in_text and token not in "{}" else WIDTHS.get(token, 5.2)
            k += 1
    return total


def _group(tokens: list[str], start: int, end: int) -> int:
    """Return the end of the group, or of the single token, that begins here."""
    depth = 0
    for k in range(start, end):
        depth += {"{": 1, "}": -1}.get(tokens[k], 0)
        if depth <= 0:
            return k + 1
    return end


def shrunk(shown: str, room: float) -> str:
    """Return a formula that is too wide for its line, made smaller."""
    return rf"\resizebox{{{room:.0f}pt}}{{!}}{{$\displaystyle {shown}$}}"
