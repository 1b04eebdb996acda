"""The machine: the processor that code is made for, and code made for it.

llvmlite is imported where it is used, so that this module can be imported anywhere.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from clearprop.cached import cached_property
from clearprop.errors import InvalidArgument, UnknownName

SWITCH = "CLEARPROP_CPU_FEATURES"
"""The environment variable that leaves features of the processor unused: ``-avx512f,-fma``, by LLVM's names."""


@dataclass(frozen=True)
class Target:
    """A processor: LLVM's name for it, the features that code may use, and those that it must not.

    The features are given to LLVM as well as the name: a hypervisor may hide some of what a
    processor of that name has, and an instruction that is hidden ends the process.
    """

    triple: str
    cpu: str
    features: tuple[str, ...]
    lacking: tuple[str, ...] = ()

    def has(self, feature: str) -> bool:
        """Whether code may use a feature, by LLVM's name for it."""
        return feature in self.features

    @cached_property
    def vector_bytes(self) -> int:
        """The width of a vector register."""
        if self.has("avx512f") and self.has("avx512dq"):
            return 64
        return 32 if self.has("avx") else 16

    @property
    def registers(self) -> int:
        """The number of vector registers."""
        return 32 if self.vector_bytes == 64 or not self.x86 else 16

    @property
    def fma(self) -> bool:
        """Whether a multiplication and an addition are one instruction."""
        return self.has("fma") or not self.x86

    @property
    def x86(self) -> bool:
        """Whether this is a 64-bit x86 processor."""
        return self.triple.startswith(("x86_64", "amd64"))

    @property
    def arm(self) -> bool:
        """Whether this is a 64-bit ARM processor."""
        return self.triple.startswith(("aarch64", "arm64"))

    @property
    def flags(self) -> str:
        """The features as LLVM wants them; those lacking last, for they take along what is built on them."""
        return ",".join([f"+{feature}" for feature in self.features] + [f"-{feature}" for feature in self.lacking])

    def __str__(self) -> str:
        return f"{self.triple} {self.cpu} {self.flags}"

    def without(self, *features: str) -> Target:
        """The same processor with some of its features left unused, and all that is built on them."""
        gone = _with_dependents(features, self.features)
        left = tuple(each for each in self.features if each not in gone)
        return Target(self.triple, self.cpu, left, tuple(sorted({*self.lacking, *gone})))


# --- features --------------------------------------------------------------------------------------------

NEEDS = {
    "ssse3": ("sse3",),
    "sse4.1": ("ssse3",),
    "sse4.2": ("sse4.1",),
    "avx": ("sse4.2",),
    "fma": ("avx",),
    "f16c": ("avx",),
    "vaes": ("avx",),
    "vpclmulqdq": ("avx",),
    "fma4": ("avx",),
    "xop": ("fma4",),
    "avx2": ("avx",),
    "avx512f": ("avx2", "fma", "f16c"),
}
"""The features that x86 features are built on, in LLVM; whatever else begins with avx512 or avx10 is built on avx512f,
and what else begins with avx on avx2."""

BASIC = ("64bit", "cmov", "cx8", "fp-armv8", "fxsr", "mmx", "neon", "sse", "sse2")
"""Features that every processor of its kind has and that code always uses."""


def _needs(feature: str) -> tuple[str, ...]:
    if feature in NEEDS:
        return NEEDS[feature]
    if feature.startswith(("avx512", "avx10")):
        return ("avx512f",)
    return ("avx2",) if feature.startswith("avx") else ()


def _with_dependents(features: Iterable[str], known: Iterable[str]) -> set[str]:
    """These features, and of those known all that need one of them."""
    gone: set[str] = set()
    more = set(features)
    while more:
        gone |= more
        more = {each for each in known if each not in gone and not gone.isdisjoint(_needs(each))}
    return gone


def _switched_off(given: str, known: Iterable[str]) -> tuple[str, ...]:
    """The features that the environment variable names."""
    names = []
    for part in filter(None, (each.strip() for each in given.split(","))):
        name = part.removeprefix("-")
        if name == part:
            raise InvalidArgument(
                f'{SWITCH}: expected features to leave unused, each with a minus, like "-avx512f,-fma"; found "{part}"'
            )
        if name not in known:
            raise UnknownName("feature of this processor", name, known, SWITCH)
        if name in BASIC:
            raise InvalidArgument(
                f"{SWITCH}: {name} is what every processor of this kind has; it cannot be left unused"
            )
        names.append(name)
    return tuple(names)


