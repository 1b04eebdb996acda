"""Built programs: native functions for a problem, compiled when they are first asked for."""

from __future__ import annotations

from functools import cached_property

from clearprop.engine import machine, modules
from clearprop.engine.machine import Code, Target
from clearprop.engine.program import Program
from clearprop.engine.workers import FUNCTION, Native


class Built:
    """The functions of a program, each module compiled when one of its functions is first wanted."""

    def __init__(self, program: Program, target: Target) -> None:
        self.program, self.target = program, target

    @cached_property
    def train(self) -> Native:
        """Steps of training."""
        return FUNCTION(self.training.addresses["train"])

    @cached_property
    def predict(self) -> Native:
        """Outputs."""
        return FUNCTION(self.inference.addresses["predict"])

    @cached_property
    def errors(self) -> Native:
        """The error of each example."""
        return FUNCTION(self.inference.addresses["errors"])

    @cached_property
    def training(self) -> Code:
        """The code of ``train``."""
        return self._code(str(modules.training(self.program)), ("train",))

    @cached_property
    def inference(self) -> Code:
        """The code of ``predict`` and ``errors``."""
        return self._code(str(modules.inference(self.program)), ("predict", "errors"))

    def _code(self, source: str, names: tuple[str, ...]) -> Code:
        return Code(machine.compiled(source, self.target), names, self.target)
