"""Code that is kept on the disk: writing and reading one piece of it."""

from __future__ import annotations

from pathlib import Path

from clearprop.engine import cache

ONE, OTHER = "1" * 64, "2" * 64
HERE, CODE = "x86_64-unknown-linux-gnu haswell +avx", b"\x7fELF and some code\0"


def kept_at(folder: Path, fingerprint: str = ONE) -> Path:
    return folder / f"{fingerprint}.code"


def put(fingerprint: str = ONE, code: bytes = CODE) -> None:
    cache.write(fingerprint, HERE, code)


def got(fingerprint: str = ONE, machine: str = HERE) -> bytes | None:
    return cache.read(fingerprint, machine)
