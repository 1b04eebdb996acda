"""The machine: the processor that code is made for, and code made for it."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from llvmlite import binding

from clearprop.engine.block import GIVE_WAY


@dataclass(frozen=True)
class Target:
    """A processor: LLVM's name for it, and its features.

    The features are given to LLVM as well as the name: a hypervisor may hide some of what a
    processor of that name has, and an instruction that is hidden ends the process.
    """

    triple: str
    cpu: str
    features: tuple[str, ...]

    def has(self, feature: str) -> bool:
        """Whether the processor has a feature, by LLVM's name for it."""
        return feature in self.features

    @cached_property
    def vector_bytes(self) -> int:
        """The width of a vector register."""
        if self.has("avx512f") and self.has("avx512dq"):
            return 64
        return 32 if self.has("avx") else 16

    @property
    def registers(self) -> int:
        """How many vector registers there are."""
        return 32 if self.vector_bytes == 64 or not self.x86 else 16

    @property
    def fused(self) -> bool:
        """Whether a multiplication and an addition are one instruction."""
        return self.has("fma") or not self.x86

    @property
    def x86(self) -> bool:
        """Whether this is an x86 processor."""
        return self.triple.startswith(("x86_64", "i686", "amd64"))

    @property
    def flags(self) -> str:
        """The features as LLVM wants them."""
        return ",".join(f"+{feature}" for feature in self.features)

    def without(self, *features: str) -> Target:
        """The same processor with some of its features left unused."""
        return Target(self.triple, self.cpu, tuple(each for each in self.features if each not in features))


@cache
def host() -> Target:
    """The processor that this runs on."""
    _initialize()
    found: Mapping[str, bool] = binding.get_host_cpu_features()
    return Target(
        binding.get_process_triple(),
        binding.get_host_cpu_name(),
        tuple(sorted(name for name, present in found.items() if present)),
    )


@cache
def _initialize() -> None:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()


def target_machine(target: Target) -> Any:
    """LLVM's code generator for a processor."""
    _initialize()
    chosen = binding.Target.from_triple(target.triple)
    return chosen.create_target_machine(
        cpu=target.cpu, features=target.flags, opt=3, reloc="pic", codemodel="small", jit=True
    )


def compiled(source: str, target: Target) -> bytes:
    """Object code from LLVM's intermediate language, as text."""
    module = binding.parse_assembly(source)
    return bytes(target_machine(target).emit_object(module))


def assembly(source: str, target: Target) -> str:
    """The same as assembly, to read."""
    return str(target_machine(target).emit_assembly(binding.parse_assembly(source)))


class Code:
    """Object code in memory. Its functions live as long as this does."""

    def __init__(self, objects: bytes, names: tuple[str, ...], target: Target) -> None:
        self.size = len(objects)
        self._jit = binding.create_lljit_compiler(target_machine(target))
        library = binding.JITLibraryBuilder().add_object_img(objects)
        library.import_symbol(GIVE_WAY, _give_way())
        for name in names:
            library.export_symbol(name)
        self._library = library.link(self._jit, "clearprop")
        self.addresses = {name: int(self._library[name]) for name in names}


@cache
def _give_way() -> int:
    """Where the system's function stands that lets other threads run."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)


def unusable() -> str | None:
    """Why no code can be made for this machine, or None if it can."""
    return None
