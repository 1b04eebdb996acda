"""Built programs: native functions, compiled when they are first needed.

Code is kept in memory for as long as it is among the last used, and on disk for the next process. It is made
in parts, and what networks have in common they share: the kernels all of a precision, the rest all with the
same rules.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Literal, NamedTuple

from clearprop.engine import cache, machine
from clearprop.engine.fingerprint import Part, fingerprint, unchanged
from clearprop.engine.machine import Code, Target
from clearprop.engine.program import Program
from clearprop.engine.workers import FUNCTION, Native

Called = Literal["train", "gradient", "apply", "errors", "predict", "epochs", "orders"]
"""The functions that are called from Python."""

Origin = Literal["compiled", "disk", "memory"]
ORIGINS: tuple[Origin, ...] = ("memory", "disk", "compiled")


class Loaded(NamedTuple):
    """Parts that can be run, where the slowest of them came from, and the seconds that it took to have them."""

    code: Mapping[Part, Code]
    origin: Origin
    seconds: float

    @property
    def size(self) -> int:
        """The bytes of their code."""
        return sum(each.size for each in self.code.values())


class Built:
    """The functions of a program, compiled when one of them is first needed.

    The functions live as long as this does.
    """

    TRAINING: tuple[Part, ...] = ("kernels", "train", "errors")
    INFERENCE: tuple[Part, ...] = ("kernels", "predict")

    def __init__(self, program: Program, target: Target) -> None:
        self.program, self.target = program, target
        self._loaded: dict[tuple[Part, ...], Loaded] = {}
        self._functions: dict[str, Native] = {}

    def function(self, name: Called) -> Native:
        """Return the function of that name."""
        if name not in self._functions:
            self._functions[name] = FUNCTION(self.place(name))
        return self._functions[name]

    def place(self, name: Called) -> int:
        """Return where a function stands."""
        part: Part = "epochs" if name == "orders" else name
        # Whoever asks first for errors wants to train next: both are made together.
        parts = self.TRAINING if part == "errors" and not self._loaded else ("kernels", part)
        return self._parts(parts).code[part].addresses[name]

    @property
    def training(self) -> Loaded:
        """The code that trains, and how it came here."""
        return self._parts(self.TRAINING)

    @property
    def inference(self) -> Loaded:
        """The code that predicts, and how it came here."""
        return self._parts(self.INFERENCE)

    @property
    def assembly(self) -> str:
        """The code that trains as assembly, to read."""
        with machine.lock:
            return "\n".join(machine.assembly(source(self.program, part), self.target) for part in self.TRAINING)

    def _parts(self, parts: tuple[Part, ...]) -> Loaded:
        # Not a cached property: its lock would not survive a fork.
        with machine.lock:
            if parts not in self._loaded:
                known = {part: code for each in self._loaded.values() for part, code in each.code.items()}
                self._loaded[parts] = loaded(self.program, self.target, parts, known)
            return self._loaded[parts]


# --- sources ---------------------------------------------------------------------------------------------


def source(program: Program, part: Part) -> str:
    """Return a part of a program in LLVM's intermediate language."""
    # Imported when there is something to build: code is read from the disk in less time than this takes.
    from clearprop.engine import functions

    return str(functions.module(program, part))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Of the many small objects that texts are made from none can go before the end: looking for some that can takes a
    fifth of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


# --- code ------------------------------------------------------------------------------------------------

MOST_KEPT = 64
"""Parts whose code stays in memory."""

_kept: OrderedDict[str, Code] = OrderedDict()


def loaded(
    program: Program, target: Target, parts: Sequence[Part], known: Mapping[Part, Code] = MappingProxyType({})
) -> Loaded:
    """The code of some parts, the kernels first: as it is known, or from memory, or from the disk, or compiled now.

    One at a time: LLVM is used by one thread at a time anyway, and what two threads want is made once.
    """
    start = time.perf_counter()
    with machine.lock:
        marks = {part: fingerprint(program, target, part) if cache.enabled() else None for part in parts}
        code = {part: known[part] for part in parts if part in known}
        code |= {part: _kept[mark] for part, mark in marks.items() if mark is not None and mark in _kept}
        found = {part: cache.read(mark, str(target)) for part, mark in marks.items() if mark and part not in code}
        objects = {part: content for part, content in found.items() if content is not None}
        origins: list[Origin] = ["disk" if objects else "memory"]
        linked = _linked(program, target, objects, code)
        missing = [part for part in parts if part not in linked]
        if missing:
            origins.append("compiled")
            objects = dict(zip(missing, _compiled(program, target, missing), strict=True))
            linked = _linked(program, target, objects, linked)
            for part, content in objects.items() if unchanged() else ():
                if (mark := marks[part]) is not None:
                    cache.write(mark, str(target), content)
        for part, mark in marks.items():
            if mark is not None:
                _kept[mark] = linked[part]
                _kept.move_to_end(mark)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    origin = max(origins, key=ORIGINS.index)
    return Loaded({part: linked[part] for part in parts}, origin, time.perf_counter() - start)


def _linked(
    program: Program, target: Target, objects: Mapping[Part, bytes], known: Mapping[Part, Code]
) -> dict[Part, Code]:
    """The code that is known and that of these objects, as far as LLVM takes them."""
    linked = dict(known)
    for part, content in objects.items():
        kernels = linked.get("kernels")
        if part != "kernels" and kernels is None:
            continue
        names = {"kernels": program.kernels, "epochs": ("epochs", "orders")}.get(part, (part,))
        with suppress(RuntimeError):  # what was kept is whole, but this LLVM does not take it
            linked[part] = Code(content, names, target, kernels)
    return linked


def _compiled(program: Program, target: Target, parts: Sequence[Part]) -> list[bytes]:
    """Return these parts as object code. LLVM compiles one, in another thread, while the next is written."""
    found: list[bytes | BaseException] = []

    def work(text: str) -> None:
        try:
            found.append(machine.compiled(text, target))
        except BaseException as error:  # raised where it is waited for
            found.append(error)

    threads: list[threading.Thread] = []
    # What is left of the texts is collected while LLVM is at work.
    with _without_collector():
        for part in parts:
            text = source(program, part)
            for last in threads:
                last.join()
            threads.append(threading.Thread(target=work, args=(text,), daemon=True))
            threads[-1].start()
    threads[-1].join()
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return [each for each in found if isinstance(each, bytes)]
