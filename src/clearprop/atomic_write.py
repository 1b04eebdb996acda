"""Writing files so that nothing is lost: whole or not at all, and what was there stays until then."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from clearprop.errors import Unwritable
from clearprop.messages import abridged, reason

if sys.platform != "win32":
    import fcntl


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write to a temporary file in the same folder, then rename it over ``path``.

    A device or pipe (``/dev/stdout``) cannot be renamed over and is written as it is.

    Raises:
        Unwritable: why, and that what was there before is untouched.
    """
    target = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    _refuse_folder(target)
    try:
        if _is_device(target):
            target.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(target)), data)
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from None


def require_writable(path: str | os.PathLike[str]) -> None:
    """See that ``write_atomically`` can write there, before the work whose result it is to keep.

    Also clears away what processes that were killed while they wrote this file have left.

    Raises:
        Unwritable: why not.
    """
    target = Path(path)
    _refuse_folder(target)
    try:
        if _is_device(target):
            return
        real = Path(os.path.realpath(target))
        with suppress(FileNotFoundError):
            os.lstat(real)  # says that a name is too long, where its shorter temporary one is not
        descriptor, temporary = _temporary(real)
        os.close(descriptor)
        with suppress(FileNotFoundError):  # another process may have cleared it away
            os.unlink(temporary)
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from None
    _clear(real)


def _refuse_folder(target: Path) -> None:
    if os.path.isdir(target):
        shown = abridged(str(target), 200)
        raise Unwritable(f"{shown}: expected a file to write to, found a folder; give a file's name")


def _is_device(target: Path) -> bool:
    # These, unlike Path's own, answer no where a folder on the way may not be looked into.
    return os.path.exists(target) and not os.path.isfile(target)


def _unwritable(target: Path, error: OSError | ValueError) -> Unwritable:
    shown = abridged(str(target), 200)
    if isinstance(error, FileNotFoundError) and not os.path.exists(target.parent):
        return Unwritable(f"{shown}: there is no folder {abridged(str(target.parent), 200)}; make it first")
    return Unwritable(
        f"{shown}: cannot be written: {reason(error)}; what was there before is untouched, choose another place with "
        "--output"
    )


def _replace(target: Path, data: bytes) -> None:
    while not _replaced(target, data):
        pass  # another process took the temporary file for one that was left, before it was locked


def _replaced(target: Path, data: bytes) -> bool:
    """Replace the file; return False if somebody has removed the temporary one at its start."""
    temporary = None
    try:
        descriptor, temporary = _temporary(target)
        # No file object: one that a signal left half made would complain of it.
        try:
            _lock(descriptor, wait=True)
            if not os.path.lexists(temporary):
                return False
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
            if target.exists():
                os.chmod(temporary, target.stat().st_mode & 0o7777)
            if sys.platform != "win32":
                os.replace(temporary, target)  # while it is locked: nobody takes it for one that was left
        finally:
            os.close(descriptor)
        if sys.platform == "win32":
            os.replace(temporary, target)  # there an open file keeps its name
    except BaseException:
        if temporary is None:
            # A signal came between the file and its name; nobody has locked it.
            _clear(target)
        else:
            with suppress(OSError):
                os.unlink(temporary)
        raise
    _keep_name(target.parent)
    return True


def _keep_name(folder: Path) -> None:
    """Write the folder to the disk too, where it can be: else a lost machine may come back with the former file."""
    if sys.platform != "win32":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


# --- temporary files -----------------------------------------------------------------------------------


FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def _temporary(target: Path) -> tuple[int, str]:
    """Make a temporary file for this one, with the permissions of a new file; only its user's, if it replaces one."""
    while True:
        path = str(target.parent / f"{_prefix(target)}{os.urandom(4).hex()}.part")
        with suppress(FileExistsError):
            return os.open(path, FLAGS, 0o600 if target.exists() else 0o666), path


def _prefix(target: Path) -> str:
    return f".{target.name[:50]}."


def _clear(target: Path) -> None:
    """Remove the temporary files of this file that nobody writes any more."""
    leftover = re.compile(re.escape(_prefix(target)) + r"[a-z0-9_]{8}\.part")
    with suppress(OSError):
        for name in os.listdir(target.parent):
            if leftover.fullmatch(name):
                with suppress(OSError):
                    _clear_one(target.parent / name)


def _clear_one(left: Path) -> None:
    descriptor = os.open(left, os.O_RDWR)
    try:
        if _lock(descriptor):
            os.unlink(left)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, wait: bool = False) -> bool:
    """Lock an open file; without waiting, return False if somebody has, or if files cannot be locked here.

    The system lets go of a lock when a process ends, however it ends; a process number would be
    given to another one, and is always 1 in a container.
    """
    if sys.platform != "win32":
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            return True
    return False
