"""Zip files that hold models: which framework wrote one, and its parts, read within bounds."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

from clearprop.interop.problem import damaged, shown_path

MAX_PART = 2 * 2**30
MAX_PACKED, MAX_RATIO = 256 * 2**20, 100
"""What a packed part may become: files that were packed to swell are refused before they do."""
MOST_VALUES = 5_000_000
"""How many values JSON may have: each takes up to 80 bytes of memory, however few it takes in the file."""


class Archive:
    """A zip file whose parts are read whole or not at all.

    Raises:
        DamagedModel: it is cut off, or a name is in it twice.
    """

    def __init__(self, path: str | os.PathLike[str] | io.BytesIO, shown: str = "") -> None:
        self.shown = shown or shown_path(path)
        try:
            self.file = zipfile.ZipFile(path if isinstance(path, io.BytesIO) else Path(path))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OverflowError) as error:
            raise damaged(self.shown, f"its zip archive is not whole ({str(error).rstrip('.')})") from None
        infos = self.file.infolist()
        self.parts = {info.filename: info for info in infos}
        if len(self.parts) < len(infos):
            self.file.close()
            raise damaged(self.shown, "its zip archive has two parts of one name")

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def inside(self, end: str) -> str | None:
        """Return the one name that ends so, in any folder; None if there is none."""
        found = sorted((name for name in self.parts if name == end or name.endswith(f"/{end}")), key=len)
        return found[0] if found else None

    def read(self, name: str, most: int = MAX_PART) -> bytes:
        """Return the bytes of a part."""
        info = self.parts.get(name)
        if info is None:
            raise damaged(self.shown, f"its archive has no part {name}")
        packed = info.compress_type != zipfile.ZIP_STORED
        if info.file_size > most or (packed and info.file_size > max(MAX_PACKED, MAX_RATIO * info.compress_size)):
            raise damaged(self.shown, f"its part {name} would have {info.file_size:,} bytes, too many to be a model's")
        if packed and info.file_size > MAX_RATIO * max(1, info.compress_size) and info.file_size > 2**20:
            raise damaged(self.shown, f"its part {name} would swell from {info.compress_size:,} bytes")
        try:
            found = self.file.read(info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, zlib.error):
            raise damaged(self.shown, f"its part {name} is not whole") from None
        if len(found) != info.file_size:
            raise damaged(self.shown, f"its part {name} is not whole")
        return found

    def json(self, name: str) -> Any:
        """Return the JSON of a part."""
        return parsed(self.read(name, 64 * 2**20), self.shown, name)


def parsed(text: bytes | str, shown: str, name: str) -> Any:
    """Return JSON that may be anything as lists and dictionaries; refuse what is none."""
    marks = ("[", "{", ",") if isinstance(text, str) else (b"[", b"{", b",")
    if sum(map(text.count, marks)) > MOST_VALUES:  # type: ignore[arg-type]
        raise damaged(shown, f"{name} has more than {MOST_VALUES:,} values")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else "not JSON"
        raise damaged(shown, f"{name} is {why}") from None
