"""Many epochs in one call: the steps of each, and then the errors of examples that are only looked at."""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.calling import EPOCHS, FIELDS, PLACES
from clearprop.engine.module import Module
from clearprop.engine.numbers import INDEX, POINTER, arguments


def epochs(module: Module) -> ir.Function:
    """Call ``train`` and ``errors`` for each epoch, as one worker. Arguments: as theirs; the words are ``EPOCHS``."""

    def build(b: Block) -> None:
        n, vector = b.named, b.numbers.bytes * b.numbers.lanes

        def word(name: str) -> ir.Value:
            return b.load_integer(b.at(n["context"], 8 * EPOCHS.index(name)))

        def place(name: str) -> ir.Value:
            return b.load_pointer(b.at(n["context"], 8 * EPOCHS.index(name)))

        training, inference, moves, size = place("training"), place("inference"), place("moves"), word("size")
        parameters = b.load_pointer(b.at(training, 8 * PLACES["parameters"]))

        def call(name: str, context: ir.Value) -> None:
            kind = ir.FunctionType(ir.VoidType(), [POINTER, INDEX, INDEX])
            function = b.builder.load(b.at(n["context"], 8 * EPOCHS.index(name)), typ=kind.as_pointer(), align=8)
            b.builder.call(function, [context, b.integer(0), b.integer(1)])

        def move(place: ir.Value, by: ir.Value) -> None:
            b.builder.store(b.add(b.load_integer(place), by), place, align=8)

        def epoch(number: ir.Value) -> None:
            arrivals = b.load_pointer(b.at(training, 8 * PLACES["arrivals"]))
            b.builder.store(b.integer(0), arrivals, align=8)
            call("train", training)
            call("errors", inference)
            kept = b.at(place("kept"), b.times(number, size))
            b.loop(0, size, lambda k: b.store(b.load(b.at(parameters, k)), b.at(kept, k)), by=vector)

            def field(k: ir.Value) -> None:
                move(b.at(training, b.times(k, 8)), b.load_integer(b.at(moves, b.times(k, 8))))

            b.loop(0, len(FIELDS), field)
            move(b.at(inference, 8 * PLACES["outputs"]), word("seen"))

        b.loop(0, word("epochs"), epoch)

    return module.function("epochs", arguments("context worker workers"), build)
