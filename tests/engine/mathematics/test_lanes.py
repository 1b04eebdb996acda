"""The arithmetic of vectors: it calls no library, and each value is computed once."""

from __future__ import annotations

from typing import Any

import pytest
from llvmlite import ir
from tests.engine.support.accuracy import POWER, TREES
from tests.engine.support.compiled import KINDS, Kind, assembly, calls, loop, module

from clearprop.engine.mathematics.lanes import Lanes


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_no_function_calls_a_library(kind: Kind) -> None:
    source = module(kind, ["z", "u", "v"], [*TREES.values(), POWER])
    assert calls(assembly(kind, source)) == []


@pytest.mark.parametrize("name", ["llvm.exp", "llvm.roundeven"])
def test_a_call_of_a_library_is_found(name: str) -> None:
    kind = next(kind for kind in KINDS if not kind.fma or kind is KINDS[-1])

    def write(builder: ir.IRBuilder, values: Any) -> list[ir.Value]:
        lanes = Lanes(builder, kind.type, fma=kind.fma)
        return [lanes._call(name, values["z"])]

    assert calls(assembly(kind, loop(kind, ["z"], write, 1)))
