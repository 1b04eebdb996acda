"""Whether the compiled engine can be used on this machine."""

from __future__ import annotations


def unusable() -> str | None:
    """Why the compiled engine cannot be used here, or None if it can."""
    try:
        from clearprop.engine import machine
    except ImportError as error:
        return f"the compiled engine needs llvmlite, which cannot be imported ({error})"
    return machine.unusable()
