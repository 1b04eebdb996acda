"""Built programs: native functions for a problem, compiled when they are first asked for.

Code is kept in memory for as long as it is among the last used, and on disk for the next process.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from clearprop.engine import cache, machine
from clearprop.engine.fingerprint import Part, fingerprint, unchanged
from clearprop.engine.machine import Code, Target
from clearprop.engine.program import Program
from clearprop.engine.workers import FUNCTION, Native

if TYPE_CHECKING:
    from clearprop.engine.block import Block

Origin = Literal["compiled", "disk", "memory"]


class Loaded(NamedTuple):
    """Code that can be run, where it came from, and the seconds that it took to have it."""

    code: Code
    origin: Origin
    seconds: float


class Built:
    """The functions of a program, compiled when one of them is first wanted.

    Whoever trains wants all of them, and they are made at once, for they share most of their code;
    whoever only predicts is spared the training. The functions live as long as this does.
    """

    def __init__(self, program: Program, target: Target) -> None:
        self.program, self.target = program, target
        self._loaded: dict[Part, Loaded] = {}
        self._functions: dict[str, Native] = {}

    @property
    def train(self) -> Native:
        """Steps of training."""
        return self._function("train", "training")

    @property
    def errors(self) -> Native:
        """The error of each example."""
        return self._function("errors", "training")

    @property
    def predict(self) -> Native:
        """Outputs."""
        return self._function("predict", "inference")

    @property
    def loaded(self) -> Loaded:
        """The code of all functions, and how it came here."""
        return self._part("training")

    @property
    def training(self) -> Code:
        """The code of all functions."""
        return self.loaded.code

    @property
    def inference(self) -> Code:
        """The code of ``predict``, by itself or with the rest if that is there."""
        return self._part("inference").code

    @property
    def source(self) -> str:
        """The code of all functions in LLVM's intermediate language."""
        return source(self.program, "training")

    @property
    def assembly(self) -> str:
        """The code of all functions as assembly, to read."""
        return machine.assembly(self.source, self.target)

    def _function(self, name: str, part: Part) -> Native:
        if name not in self._functions:
            self._functions[name] = FUNCTION(self._part(part).code.addresses[name])
        return self._functions[name]

    def _part(self, part: Part) -> Loaded:
        # Not a cached property: those have locks of their own, which a fork knows nothing of.
        with _lock:
            if "training" in self._loaded:
                return self._loaded["training"]
            if part not in self._loaded:
                self._loaded[part] = loaded(self.program, self.target, part)
            return self._loaded[part]


# --- sources ---------------------------------------------------------------------------------------------


def _training(program: Program) -> str:
    """All functions in one module: most of the code of two would be the same, and compiled twice."""
    # Imported when there is something to build: code is read from the disk in less time than this takes.
    from clearprop.engine import modules
    from clearprop.engine.inference import Inference

    module = modules.training(program)
    for name in NAMES["inference"]:

        def build(b: Block, name: str = name) -> None:
            Inference(program, module, b).build(name)

        module.function(name, modules.WORKER, build, exported=True)
    return str(module)


def _inference(program: Program) -> str:
    from clearprop.engine import modules

    return str(modules.inference(program))


NAMES: Mapping[Part, tuple[str, ...]] = {
    "training": ("train", "predict", "errors"),
    "inference": ("predict", "errors"),
}
SOURCES: Mapping[Part, Callable[[Program], str]] = {"training": _training, "inference": _inference}


def source(program: Program, part: Part) -> str:
    """A program in LLVM's intermediate language."""
    # Of the many small objects that this makes none can go before the end: looking for some that can
    # takes a fifth of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return SOURCES[part](program)
    finally:
        if collects:
            gc.enable()


# --- code ------------------------------------------------------------------------------------------------

MOST_KEPT = 64
"""Programs whose code stays in memory."""

_kept: OrderedDict[str, Code] = OrderedDict()
_lock = threading.RLock()

# A process is not copied in the middle of this: the copy could never go on.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def loaded(program: Program, target: Target, part: Part) -> Loaded:
    """The code of a program: from memory, or from the disk, or compiled now.

    One at a time: LLVM is used by one thread at a time anyway, and what two threads want is made once.
    """
    start = time.perf_counter()
    with _lock:
        mark = fingerprint(program, target, part) if cache.enabled() else None
        code = _kept.get(mark) if mark is not None else None
        origin: Origin = "memory"
        if code is None and mark is not None:
            code, origin = _from_disk(mark, target, part), "disk"
        if code is None:
            objects, origin = machine.compiled(source(program, part), target), "compiled"
            code = Code(objects, NAMES[part], target)
            if mark is not None and unchanged():
                cache.write(mark, str(target), objects)
        if mark is not None:
            _keep(mark, code)
    return Loaded(code, origin, time.perf_counter() - start)


def _from_disk(mark: str, target: Target, part: Part) -> Code | None:
    objects = cache.read(mark, str(target))
    try:
        return None if objects is None else Code(objects, NAMES[part], target)
    except RuntimeError:  # what was kept is whole, but this LLVM does not take it
        return None


def _keep(mark: str, code: Code) -> None:
    _kept[mark] = code
    _kept.move_to_end(mark)
    while len(_kept) > MOST_KEPT:
        _kept.popitem(last=False)


def forget() -> None:
    """Keep nothing in memory any more."""
    with _lock:
        _kept.clear()
