"""Pieces of messages: text from a file made safe to print, counts, and suggestions for a mistyped name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The sentence for an unknown name: what was meant, or else what there is."""
    candidates = list(known)
    if hint := meant(name, candidates):
        pass
    elif len(candidates) <= 20:
        hint = "known: " + ", ".join(candidates)
    else:
        hint = f"known: {', '.join(candidates[:20])}, … ({len(candidates)} in all)"
    return f'unknown {kind} "{abridged(name)}"; {hint}'


def meant(name: str, known: Sequence[str]) -> str:
    """The question whether one of the known names was meant, if one is close to this."""
    close = [each for each in known if each.lower() == name.lower()]
    close = close or get_close_matches(name, known, n=1, cutoff=0.6)
    if not close and name != name.lower():
        close = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f'did you mean "{abridged(close[0])}"?' if close else ""


def printable(text: str) -> str:
    """Text for a terminal: with its lines and tabs, but without other characters that would steer it.

    >>> printable("a\\x1b[2Jb\\n")
    'a�[2Jb\\n'
    """
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or c.isprintable() else "�" for c in text)


def abridged(text: str, limit: int = 60) -> str:
    """Text from a file, short enough for a message and without control characters."""
    clean = "".join(character if character.isprintable() else "�" for character in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def reason(error: Exception) -> str:
    """Return why the system refused a file, without the error's number."""
    return getattr(error, "strerror", None) or str(error)


def brief(value: float, form: str = "g") -> str:
    """Return a number with its exponent as formulas have it.

    >>> brief(1e-6), brief(0.00012, ".1e"), brief(1e20), brief(0.5)
    ('1e-6', '1.2e-4', '1e20', '0.5')
    """
    return brief_exponents(format(value, form))


def brief_exponents(text: str) -> str:
    """Return Python's numbers with their exponents as formulas have them.

    >>> brief_exponents("[1e-05, -2.5e+16]")
    '[1e-5, -2.5e16]'
    """
    return re.sub(r"(?<=\d)e([-+])0*(?=\d)", lambda sign: "e" + sign[1].strip("+"), text)


def counted(count: int, word: str) -> str:
    """
    >>> counted(1, "epoch"), counted(10_000, "step")
    ('1 epoch', '10,000 steps')
    """
    return f"1 {word}" if count == 1 else f"{count:,} {word}s"


def every(count: int, word: str) -> str:
    """
    >>> every(2, "row"), every(3, "row")
    ('both rows', 'all 3 rows')
    """
    return f"both {word}s" if count == 2 else f"all {count:,} {word}s"


def listing(names: Sequence[str], limit: int) -> str:
    """Return names as a sentence lists them; beyond the limit they are counted.

    >>> listing(["a"], 3), listing(["a", "b", "c"], 3), listing(["a", "b", "c", "d", "e"], 3)
    ('a', 'a, b and c', 'a, b, c and 2 more')
    """
    shown = [*names[:limit], *([f"{len(names) - limit:,} more"] if len(names) > limit else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
