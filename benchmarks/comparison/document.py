"""Documents: the parts of a page that a command writes, between two markers, in prose that a person wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

BEGIN, END = "<!-- {}: what follows is written by the command -->", "<!-- {}: end -->"


def missing(page: Path, names: Sequence[str]) -> str | None:
    """What is wrong with a page whose parts are to be replaced, before anything is measured for it."""
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return f"{page} cannot be read: {error}"
    for name in names:
        begin, end = text.find(BEGIN.format(name)), text.find(END.format(name))
        if not 0 <= begin < end:
            return f'{page} has no part "{name}": expected {BEGIN.format(name)} … {END.format(name)}'
    return None


def replace(page: Path, name: str, lines: Sequence[str]) -> None:
    """Put these lines in the place of a part.

    Raises:
        ValueError: there is no such part.
    """
    wrong = missing(page, [name])
    if wrong is not None:
        raise ValueError(wrong)
    text, begin, end = page.read_text(encoding="utf-8"), BEGIN.format(name), END.format(name)
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    body = "\n".join(lines).strip("\n")
    page.write_text(f"{before}{begin}\n\n{body}\n\n{end}{after}", encoding="utf-8")
