"""Modules: the native functions of a program, in LLVM's intermediate language, as separate texts.

Every function called from Python takes the context, the number of the worker and the number of workers; all
workers run the same function. The table of layers says what to do; kernels do the work. Kernels that
depend on no rule are one module, which all networks of a precision share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.fingerprint import Part
from clearprop.engine.forward import Forward
from clearprop.engine.inference import Errors, Predict
from clearprop.engine.kernels.activate import times
from clearprop.engine.kernels.barrier import barrier
from clearprop.engine.kernels.epochs import epochs
from clearprop.engine.kernels.gather import gather
from clearprop.engine.kernels.gradient import bias_gradient, gradient
from clearprop.engine.kernels.orders import orders
from clearprop.engine.kernels.product import product
from clearprop.engine.kernels.transpose import transpose
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments
from clearprop.engine.program import Program
from clearprop.engine.single import SingleSteps
from clearprop.engine.steps import Apply, Gradient, Steps

Function = Literal["train", "gradient", "apply", "errors", "predict"]


def module(program: Program, part: Part) -> Module:
    """The module of a part."""
    if part == "kernels":
        return kernels(program)
    return around(program) if part == "epochs" else called(program, part)


def shared(program: Program) -> list[Callable[[Module], ir.Function]]:
    """The kernels that know no rule."""
    tile, shape, x86 = program.tile, program.shape, program.x86
    return [
        lambda module: gather(module, shape),
        lambda module: times(module, shape),
        lambda module: bias_gradient(module, shape),
        lambda module: transpose(module, shape),
        lambda module: barrier(module, x86=x86),
        *(partial(product, shape=shape, rows=tile.rows, vectors=vectors) for vectors in program.widths),
        *(partial(gradient, shape=shape, inputs=tile.inputs, vectors=vectors) for vectors in program.widths),
    ]


def kernels(program: Program) -> Module:
    """The module with those kernels."""
    module = Module(program.numbers, program.triple, shared=True)
    assert [build(module).name for build in shared(program)] == list(program.kernels)
    return module


def around(program: Program) -> Module:
    """The module with what is called around steps: it knows no rule either, and not every training needs it."""
    module = Module(program.numbers, program.triple)
    epochs(module, x86=program.x86)
    orders(module)
    return module


def called(program: Program, name: Function) -> Module:
    """The module with a function that is called from Python."""
    module = Module(program.numbers, program.triple, program.kernels)
    kinds: Mapping[Function, type[Forward]] = {
        "train": Steps,
        "gradient": Gradient,
        "apply": Apply,
        "errors": Errors,
        "predict": Predict,
    }
    kind = SingleSteps if name == "train" and program.single is not None else kinds[name]

    def build(b: Block) -> None:
        kind(program, module, b).build()

    function = module.function(name, arguments("context worker workers"), build, exported=True)
    if kind is not SingleSteps:
        # It only calls kernels: what LLVM could make better of it is not worth the time.
        function.attributes.add("noinline")
        function.attributes.add("optnone")
    return module
