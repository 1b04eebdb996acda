"""The machine and the versions, as every table of times must state them."""

from __future__ import annotations

import hashlib
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.contenders.entry import cores

import clearprop

ROOT = Path(__file__).resolve().parents[2]
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


def sources() -> str:
    """A fingerprint of clearprop's own code: its version alone does not change with every kernel."""
    package = Path(clearprop.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def commit() -> str | None:
    """The commit that was checked out, and whether the package differs from it; None where there is no git."""
    found = _git("rev-parse", "--short", "HEAD")
    # Whether the pages differ is no matter: these commands write them.
    return f"{found}, changed" if found and _git("status", "--porcelain", "--", "src") else found or None


def _git(*line: str) -> str:
    """What it prints; nothing, if it fails."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *line], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return "" if done.returncode else done.stdout.strip()


FILES = ("--json", "--table", "--docs", "--plot")
"""Options that say where results go, which is nobody else's concern."""


def command(script: str, *given: str) -> str:
    """What to type to measure the same.

    >>> command("benchmarks/engine.py", "--json", "found.json", "--rows", "predict*", "--docs=page", "--resume")
    "python benchmarks/engine.py --rows 'predict*'"
    """
    told: list[str] = []
    rest = iter(given)
    for each in rest:
        if each in FILES:
            next(rest, None)
        elif each != "--resume" and not each.startswith(tuple(f"{name}=" for name in FILES)):
            told.append(each)
    return shlex.join(["python", f"benchmarks/{Path(script).name}", *told])


def described() -> dict[str, Any]:
    """All of it, with the date and the command."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "sources": sources(),
        "processor": processor(),
        "cores": cores(),
        "extensions": extensions(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions(),
        "command": command(*sys.argv),
    }