def host() -> Target:
    """The processor that this runs on, less what the environment variable leaves unused.

    Raises:
        RequestError: the environment variable names something that is no feature.
    """
    return _host(os.environ.get(SWITCH, ""))


@cache
def _host(switched: str) -> Target:
    with lock:
        binding = _binding()
        found: dict[str, bool] = binding.get_host_cpu_features()
        target = Target(
            binding.get_process_triple(),
            binding.get_host_cpu_name(),
            tuple(sorted(name for name, present in found.items() if present)),
            tuple(sorted(name for name, present in found.items() if not present)),
        )
    return target.without(*_switched_off(switched, found))


# --- code ------------------------------------------------------------------------------------------------

lock = threading.RLock()
"""Held by whoever uses LLVM. It has a lock of its own, and a process that is copied while another thread holds that
could never compile: so processes are not copied meanwhile."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)

_unneeded: deque[object] = deque()


@cache
def _binding() -> Any:
    """LLVM, ready to make code for this machine."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


def versions() -> str:
    """Which llvmlite and which LLVM make the code."""
    import llvmlite

    return f"llvmlite {llvmlite.__version__}, LLVM {'.'.join(map(str, _binding().llvm_version_info))}"


def target_machine(target: Target) -> Any:
    """LLVM's code generator for a processor."""
    chosen = _binding().Target.from_triple(target.triple)
    return chosen.create_target_machine(
        cpu=target.cpu, features=target.flags, opt=3, reloc="pic", codemodel="small", jit=True
    )


def compiled(source: str, target: Target) -> bytes:
    """Return object code from LLVM's intermediate language, as text."""
    module = _binding().parse_assembly(source)
    with _without_strength_reduction():
        return bytes(target_machine(target).emit_object(module))


def assembly(source: str, target: Target) -> str:
    """Return the same as assembly, to read."""
    module = _binding().parse_assembly(source)
    with _without_strength_reduction():
        return str(target_machine(target).emit_assembly(module))


KNOWN_LLVM = 22
"""The newest LLVM that was seen to know the option below; one that did not would end the process."""


@contextmanager
def _without_strength_reduction() -> Iterator[None]:
    """LLVM leaves the arithmetic of loops as it is written, which saves a third of its time: the kernels' inner
    loops gain nothing by it. The option is the whole process's, so it is set back at once."""
    binding = _binding()
    if binding.llvm_version_info[0] > KNOWN_LLVM:
        yield
        return
    binding.set_option("clearprop", "-disable-lsr=true")
    try:
        yield
    finally:
        binding.set_option("clearprop", "-disable-lsr=false")


def free(_unneeded: deque[object] = _unneeded, _lock: threading.RLock = lock) -> None:
    """Free the code that nobody needs any more. While another thread uses LLVM that is left to whoever makes code next:
    code may be let go anywhere, and waits for nobody."""
    if _lock.acquire(blocking=False):
        try:
            _unneeded.clear()
        finally:
            _lock.release()


class Code:
    """Object code in memory, linked to the other code that it ``needs``. Its functions live as long as this does.

    Raises:
        RuntimeError: it cannot be loaded.
    """

    def __init__(self, objects: bytes, names: tuple[str, ...], target: Target, needs: Code | None = None) -> None:
        from clearprop.engine.module import GIVE_WAY

        binding = _binding()
        self.size, self.needs = len(objects), needs
        # The older linker asks for memory section by section. In a large process the pieces may lie more than
        # 2 GiB apart, and code does not reach its constants: LLVM ends the process, or reads somewhere else.
        # The newer one asks for all at once. On Windows there is only the older one.
        newer = sys.platform != "win32"
        with lock:
            self._jit = binding.create_lljit_compiler(target_machine(target), use_jit_link=newer)
            library = binding.JITLibraryBuilder().add_object_img(objects)
            library.import_symbol(GIVE_WAY, _give_way())
            for name, place in (needs.addresses if needs is not None else {}).items():
                library.import_symbol(name, place)
            for name in names:
                library.export_symbol(name)
            self._library = library.link(self._jit, "clearprop")
            free()
        self.addresses: dict[str, int] = {name: int(self._library[name]) for name in names}

    # Bound here: when the interpreter ends, the names of this module are gone before the code.
    def __del__(self, _unneeded: deque[object] = _unneeded, _free: Callable[[], None] = free) -> None:
        _unneeded.append(self.__dict__.copy())
        self.__dict__.clear()
        _free()


@cache
def _give_way() -> int:
    """The address of the system's function that lets other threads run."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)
