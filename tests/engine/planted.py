"""Faults planted in kernels, to see that the tests would find them.

A kernel is called through another one of the same arguments, which changes one of them: a bound by one, an
address by a row. So the real code runs, wrongly. Nothing of this is kept: the code is compiled
for the one engine that asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

from llvmlite import ir

from clearprop.engine import forward, inference, machine, modules, steps
from clearprop.engine.block import INDEX, POINTER, Block
from clearprop.engine.kernels import barrier as barriers
from clearprop.engine.kernels import dropout, softmax
from clearprop.engine.machine import Code
from clearprop.engine.native import Native
from clearprop.engine.steps import Steps
from clearprop.engine.workers import FUNCTION

Change = Callable[[Block, ir.Value, int], ir.Value]
"""A value of an argument, from the right one and the bytes of a panel's row."""


def more(number: int) -> Change:
    """So many more than there are."""
    return lambda b, value, _: b.add(value, number)


def on(rows: int) -> Change:
    """The address some rows of a panel further on."""
    return lambda b, value, row: b.at(value, rows * row)


def beside(size: int) -> Change:
    """The address so many bytes further on."""
    return lambda b, value, _: b.at(value, size)


class Fault(NamedTuple):
    """A fault: the kernel, and what of its arguments is changed; nothing at all is done without ``changes``."""

    kernel: str
    changes: Mapping[str, Change] | None


