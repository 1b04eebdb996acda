"""Modules: the native functions of a program, in LLVM's intermediate language.

Every function is given the context, the worker's number, and how many workers there are: each runs the
same function with a number of its own.
"""

from __future__ import annotations

from clearprop.engine.block import INDEX, POINTER, Block, Module
from clearprop.engine.inference import Inference
from clearprop.engine.program import Program
from clearprop.engine.single import SingleSteps
from clearprop.engine.steps import Steps

WORKER = [("context", POINTER), ("worker", INDEX), ("workers", INDEX)]


def training(program: Program) -> Module:
    """The module with the function ``train``: a whole run of steps."""
    module = Module(program.numbers, program.triple)
    steps = SingleSteps if program.single else Steps
    module.function("train", WORKER, lambda b: steps(program, module, b).build(), exported=True)
    return module


def inference(program: Program) -> Module:
    """The module with the functions ``predict`` and ``errors``."""
    module = Module(program.numbers, program.triple)
    for name in ("predict", "errors"):

        def build(b: Block, name: str = name) -> None:
            Inference(program, module, b).build(name)

        module.function(name, WORKER, build, exported=True)
    return module
