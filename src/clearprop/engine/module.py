"""A module of native code: functions in LLVM's intermediate language."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from llvmlite import ir

from clearprop.engine.block import Block, declared
from clearprop.engine.numbers import Numbers

GIVE_WAY = "give_way"
"""The function that code calls to let other threads run; it is named when the code is loaded."""


class Module:
    """The code of a program: functions, each built once under its name."""

    def __init__(self, numbers: Numbers, triple: str, elsewhere: Collection[str] = (), *, shared: bool = False) -> None:
        """Make an empty module.

        The functions named ``elsewhere`` are in another module and are found when the code is loaded; other modules
        find the functions of this one if it is ``shared``.
        """
        self.numbers, self.elsewhere, self.shared = numbers, elsewhere, shared
        self.module = ir.Module("clearprop")
        self.module.triple = triple
        self.functions: dict[str, ir.Function] = {}

    def function(
        self,
        name: str,
        arguments: Sequence[tuple[str, ir.Type]],
        build: Callable[[Any], None],
        *,
        exported: bool = False,
    ) -> ir.Function:
        """Return the function of that name; ``build`` receives a block with the arguments under ``named``."""
        if name not in self.functions:
            kind = ir.FunctionType(ir.VoidType(), [type for _, type in arguments])
            function = self.functions[name] = ir.Function(self.module, kind, name)
            function.attributes.add("nounwind")
            if name not in self.elsewhere:
                function.linkage = "" if exported or self.shared else "internal"
                named = {argument: value for (argument, _), value in zip(arguments, function.args, strict=True)}
                for argument, value in named.items():
                    value.name = argument
                block = Block(ir.IRBuilder(function.append_basic_block("entry")), self.numbers, named)
                build(block)
                block.builder.ret_void()
        return self.functions[name]

    def imported(self, name: str, kind: ir.FunctionType) -> ir.Function:
        """Return a function that is found when the code is loaded."""
        return declared(self.module, name, kind)

    def __str__(self) -> str:
        return str(self.module)
