"""Modules: which functions each has, and which it finds in another one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.engine.support.programs import program

from clearprop.engine import functions, machine
from clearprop.engine.functions import Function
from clearprop.engine.machine import Code
from clearprop.engine.module import GIVE_WAY
from clearprop.engine.program import Program

FUNCTIONS: tuple[Function, ...] = ("train", "gradient", "apply", "errors", "predict")
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "fused": {"last": "softmax", "loss": "categorical_cross_entropy"},
    "everything": {"activation": "softmax", "dropout": 0.5, "bias": "shared", "clip_norm": 1.0, "whole": True},
    "one by one": {"alone": True},
    "single": {"single": True},
}
WIDTHS = [(1,), (2,), (1, 2)]

defined = re.compile(r'^define (.*?)void @"([^"]+)"\(([^)]*)\)', re.MULTILINE)
declared = re.compile(r'^declare void @"([^"]+)"\(([^)]*)\)', re.MULTILINE)


def kinds(arguments: str) -> list[str]:
    """The types of arguments."""
    return [argument.split()[0] for argument in arguments.split(", ") if argument]


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("rows", [6, 8])
def test_the_names_of_kernels_are_those_of_the_program(widths: tuple[int, ...], rows: int) -> None:
    of = program(widths=widths, tile=(rows, 4, 2))
    found = defined.findall(str(functions.kernels(of)))
    assert tuple(name for _, name, _ in found) == of.kernels
    assert len(set(of.kernels)) == len(of.kernels)
    # All can be found from elsewhere.
    assert {linkage for linkage, *_ in found} == {""}
    expected = {f"{kernel}_{vectors}" for kernel in (f"product_{rows}", "gradient") for vectors in widths}
    assert {name for name in of.kernels if name[-1].isdigit()} == expected


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("name", SETTINGS)
def test_what_a_module_does_not_have_the_kernels_have(name: str, widths: tuple[int, ...]) -> None:
    """With the same arguments; it has none of them itself, and nobody else finds what it has."""
    of = program(widths=widths, **SETTINGS[name])
    kernels = {name: kinds(arguments) for _, name, arguments in defined.findall(str(functions.kernels(of)))}
    for function in FUNCTIONS:
        text = str(functions.called(of, function))
        own = {name: linkage.strip() for linkage, name, _ in defined.findall(text)}
        assert {name for name, linkage in own.items() if linkage != "internal"} == {function}
        assert not own.keys() & kernels.keys()
        elsewhere = {
            name: kinds(arguments) for name, arguments in declared.findall(text) if not name.startswith("llvm.")
        }
        assert elsewhere == {name: kernels[name] for name in elsewhere}
        assert bool(elsewhere) != (name == "single" and function == "train")
    assert [name for name, _ in declared.findall(str(functions.kernels(of))) if "llvm." not in name] == [GIVE_WAY]


def host(of: dict[str, Any], **changes: Any) -> Program:
    return program(**of, triple=machine.host().triple, **changes)


def made(of: Program, function: Function | None = None) -> bytes:
    source = functions.kernels(of) if function is None else functions.called(of, function)
    return machine.compiled(str(source), machine.host())


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_parts_are_linked_to_the_kernels(widths: tuple[int, ...]) -> None:
    target, of = machine.host(), host({}, widths=widths)
    kernels = Code(made(of), of.kernels, target)
    for function in FUNCTIONS:
        code = Code(made(of, function), (function,), target, kernels)
        assert set(code.addresses) == {function}
        assert code.needs is kernels


def test_kernels_that_are_missing_are_an_error() -> None:
    """In whichever order parts are linked: without the kernels, to other ones, or to another part."""
    target, of, narrow = machine.host(), host({}, widths=(1, 2)), host({}, widths=(1,))
    kernels, others = Code(made(of), of.kernels, target), Code(made(narrow), narrow.kernels, target)
    for function in FUNCTIONS:
        content = made(of, function)
        errors = Code(made(of, "errors"), ("errors",), target, kernels)
        # An update needs no kernel that depends on the widths of panels.
        for needs in (None, errors) if function == "apply" else (None, others, errors):
            with pytest.raises(RuntimeError):
                Code(content, (function,), target, needs)
        assert Code(content, (function,), target, kernels).addresses
    for names, content in ((of.kernels, made(narrow)), (("train",), made(of, "predict"))):
        with pytest.raises(RuntimeError):
            Code(content, names, target, kernels if names == ("train",) else None)
