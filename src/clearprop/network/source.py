"""The text of a network file, and where in it something is not TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clearprop.errors import ClearpropError, UnreadableFile
from clearprop.messages import abridged, reason

MAX_BYTES = 256 * 2**20
USUAL = 2**16
"""More bytes than most network files have."""
MAX_DOTS = 32
"""The most points in one key: memory for a key grows with the square of its parts."""

BARE = r"[\w-]++"
STRING = r'"(?:[^"\\\n]|\\.)*+"?+|\'[^\'\n]*+\'?+'
KEY = rf"(?:{BARE}|{STRING})"
SHALLOW = re.compile(
    rf'(?:[^\w"\'#-]++|#[^\n]*+|"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?+|\'\'\'(?:[^\']|\'(?!\'\'))*+(?:\'\'\')?+'
    rf"|{KEY}(?:[ \t]*+\.[ \t]*+{KEY}){{0,{MAX_DOTS}}}+(?![ \t]*\.[ \t]*{KEY}))*+",
    re.DOTALL,
)
"""As much of a TOML text as has no key with more parts; found in one pass, whatever the text holds."""


@contextmanager
def readable(path: Path, what: str) -> Iterator[str]:
    """Yield a path as messages show it; explain a folder, and whatever keeps the file from being read."""
    shown = abridged(str(path), 200)
    try:
        if path.is_dir():
            raise UnreadableFile(f"{shown}: expected {what}, found a folder")
        yield shown
    except ClearpropError:
        raise  # said already, even where it is a ValueError too
    except FileNotFoundError:
        raise UnreadableFile(f"{shown}: no such file") from None
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{shown}: cannot be read: {reason(error)}") from None


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """Return the text of a file that a person wrote; say why one cannot be read."""
    with readable(path, "a network file") as shown, path.open("rb") as file:
        content = file.read(min(limit + 1, USUAL))
        if len(content) == USUAL:  # reading makes room for all that may come, which few files need
            content += file.read(limit + 1 - USUAL)
    if len(content) > limit:
        raise UnreadableFile(
            f"{shown}: larger than {limit // 2**20} MB, too large for a network file; "
            "put the data into a separate table and name it under [data]"
        )
    if not content.strip():
        raise UnreadableFile(f"{shown}: the file is empty; `clearprop examples lecture` prints one to start from")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(
            f"{shown}: not a text file in UTF-8: byte {error.start + 1}, line {line}, cannot be read"
        ) from None
    if "\0" in text:
        raise UnreadableFile(f"{shown}: a binary file, expected TOML text")
    return text


def require_shallow(text: str, source: str) -> None:
    """Refuse keys with many parts, which would take all memory to parse."""
    found = SHALLOW.match(text)
    assert found is not None  # it may be empty
    if found.end() < len(text):
        line = text.count("\n", 0, found.end()) + 1
        raise UnreadableFile(
            f"{source}: not valid TOML: line {line}: a key has more than {MAX_DOTS + 1} parts between points; "
            "no key of a network file has more than 3"
        )


def toml_message(error: tomllib.TOMLDecodeError, text: str) -> str:
    """Return what is wrong, on which line, and that line."""
    message = str(error)
    message = message[:1].lower() + message[1:]
    if "(at line " in message:
        what, _, place = message.rpartition(" (at line ")
        line = int(place.split(",")[0])
        column = place.rstrip(")").rpartition(" ")[2]
        whole = text.split("\n")[line - 1].rstrip("\r")
        what = _plainly(what, whole[int(column) - 1 :])
        return f"line {line}, column {column}: {what}\n  {abridged(whole, 100)}"
    if message.endswith(" (at end of document)"):
        line = text.rstrip().count("\n") + 1
        return f"line {line}, the end of the file: {message.removesuffix(' (at end of document)')}"
    return message


def _plainly(what: str, rest: str) -> str:
    """Return what is wrong in words that say what to do; ``rest`` is the line from the place on."""
    if twice := re.fullmatch(r"cannot declare \((.*?),?\) twice", what):
        name = ".".join(part.strip(" '\"") for part in twice[1].split(","))
        return f"[{abridged(name)}] appears twice; where there are several, write [[{abridged(name)}]] each time"
    if what == "cannot overwrite a value":
        return "a key appears twice in this table; remove one"
    word = re.match(r"[^\W\d]\w*", rest)
    if what == "invalid value" and word:
        if word[0].lower() in ("true", "false"):
            return f"invalid value; write {word[0].lower()}"
        return f'text needs quotes: "{abridged(word[0])}"'
    if re.match(r",\s*\d", rest) and what.startswith("expected newline"):
        return f"{what}; decimals are written with a point"
    return what
