"""Faults planted in kernels, to see that the tests would find them.

A kernel is called through another one of the same arguments, which changes one of them: a bound by one, an
address by a row. So the real code runs, wrongly. Nothing of this is kept: the part that calls the kernels is
compiled for the one engine that asks for it, and linked to the kernels that all share. It may have all faults at
once, of which one is switched on: what takes time is to compile.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from clearprop.engine import build, forward, inference, machine, steps, update_phase
from clearprop.engine.block import Block
from clearprop.engine.fingerprint import Part
from clearprop.engine.forward import Forward
from clearprop.engine.kernels import barrier as barriers
from clearprop.engine.kernels import softmax
from clearprop.engine.kernels.update import update
from clearprop.engine.machine import Code
from clearprop.engine.module import Module
from clearprop.engine.native import Native
from clearprop.engine.numbers import INDEX, POINTER, index
from clearprop.engine.panels import Panel
from clearprop.engine.steps import Steps
from clearprop.engine.update_phase import Weights
from clearprop.engine.workers import FUNCTION

Change = Callable[[Block, ir.Value, int], ir.Value]
"""A value of an argument, from the right one and the bytes of a panel's row."""


def more(number: int) -> Change:
    """So many more than there are."""
    return lambda b, value, _: b.add(value, number)


def whole_panel(b: Block, value: ir.Value, row: int) -> ir.Value:
    """All places of the panel, those that fill it up included: never one beyond it."""
    return b.integer(row // b.numbers.bytes)


def fewer(number: int) -> Change:
    """So many less, as long as there are any."""

    def change(b: Block, value: ir.Value, _: int) -> ir.Value:
        left = b.add(value, -number)
        return b.builder.select(b.builder.icmp_signed(">", left, b.integer(0)), left, b.integer(0))

    return change


def on(rows: int) -> Change:
    """The address some rows of a panel further on."""
    return lambda b, value, row: b.at(value, rows * row)


def beside(size: int) -> Change:
    """The address so many bytes further on."""
    return lambda b, value, _: b.at(value, size)


@dataclass(frozen=True, eq=False)
class Fault:
    """A fault: the kernel, and what of its arguments is changed; nothing at all is done without ``changes``."""

    kernel: str
    changes: Mapping[str, Change] | None


FAULTS: dict[str, Fault] = {
    "a product sums a few terms too many": Fault("product", {"inputs": more(4)}),
    "a product leaves one term out": Fault("product", {"inputs": more(-1)}),
    "a product begins at the second row of the weights": Fault("product", {"w": on(1)}),
    "a product starts from the row before the biases": Fault("product", {"start": on(-1)}),
    "a product leaves the last tile out": Fault("product", {"examples": fewer(8)}),
    "a product takes the next example": Fault("product", {"a": on(1)}),
    "a product puts its sums a row too far": Fault("product", {"c": on(1)}),
    "panels of activations are a row too far apart": Fault("product", {"panel": lambda b, v, row: b.add(v, row)}),
    "an activation leaves the last example out": Fault("activate", {"examples": more(-1)}),
    "an activation takes one example too many": Fault("activate", {"examples": more(1)}),
    "an activation leaves the last unit out": Fault("activate", {"units": more(-1)}),
    "an activation looks at a unit too many": Fault("activate", {"units": more(1)}),
    "slopes are put a row too far": Fault("activate", {"d": on(1)}),
    "a gradient leaves the last example out": Fault("gradient", {"examples": more(-1)}),
    "a gradient takes one example too many": Fault("gradient", {"examples": more(1)}),
    "a gradient takes the signals of the next example": Fault("gradient", {"d": on(1)}),
    "a gradient leaves the last inputs out": Fault("gradient", {"inputs": fewer(8)}),
    "a gradient goes on from an old one": Fault("gradient", {"going_on": more(1)}),
    "the gradient of biases leaves the last example out": Fault("bias_gradient", {"examples": more(-1)}),
    "the gradient of biases takes one example too many": Fault("bias_gradient", {"examples": more(1)}),
    "the gradient of a shared bias is not added up": Fault("shared_bias", None),
    "gathering takes the next example": Fault("gather", {"order": beside(8)}),
    "gathering begins one input too far": Fault("gather", {"x": beside(8)}),
    "gathering leaves the first example out": Fault("gather", {"first": more(1)}),
    "gathering leaves the last example out": Fault("gather", {"last": more(-1)}),
    "gathering thinks that there is one example less": Fault("gather", {"examples": more(-1)}),
    "gathering leaves the last input out": Fault("gather", {"units": more(-1)}),
    "dropout has the key of another layer": Fault("drop", {"key": lambda b, v, _: b.builder.xor(v, b.integer(1))}),
    "dropout leaves the last example out": Fault("drop", {"last": more(-1)}),
    "dropout leaves the first example out": Fault("drop", {"first": more(1)}),
    "dropout leaves the last units out": Fault("drop", {"units": fewer(8)}),
    "dropout takes the hash of the next unit": Fault("drop", {"hashes": beside(8)}),
    "dropout takes the next example": Fault("drop", {"order": beside(8)}),
    "dropout's share is off by a hundredth": Fault("drop", {"least": more(2**46)}),
    "dropout scales nothing up": Fault("drop", {"kept": lambda b, v, _: ir.Constant(v.type, 1.0)}),
    "dropout leaves the slopes alone": Fault("drop", {"d": lambda b, v, _: b.named["a"]}),
    "gathering begins one row too far": Fault("gather", {"x": on(1)}),
    "gathering begins one row too early": Fault("gather", {"x": on(-1)}),
    "weights are not transposed": Fault("transpose", None),
    "weights are transposed to the wrong row": Fault("transpose", {"wt": on(1)}),
    "the last inputs are not transposed": Fault("transpose", {"inputs": fewer(8)}),
    "the last units are not transposed": Fault("transpose", {"units": fewer(8)}),
    "the local derivative is left out": Fault("times", None),
    "the local derivative of the last example is left out": Fault("times", {"examples": more(-1)}),
    "the local derivative of the last units is left out": Fault("times", {"units": fewer(8)}),
    "the local derivative of a unit too many": Fault("times", {"u": on(1)}),
    "the Jacobian of softmax is left out": Fault("pull_back", None),
    "the Jacobian of softmax leaves the last example out": Fault("pull_back", {"last": more(-1)}),
    "the Jacobian of softmax looks at a vector less": Fault("pull_back", {"units": fewer(8)}),
    "softmax leaves the last example out": Fault("softmax", {"last": more(-1)}),
    "softmax leaves the first example out": Fault("softmax", {"first": more(1)}),
    "softmax leaves the last unit out": Fault("softmax", {"units": more(-1)}),
    "softmax looks at a unit too many": Fault("softmax", {"units": more(1)}),
    "softmax keeps its outputs a row too far": Fault("softmax", {"d": on(1)}),
    "an update leaves the last row out": Fault("update", {"rows": more(-1)}),
    "an update changes a row too many": Fault("update", {"rows": more(1)}),
    "an update leaves the last unit out": Fault("update", {"units": more(-1)}),
    "an update begins one row too early": Fault("update", {"w": on(-1)}),
    "an update takes the next part of the rule": Fault("update", {"parts": beside(8)}),
    "an update takes the gradient of the next row": Fault("update", {"g": on(1)}),
    "what is remembered stands a row too far": Fault("update", {"state": lambda b, v, row: b.add(v, row)}),
    "the norm's factor is left out": Fault("update", {"factor": lambda b, v, _: ir.Constant(v.type, 1.0)}),
    "outputs are written a row too far": Fault("scatter", {"y": on(1)}),
    "outputs are read a row too far": Fault("scatter", {"a": on(1)}),
    "outputs leave the last example out": Fault("scatter", {"examples": more(-1)}),
    "outputs leave the last unit out": Fault("scatter", {"units": more(-1)}),
    "the norm leaves the last row out": Fault("finish", {"rows": more(-1)}),
    "the norm looks at a row too many": Fault("finish", {"rows": more(1)}),
}


@contextmanager
def _replaced(room: Any, name: str, value: Any) -> Iterator[None]:
    real = vars(room)[name]
    setattr(room, name, value)
    try:
        yield
    finally:
        setattr(room, name, real)


SWITCH = ctypes.c_int64()
"""The number of the fault that is at work in code which has all of ``FAULTS``: its place there, from 1."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """While this lasts, code is built with that fault."""
    if name in OTHERS:
        with OTHERS[name]():
            yield
        return
    with _replaced_kernels({FAULTS[name]: None}):
        yield


@contextmanager
def all_planted() -> Iterator[None]:
    """While this lasts, code is built with all of ``FAULTS``, none of them at work."""
    with _replaced_kernels({fault: number for number, fault in enumerate(FAULTS.values(), start=1)}):
        yield


@contextmanager
def at_work(name: str) -> Iterator[None]:
    """While this lasts, that one of all faults is at work."""
    SWITCH.value = 1 + list(FAULTS).index(name)
    try:
        yield
    finally:
        SWITCH.value = 0


@contextmanager
def _replaced_kernels(faults: Mapping[Fault, int | None]) -> Iterator[None]:
    """While this lasts, kernels are called with these faults, each by its number or always."""
    rooms: list[Any] = [steps, update_phase, forward, inference]
    with ExitStack() as stack:
        for kernel in {fault.kernel for fault in faults}:
            having = [room for room in rooms if hasattr(room, kernel)]
            assert having, f"there is no kernel {kernel}"
            build = _through(getattr(having[0], kernel), {f: n for f, n in faults.items() if f.kernel == kernel})
            for room in having:
                stack.enter_context(_replaced(room, kernel, build))
        yield


def _through(real: Callable[..., ir.Function], faults: Mapping[Fault, int | None]) -> Callable[..., ir.Function]:
    def build(module: Module, shape: Panel, *given: Any, **options: Any) -> ir.Function:
        kernel = real(module, shape, *given, **options)
        arguments = _arguments(real, module, shape, given, options)

        def call(b: Block) -> None:
            switch = index(ctypes.addressof(SWITCH)).inttoptr(POINTER)
            at_work, values, runs = b.builder.load(switch, typ=INDEX), dict(b.named), ir.Constant(ir.IntType(1), 1)
            for fault, number in faults.items():
                on = b.builder.icmp_signed("==", at_work, at_work if number is None else index(number))
                if fault.changes is None:
                    runs = b.builder.select(on, ir.Constant(ir.IntType(1), 0), runs)
                for name, change in (fault.changes or {}).items():
                    values[name] = b.builder.select(on, change(b, b.named[name], shape.row), values[name])
            with b.builder.if_then(runs):
                b.builder.call(kernel, list(values.values()))

        assert {name for fault in faults for name in fault.changes or ()} <= {name for name, _ in arguments}, (
            kernel.name
        )
        return module.function(f"planted_{kernel.name}", arguments, call)

    return build


def _arguments(
    real: Callable[..., ir.Function], module: Module, shape: Panel, given: Any, options: Any
) -> list[tuple[str, ir.Type]]:
    """A kernel's arguments. Of one that stands elsewhere, a module does not know the names."""
    aside = Module(module.numbers, str(module.module.triple))
    return [(argument.name, argument.type) for argument in real(aside, shape, *given, **options).args]


@contextmanager
def _early() -> Iterator[None]:
    """Each layer's weights are updated before the signals go back through them."""
    back = Steps.back

    def update_first(self: Steps, layer: ir.Value, part: steps.Part) -> None:
        self.tiles_of(layer, lambda p, k: self.tile(layer, p, k, part.count, self.b.integer(0)))
        back(self, layer, part)

    with _replaced(Steps, "back", update_first), _replaced(Weights, "tiles", _first_layer):
        yield


def _first_layer(self: Steps, count: ir.Value, going_on: ir.Value) -> None:
    first = self.b.integer(1)
    self.tiles_of(first, lambda p, k: self.tile(first, p, k, count, going_on))
    self.each_layer(lambda layer: self.if_shared(layer, lambda: self.shared(layer, count, going_on)))


def _always_full(self: Forward, layer: ir.Value, p: ir.Value) -> ir.Value:
    """As if no panel were narrower than others."""
    return self.b.integer(self.shape.width)


def _always_last(self: Forward, layer: ir.Value, p: ir.Value) -> ir.Value:
    """As if all panels were as narrow as the last."""
    return self.of(layer, "tail")


def _one_rule(self: Forward, layer: ir.Value) -> ir.Value:
    """As if all layers had the first rule."""
    return self.b.integer(0)


def _narrow(self: Forward, units: ir.Value, kernel: Any, *arguments: Any) -> None:
    """As if all panels were narrow."""
    self.call(kernel(self.program.widths[0]), *arguments)


def _blocks(self: Forward, low: ir.Value, high: ir.Value, body: Any) -> None:
    """The first examples of many only."""
    b = self.b
    body(b.times(low, self.row), b.smaller(b.builder.sub(high, low), 2 * self.program.tile.rows))


OTHERS: dict[str, Callable[[], Any]] = {
    "weights are updated before the signals went back": _early,
    "an update takes what fills up a panel for units": lambda: _replaced(
        update_phase, "update", _through(update, {Fault("update", {"units": whole_panel}): None})
    ),
    "nobody waits": lambda: _replaced(barriers, "barrier", _no_wait),
    "errors and signals look at one unit less": lambda: _replaced(softmax, "Row", _OneLess),
    "no panel is narrower than others": lambda: _replaced(Forward, "units_of", _always_full),
    "all panels are as narrow as the last": lambda: _replaced(Forward, "units_of", _always_last),
    "all layers have the same rule": lambda: _replaced(Forward, "rule_of", _one_rule),
    "all panels are taken for narrow ones": lambda: _replaced(Forward, "by_width", _narrow),
    "only the first examples of many are looked at": lambda: _replaced(Forward, "each_block", _blocks),
    "sums that are to be left alone are not": lambda: _replaced(Steps, "leaves_sums", False),
}


class _OneLess(softmax.Row):
    """A row whose last unit nobody looks at."""

    def __init__(self, b: Block, shape: Panel, *, single: bool = False) -> None:
        super().__init__(b, shape, single=single)
        self.units = b.builder.sub(self.units, b.integer(1))
        self.lanes = b.first_lanes(self.units) if single else None


def _no_wait(module: Module, *, x86: bool) -> ir.Function:
    """A barrier that lets everybody through."""
    return module.function("barrier", [("arrivals", POINTER), ("target", INDEX)], lambda b: None)


def compile_anew(engine: Native, *parts: Part) -> None:
    """Give an engine code of its own for these parts, whatever was compiled before; it has nothing else then."""
    target, functions, kept = machine.host(), {}, []
    kernels = engine.built.inference.code["kernels"]
    for part in parts:
        made = machine.compiled(build.source(engine.program, part), target)
        kept.append(Code(made, (part,), target, kernels))
        functions[part] = FUNCTION(kept[-1].addresses[part])
    built: Any = SimpleNamespace(function=functions.__getitem__, code=kept)
    engine.built = built
