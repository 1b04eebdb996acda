"""Modules: every function is built once, and those of another module are only named."""

from __future__ import annotations

import pytest
from llvmlite import binding, ir

from clearprop.engine import machine
from clearprop.engine.block import Block
from clearprop.engine.machine import Code
from clearprop.engine.module import Module
from clearprop.engine.numbers import INDEX, POINTER, Numbers

NUMBERS = Numbers("float32", 4)


def empty(elsewhere: tuple[str, ...] = (), *, shared: bool = False) -> Module:
    return Module(NUMBERS, machine.host().triple, elsewhere, shared=shared)


def test_a_function_is_built_once() -> None:
    module, built = empty(), []
    first = module.function("f", [("p", POINTER), ("n", INDEX)], lambda b: built.append(sorted(b.named)))
    again = module.function("f", [], lambda b: built.append(["again"]))
    assert first is again
    assert built == [["n", "p"]]
    binding.parse_assembly(str(module)).verify()


def test_a_function_of_another_module_is_not_built() -> None:
    def fail(b: Block) -> None:
        raise AssertionError("built")

    module = empty(("f",))
    assert module.function("f", [("p", POINTER)], fail).is_declaration
    with pytest.raises(AssertionError, match="built"):
        empty().function("f", [("p", POINTER)], fail)


@pytest.mark.parametrize(
    ("shared", "exported", "linkage"), [(False, False, "internal"), (True, False, ""), (False, True, "")]
)
def test_only_what_is_shared_or_exported_can_be_found_from_outside(shared: bool, exported: bool, linkage: str) -> None:
    module = empty(shared=shared)
    assert module.function("f", [], lambda b: None, exported=exported).linkage == linkage


def test_what_is_imported_is_declared_once() -> None:
    module, kind = empty(), ir.FunctionType(ir.VoidType(), [])
    assert module.imported("g", kind) is module.imported("g", kind)
    assert str(module).count('@"g"') == 1


def test_the_module_compiles_to_code_with_its_functions() -> None:
    module = empty()
    module.function("f", [("p", POINTER)], lambda b: None, exported=True)
    code = Code(machine.compiled(str(module), machine.host()), ("f",), machine.host())
    assert set(code.addresses) == {"f"}
