"""Writing files so that nothing is lost: whole or not at all, and what was there stays until then."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from clearprop.errors import Unwritable, abridged


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write to a temporary file in the same folder, then rename it over ``path``.

    A device or pipe (``/dev/stdout``) cannot be renamed over and is written as it is.

    Raises:
        Unwritable: why, and that what was there before is untouched.
    """
    target = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    shown = abridged(str(target), 200)
    if target.is_dir():
        raise Unwritable(f"{shown}: expected a file to write to, found a folder; give a file's name")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(target)), data)
    except OSError as error:
        if not target.parent.exists():
            raise Unwritable(
                f"{shown}: there is no folder {abridged(str(target.parent), 200)}; make it first"
            ) from None
        reason = error.strerror or str(error)
        raise Unwritable(
            f"{shown}: cannot be written: {reason}; what was there before is untouched, "
            "choose another place with --output"
        ) from None


def _replace(target: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:50]}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, or those a new file gets."""
    if target.exists():
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
