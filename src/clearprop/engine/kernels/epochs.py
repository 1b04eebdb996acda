"""Many epochs in one call: the steps of each, and then the errors of examples that are only looked at."""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.module import Module
from clearprop.engine.numbers import INDEX, POINTER, arguments

EPOCHS = (
    "train",  # where that function stands, and its context
    "training",
    "moves",  # what to add to the words of that context from one epoch to the next
    "fields",  # the number of these words
    "arrivals",
    "errors",  # where that function stands, and its context
    "inference",
    "outputs",  # where the word stands that says where the errors go
    "seen",  # the bytes of the errors of an epoch
    "epochs",
    "parameters",
    "kept",  # where a copy of the parameters goes after each epoch
    "size",  # its bytes, in whole vectors
)
"""The words of the context, in this order."""


def epochs(module: Module) -> ir.Function:
    """Call ``train`` and ``errors`` for each epoch, as one worker. Arguments: as theirs; the words are ``EPOCHS``."""

    def build(b: Block) -> None:
        n, vector = b.named, b.numbers.bytes * b.numbers.lanes

        def word(name: str) -> ir.Value:
            return b.load_integer(b.at(n["context"], 8 * EPOCHS.index(name)))

        def place(name: str) -> ir.Value:
            return b.load_pointer(b.at(n["context"], 8 * EPOCHS.index(name)))

        training, inference, moves, size = place("training"), place("inference"), place("moves"), word("size")
        parameters = place("parameters")

        def call(name: str, context: ir.Value) -> None:
            kind = ir.FunctionType(ir.VoidType(), [POINTER, INDEX, INDEX])
            function = b.builder.load(b.at(n["context"], 8 * EPOCHS.index(name)), typ=kind.as_pointer(), align=8)
            b.builder.call(function, [context, b.integer(0), b.integer(1)])

        def move(place: ir.Value, by: ir.Value) -> None:
            b.builder.store(b.add(b.load_integer(place), by), place, align=8)

        def epoch(number: ir.Value) -> None:
            b.builder.store(b.integer(0), place("arrivals"), align=8)
            call("train", training)
            call("errors", inference)
            kept = b.at(place("kept"), b.times(number, size))
            b.loop(0, size, lambda k: b.store(b.load(b.at(parameters, k)), b.at(kept, k)), by=vector)

            def field(k: ir.Value) -> None:
                move(b.at(training, b.times(k, 8)), b.load_integer(b.at(moves, b.times(k, 8))))

            b.loop(0, word("fields"), field)
            move(place("outputs"), word("seen"))

        b.loop(0, word("epochs"), epoch)

    return module.function("epochs", arguments("context worker workers"), build)
