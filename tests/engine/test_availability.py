"""Whether the compiled engine can be used here, and the reason if it cannot."""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from llvmlite import binding

from clearprop.engine import availability, machine
from clearprop.engine.availability import unusable


@pytest.fixture
def _fresh() -> Iterator[None]:
    """What was found out about this machine is found out again, before and after."""
    known: tuple[Any, ...] = (availability._missing, availability._unfit, machine._binding, machine._host)
    for each in known:
        each.cache_clear()
    yield
    for each in known:
        each.cache_clear()


@pytest.mark.usefixtures("_fresh")
def test_here_code_can_be_made() -> None:
    assert unusable() is None


@pytest.mark.usefixtures("_fresh")
def test_without_llvmlite_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    reason = unusable()
    assert reason is not None
    assert re.fullmatch(r"the compiled engine needs llvmlite, which cannot be imported \(.*llvmlite.*\)", reason)


@pytest.mark.usefixtures("_fresh")
def test_an_llvmlite_that_does_not_load_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str, *rest: Any, **more: Any) -> Any:
        if name == "llvmlite":
            raise OSError("Could not find/load shared object file\n'libllvmlite.so'")
        return real(name, *rest, **more)

    real = builtins.__import__
    monkeypatch.setattr("builtins.__import__", broken)
    reason = unusable()
    monkeypatch.undo()
    assert reason == (
        "the compiled engine needs llvmlite, which cannot be imported "
        "(Could not find/load shared object file 'libllvmlite.so')"
    )


@pytest.mark.usefixtures("_fresh")
def test_an_old_llvmlite_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "llvm_version_info", (15, 0, 7))
    monkeypatch.setattr("llvmlite.__version__", "0.44.0")
    assert unusable() == "the compiled engine needs llvmlite 0.45 or newer, found 0.44.0"


@pytest.mark.usefixtures("_fresh")
@pytest.mark.parametrize("broken", ["get_host_cpu_features", "parse_assembly", "create_lljit_compiler"])
def test_an_llvm_that_fails_is_a_reason(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no memory\nthat can be run")

    monkeypatch.setattr(binding, broken, fail)
    reason = "the compiled engine cannot make code for this machine (no memory that can be run)"
    assert unusable() == reason


@pytest.mark.usefixtures("_fresh")
@pytest.mark.parametrize("kind", ["riscv64", "i686", "powerpc64le"])
def test_other_processors_are_a_reason(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "get_process_triple", lambda: f"{kind}-unknown-linux-gnu")
    assert unusable() == (f"the compiled engine makes code for 64-bit x86 and ARM processors, and this one is {kind}")
