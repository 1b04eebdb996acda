"""Whether the compiled engine can be used on this machine."""

from __future__ import annotations

import ctypes
from functools import cache

from clearprop.engine import machine
from clearprop.errors import RequestError
from clearprop.messages import abridged

LLVMLITE, LLVM = "0.45", (17,)
"""The oldest of both that know pointers as the engine writes them."""


def unusable() -> str | None:
    """Return why no code can be made for this machine, as the beginning of a sentence, or None if it can.

    Raises:
        RequestError: the environment variable names something that is no feature.
    """
    missing = _missing()
    if missing is not None:
        return missing
    try:
        return _unfit(machine.host())
    except RequestError:
        raise
    except Exception as error:
        return f"the compiled engine cannot make code for this machine ({_line(error)})"


@cache
def _missing() -> str | None:
    needs = "the compiled engine needs llvmlite"
    try:
        import llvmlite
        from llvmlite import binding
    except Exception as error:  # whatever goes wrong in a library that was built for another system
        return f"{needs}, which cannot be imported ({_line(error)})"
    if binding.llvm_version_info < LLVM:
        return f"{needs} {LLVMLITE} or newer, found {llvmlite.__version__}"
    return None


TRIAL = 'define void @"trial"(ptr %"context") {\n  ret void\n}\n'


@cache
def _unfit(target: machine.Target) -> str | None:
    """Code is made, loaded and run: a system may forbid, say, memory that was written to be run."""
    if not (target.x86 or target.arm):
        kind = target.triple.partition("-")[0]
        return f"the compiled engine makes code for 64-bit x86 and ARM processors, and this one is {kind}"
    with machine.lock:
        code = machine.Code(machine.compiled(TRIAL, target), ("trial",), target)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code.addresses["trial"])(None)
    return None


def _line(error: Exception) -> str:
    return abridged(" ".join(str(error).split()), 200)
