"""Writing files so that nothing is lost: whole or not at all, and what was there stays until then."""

from __future__ import annotations

import glob
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
        raise _unwritable(target, error) from None


def _unwritable(target: Path, error: OSError) -> Unwritable:
    shown = abridged(str(target), 200)
    if not target.parent.exists():
        return Unwritable(f"{shown}: there is no folder {abridged(str(target.parent), 200)}; make it first")
    return Unwritable(
        f"{shown}: cannot be written: {error.strerror or error}; what was there before is untouched, "
        "choose another place with --output"
    )


def require_writable(path: str | os.PathLike[str]) -> None:
    """See that ``write_atomically`` can write there, before the work whose result it is to keep.

    Raises:
        Unwritable: why not.
    """
    target = Path(path)
    shown = abridged(str(target), 200)
    if target.is_dir():
        raise Unwritable(f"{shown}: expected a file to write to, found a folder; give a file's name")
    if target.exists() and not target.is_file():
        return
    real = Path(os.path.realpath(target))
    try:
        descriptor, temporary = _temporary(real)
        os.close(descriptor)
        os.unlink(temporary)
    except OSError as error:
        raise _unwritable(target, error) from None
    _clear(real)


def _clear(target: Path) -> None:
    """Remove the temporary files of processes that were killed while they wrote this one."""
    for left in target.parent.glob(glob.escape(_prefix(target)) + "*"):
        owner = left.name.removeprefix(_prefix(target)).partition(".")[0]
        if os.name == "posix" and owner.isdecimal() and not _alive(int(owner)):
            with suppress(OSError):
                left.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _replace(target: Path, data: bytes) -> None:
    descriptor, temporary = _temporary(target)
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


def _temporary(target: Path) -> tuple[int, str]:
    return tempfile.mkstemp(dir=target.parent, prefix=f"{_prefix(target)}{os.getpid()}.")


def _prefix(target: Path) -> str:
    return f".{target.name[:50]}."


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, or those a new file gets."""
    if target.exists():
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