FAULTS: dict[str, Fault] = {
    "a product sums one term too many": Fault("product", {"inputs": more(1)}),
    "a product leaves one term out": Fault("product", {"inputs": more(-1)}),
    "a product begins at the second row of the weights": Fault("product", {"w": on(1)}),
    "a product leaves the last example out": Fault("product", {"examples": more(-1)}),
    "panels of activations are a row too far apart": Fault("product", {"panel": lambda b, v, row: b.add(v, row)}),
    "a gradient leaves the last example out": Fault("gradient", {"examples": more(-1)}),
    "a gradient takes one example too many": Fault("gradient", {"examples": more(1)}),
    "a gradient takes the signals of the next example": Fault("gradient", {"d": on(1)}),
    "a gradient leaves the last inputs out": Fault("gradient", {"inputs": more(-8)}),
    "a gradient goes on from an old one": Fault("gradient", {"going_on": more(1)}),
    "the gradient of biases leaves the last example out": Fault("bias_gradient", {"examples": more(-1)}),
    "the gradient of a shared bias is not added up": Fault("shared_bias", None),
    "gathering takes the next example": Fault("gather", {"order": beside(8)}),
    "gathering begins one input too far": Fault("gather", {"x": beside(8)}),
    "gathering leaves the first example out": Fault("gather", {"first": more(1)}),
    "dropout has the key of another layer": Fault("drop", {"key": lambda b, v, _: b.builder.xor(v, b.integer(1))}),
    "dropout leaves the last example out": Fault("drop", {"last": more(-1)}),
    "gathering begins one row too far": Fault("gather", {"x": on(1)}),
    "gathering begins one row too early": Fault("gather", {"x": on(-1)}),
    "weights are not transposed": Fault("transpose", None),
    "weights are transposed to the wrong row": Fault("transpose", {"wt": on(1)}),
    "the local derivative is left out": Fault("times", None),
    "the Jacobian of softmax is left out": Fault("pull_back", None),
    "softmax leaves the last example out": Fault("softmax", {"last": more(-1)}),
    "an update leaves the last row out": Fault("update", {"rows": more(-1)}),
    "an update changes a row too many": Fault("update", {"rows": more(1)}),
    "an update begins one row too early": Fault("update", {"w": on(-1)}),
    "an update takes the next part of the rule": Fault("update", {"parts": beside(8)}),
    "outputs are written a row too far": Fault("scatter", {"y": on(1)}),
    "the norm leaves the last row out": Fault("finish", {"rows": more(-1)}),
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """While this lasts, code is built with that fault."""
    if name in OTHERS:
        with OTHERS[name]():
            yield
        return
    fault = FAULTS[name]
    rooms: list[Any] = [room for room in (steps, forward, inference) if hasattr(room, fault.kernel)]
    assert rooms, f"there is no kernel {fault.kernel}"
    real = getattr(rooms[0], fault.kernel)
    for room in rooms:
        setattr(room, fault.kernel, _through(real, fault.changes))
    try:
        yield
    finally:
        for room in rooms:
            setattr(room, fault.kernel, real)


def _through(real: Callable[..., ir.Function], changes: Mapping[str, Change] | None) -> Callable[..., ir.Function]:
    def build(module: Any, panels: Any, *given: Any, **options: Any) -> ir.Function:
        kernel = real(module, panels, *given, **options)
        assert set(changes or {}) <= {argument.name for argument in kernel.args}, kernel.name

        def call(b: Block) -> None:
            if changes is not None:
                keep: Change = lambda b, value, row: value  # noqa: E731
                given = [changes.get(name, keep)(b, value, panels.row) for name, value in b.named.items()]
                b.builder.call(kernel, given)

        arguments = [(argument.name, argument.type) for argument in kernel.args]
        return module.function(f"planted_{kernel.name}", arguments, call)

    return build


@contextmanager
def _replaced(room: Any, name: str, value: Any) -> Iterator[None]:
    real = getattr(room, name)
    setattr(room, name, value)
    try:
        yield
    finally:
        setattr(room, name, real)


@contextmanager
def _early() -> Iterator[None]:
    """Each layer's weights are updated before the signals go back through them."""
    back = Steps.back

    def update_first(self: Steps, layer: int, order: Any, count: ir.Value, *given: Any) -> None:
        self.tiles_of(layer, lambda p, k: self.tile(layer, p, k, count, self.b.integer(0)))
        back(self, layer, order, count, *given)

    with _replaced(Steps, "back", update_first), _replaced(Steps, "tiles", _first_layer):
        yield


def _first_layer(self: Steps, count: ir.Value, going_on: ir.Value) -> None:
    self.tiles_of(1, lambda p, k: self.tile(1, p, k, count, going_on))
    for layer in range(1, self.depth + 1):
        self.shared(layer, count, going_on)


OTHERS: dict[str, Callable[[], Any]] = {
    "weights are updated before the signals went back": _early,
    "dropout's share is off by a hundredth": lambda: _replaced(dropout, "ceil", lambda x: math.ceil(x) + 2**46),
    "nobody waits": lambda: _replaced(barriers, "barrier", _no_wait),
    "softmax looks at one lane less": lambda: _replaced(softmax, "each_unit", _one_less(softmax.each_unit)),
}


def _no_wait(module: Any, *, x86: bool) -> ir.Function:
    """A barrier that lets everybody through."""
    return module.function("barrier", [("arrivals", POINTER), ("target", INDEX)], lambda b: None)


def _one_less(real: Callable[..., Any]) -> Callable[..., Any]:
    def each_unit(b: Block, panels: Any, layer: int, panel: ir.Value, body: Any, total: Any = None) -> Any:
        def line(place: ir.Value, number: ir.Value, lanes: Any, *total: Any) -> Any:
            return body(place, number, b.lanes_below(panels.tail(layer) - 1) if lanes is not None else None, *total)

        return real(b, panels, layer, panel, line, total)

    return each_unit


def compile_anew(engine: Native, *names: str) -> None:
    """Give an engine code of its own for these functions, whatever was compiled before."""
    target, functions, kept = machine.host(), {}, []
    for name in names:
        source = (modules.training if name == "train" else modules.inference)(engine.program)
        exported = ("train",) if name == "train" else ("predict", "errors")
        kept.append(Code(machine.compiled(str(source), target), exported, target))
        functions[name] = FUNCTION(kept[-1].addresses[name])
    built: Any = SimpleNamespace(**functions, code=kept)
    engine.built = built
