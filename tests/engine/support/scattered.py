"""A process whose free memory is in small pieces, far apart: code that is loaded there must reach its constants.

    python -m tests.engine.support.scattered            loads two programs, runs them, says how far apart they are
    python -m tests.engine.support.scattered older      with LLVM's older linker: the process does not live to say it

It is run by ``test_machine.py``, in a process of its own: what is planted here ends it.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from itertools import pairwise
from typing import Any

from clearprop.engine import machine
from clearprop.engine.machine import Code
from clearprop.engine.module import GIVE_WAY

PAGE = resource.getpagesize()
APART = 8 << 30
"""From piece to piece: four times as far as code reaches."""

TABLE = [1.5, 2.5, 4.5]
SOURCE = f"""
@"table" = internal constant [3 x double] [double 1.5, double 2.5, double 4.5]
declare void @"{GIVE_WAY}"()
define double @"entry"(i64 %"place") {{
  call void @"{GIVE_WAY}"()
  %"at" = getelementptr double, ptr @"table", i64 %"place"
  %"value" = load double, ptr %"at"
  ret double %"value"
}}
"""

SYSTEM = ctypes.CDLL(None, use_errno=True)
SYSTEM.mmap.restype = ctypes.c_void_p
SYSTEM.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
SYSTEM.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
SYSTEM.malloc.restype = ctypes.c_void_p
SYSTEM.free.argtypes = [ctypes.c_void_p]

# As Linux numbers them: private, anonymous, no memory set aside, and nowhere but there.
RESERVED = 0x02 | 0x20 | 0x4000 | 0x100000
TRIM_THRESHOLD, MOST_MAPPED, MOST_ARENAS = -1, -4, -8


def mapped() -> list[tuple[int, int, str]]:
    """Where memory is in use: begin, end and name of each piece, up to the stack."""
    found = []
    with open("/proc/self/maps", encoding="utf-8") as lines:
        for line in lines:
            place, *_, name = [*line.split(), ""] if len(line.split()) == 5 else line.split()
            begin, end = (int(part, 16) for part in place.split("-"))
            found.append((begin, end, name))
            if name == "[stack]":
                return found
    raise AssertionError("a process has a stack")


def size() -> int:
    """The bytes that are in use."""
    return sum(end - begin for begin, end, _ in mapped())


def keep_to_the_heap() -> None:
    """From here on the C library takes memory from what it has already: some hundred megabytes."""
    for option, value in ((TRIM_THRESHOLD, 2**31 - 1), (MOST_MAPPED, 0), (MOST_ARENAS, 1)):
        assert SYSTEM.mallopt(option, value)
    SYSTEM.free(SYSTEM.malloc(256 << 20))


def scatter(sizes: list[int]) -> None:
    """Take all free memory but pieces of these sizes, far apart, and the room in which the stack may grow."""
    gaps = [(end, begin, name) for (_, end, _), (begin, _, name) in pairwise(mapped())]
    for begin, end, name in gaps:
        length = end - begin - (64 << 20 if name == "[stack]" else 0)
        if length > 0:
            assert SYSTEM.mmap(begin, length, 0, RESERVED, -1, 0) == begin
    begin, end, _ = max(gaps, key=lambda gap: gap[1] - gap[0])
    first = begin + (end - begin) // (2 * PAGE) * PAGE
    for position, length in enumerate(sizes):
        assert SYSTEM.munmap(first + position * APART, length) == 0


def ran(code: Code) -> bool:
    function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int64)(code.addresses["entry"])
    return [function(place) for place in range(len(TABLE))] == TABLE


def main(*arguments: str) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if arguments == ("older",):
        binding: Any = machine._binding()
        create = binding.create_lljit_compiler
        binding.create_lljit_compiler = lambda target, **_: create(target)
    target = machine.host()
    objects = machine.compiled(SOURCE, target)
    keep_to_the_heap()
    # Once as it is, so that nothing is done for the first time later.
    assert ran(Code(objects, ("entry",), target))
    before = size()
    kept = Code(objects, ("entry",), target)
    whole = size() - before
    assert ran(kept)
    assert whole >= 2 * PAGE, "code and constants have pages of their own"
    # A section has room in each of the small pieces, whichever is taken first; a program only in two.
    small = [PAGE] * 6
    scatter([*small, whole, whole, *small])
    print("scattered", flush=True)
    one, other = (Code(objects, ("entry",), target) for _ in range(2))
    assert ran(one)
    assert ran(other)
    assert ran(kept)
    print(f"{abs(one.addresses['entry'] - other.addresses['entry']) >> 30} GiB apart", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
