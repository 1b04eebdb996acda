"""The machine and the versions, as every table of times must state them."""

from __future__ import annotations

import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.contenders.entry import cores

PACKAGES = ("clearprop", "numpy", "llvmlite", "torch", "jax", "scikit-learn", "scipy")
EXTENSIONS = ("sse2", "avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl", "amx-tile", "neon", "sve")


def processor() -> str:
    """The model's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def extensions() -> list[str]:
    """The vector instructions that LLVM finds."""
    binding: Any = import_module("llvmlite.binding")
    found = binding.get_host_cpu_features()
    return [name for name in EXTENSIONS if found.get(name)]


def versions() -> dict[str, str]:
    """Python's and those of the packages that are there."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def described() -> dict[str, Any]:
    """All of it, with the date and the command."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor(),
        "cores": cores(),
        "extensions": extensions(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions(),
        "command": shlex.join(["python", "benchmarks/engine.py", *sys.argv[1:]]),
    }
