"""The cache: compiled code kept in a folder of the user's, so that a program is compiled once.

Code that is read from there is run, so nothing is trusted: folder and file must belong to the user and
be writable by nobody else, and a hash in the file covers all of it. Whatever is wrong, the answer is that
there is nothing, and the code is compiled again. Nothing here raises an error.

A file is::

    magic, version of the format                              8 bytes, 4 bytes
    lengths of the machine's description and of the code      8 bytes each
    SHA-256 of all other bytes                               32 bytes
    fingerprint of the program                               64 bytes
    the machine's description, the code

Integers are little-endian.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PLACE = "CLEARPROP_CACHE_DIR"
"""The environment variable that names the folder, or says ``off`` (or nothing): then nothing is kept."""

MOST_FILES = 500
MOST_BYTES = 200 * 2**20
"""The most files and bytes kept; the least recently used go first."""

MAGIC, VERSION = b"cp code\n", 1
HEADER = struct.Struct("<8sIQQ32s64s")
ENTRY = re.compile(r"[0-9a-f]{64}\.code")
LEFT_OVER = re.compile(r"\.code-[a-z0-9_]+\.part")
STALE = 3600.0
"""Seconds after which a file that was begun and not finished is nobody's any more."""


_FAILED: dict[Path, str] = {}
"""Why the last code could not be kept in a folder, if it could not: a full disk, say."""


# --- the folder ------------------------------------------------------------------------------------------


def enabled() -> bool:
    """Return whether code is cached, on disk or in memory."""
    return os.environ.get(PLACE, "on").strip().lower() not in ("", "off")


def folder() -> Path | None:
    """Return the cache folder, which need not exist yet; None if the cache is off."""
    if not enabled():
        return None
    try:
        given = os.environ.get(PLACE)
        if given is not None:
            return Path(given).expanduser()
        usual = _usual()
    except RuntimeError:  # a user without a home
        return None
    return usual if usual.is_absolute() else None


def _usual() -> Path:
    """The platform's folder for what may be lost."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "clearprop" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "clearprop"
    given = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    # Relative paths are to be ignored. Source: XDG Base Directory Specification.
    return (given if given.is_absolute() else Path.home() / ".cache") / "clearprop"


def _other(found: os.stat_result) -> str | None:
    """Return how somebody else than this user can have written it, or None."""
    if sys.platform == "win32":
        return None
    if found.st_uid != os.geteuid():
        return "it belongs to another user"
    return "others can write to it" if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else None


def _unsafe(place: Path) -> str | None:
    """Return the reason not to trust a folder's content, or None."""
    found = place.stat()
    return _other(found) if stat.S_ISDIR(found.st_mode) else "it is not a folder"


def unused() -> str | None:
    """Return the reason why no code is kept, for a person to read, or None if it is kept."""
    if not enabled():
        return f"{PLACE} says so"
    place = folder()
    if place is None:
        return "this user has no home folder"
    try:
        reason = _unsafe(place)
    except FileNotFoundError:
        reason = "it cannot be made"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    if reason is None and not os.access(place, os.W_OK | os.X_OK):
        reason = "nothing can be written to it"
    reason = reason or _FAILED.get(place)
    return f"{place}: {reason}" if reason is not None else None


# --- reading ---------------------------------------------------------------------------------------------


def read(fingerprint: str, machine: str) -> bytes | None:
    """Return the code kept under a fingerprint for such a machine, or None."""
    place = folder()
    if place is None:
        return None
    try:
        if _unsafe(place) is not None:
            return None
        path = place / f"{fingerprint}.code"
        code = _unpacked(_content(path), fingerprint, machine)
        if code is not None:
            with suppress(OSError):
                os.utime(path)  # used last
        return code
    except (OSError, ValueError):  # a null byte in the folder's name, say
        return None


def _content(path: Path) -> bytes:
    """Return the content of a file that only this user can have written; nothing if it is not a file."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    # A pipe is not waited for.
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        found = os.fstat(descriptor)
        if not (stat.S_ISREG(found.st_mode) and _other(found) is None and found.st_size <= MOST_BYTES):
            return b""
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def packed(code: bytes, fingerprint: str, machine: str) -> bytes:
    """Return the content of a file."""
    described = machine.encode()
    parts = MAGIC, VERSION, len(described), len(code)
    rest = fingerprint.encode() + described + code
    digest = hashlib.sha256(struct.pack("<8sIQQ", *parts) + rest).digest()
    return HEADER.pack(*parts, digest, fingerprint.encode()) + described + code


def _unpacked(content: bytes, fingerprint: str, machine: str) -> bytes | None:
    """The code in a file, if that is what a file for this program and machine has to be, bit for bit."""
    start = HEADER.size + len(machine.encode())
    code = content[start:]
    return code if code and content == packed(code, fingerprint, machine) else None


# --- writing ---------------------------------------------------------------------------------------------


def write(fingerprint: str, machine: str, code: bytes) -> None:
    """Keep code, if possible. Others may read and write at the same time: a file is whole or not there."""
    place = folder()
    if place is None:
        return
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _unsafe(place) is None:
            _replace(place, f"{fingerprint}.code", packed(code, fingerprint, machine))
            _FAILED.clear()
            _trim(place)
    except (OSError, ValueError, RecursionError) as error:  # a folder of a thousand levels is made by recursion
        _FAILED[place] = getattr(error, "strerror", None) or "it cannot be made"


def _replace(place: Path, name: str, content: bytes) -> None:
    # Not as results are written: what a failing machine loses here is compiled again, so nothing waits for
    # the disk; and the file stays as it was made, for this user alone.
    descriptor, temporary = tempfile.mkstemp(dir=place, prefix=".code-", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, place / name)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _trim(place: Path) -> None:
    """Remove what is too much, oldest first, and what writers that were killed have left."""
    kept, now = [], time.time()
    with os.scandir(place) as entries:
        for entry in entries:
            with suppress(OSError):  # gone already
                if ENTRY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    found = entry.stat(follow_symlinks=False)
                    kept.append((found.st_mtime, found.st_size, entry.path))
                elif LEFT_OVER.fullmatch(entry.name) and entry.stat().st_mtime < now - STALE:
                    os.unlink(entry.path)
    files, size = len(kept), sum(each[1] for each in kept)
    for _, length, path in sorted(kept):
        if files <= MOST_FILES and size <= MOST_BYTES:
            return
        files, size = files - 1, size - length
        with suppress(OSError):
            os.unlink(path)
