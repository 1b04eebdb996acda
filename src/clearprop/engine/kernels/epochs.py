"""Many epochs in one call: the steps of each, and then the errors of examples that are only looked at."""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.kernels.barrier import barrier
from clearprop.engine.module import Module
from clearprop.engine.numbers import INDEX, POINTER, arguments

EPOCHS = (
    "train",  # where that function stands, and its context
    "training",
    "moves",  # what to add to the words of that context from one epoch to the next
    "fields",  # the number of these words
    "arrivals",  # at barriers of an epoch's steps
    "stop",  # where the word stands that says whether to leave the rest of the work undone
    "errors",  # where that function stands, and its context
    "inference",
    "outputs",  # where the word stands that says where the errors go
    "seen",  # the bytes of the errors of an epoch
    "epochs",
    "between",  # arrivals at barriers between epochs
    "parameters",
    "kept",  # where a copy of the parameters goes after each epoch
    "vectors",  # of parameters
)
"""The words of the context, in this order."""


def epochs(module: Module, *, x86: bool) -> ir.Function:
    """Call ``train`` and ``errors`` for each epoch. Arguments: as theirs; the words of the context are ``EPOCHS``.

    All workers have to be done when ``train`` returns, as those are that meet at the end of a step.
    """

    def build(b: Block) -> None:
        n, i, vector = b.named, b.builder, b.numbers.bytes * b.numbers.lanes
        worker, workers = n["worker"], n["workers"]
        first, several = i.icmp_signed("==", worker, b.integer(0)), i.icmp_signed(">", workers, b.integer(1))

        def word(name: str) -> ir.Value:
            return b.load_integer(b.at(n["context"], 8 * EPOCHS.index(name)))

        def place(name: str) -> ir.Value:
            return b.load_pointer(b.at(n["context"], 8 * EPOCHS.index(name)))

        training, inference, moves, between = (place(name) for name in ("training", "inference", "moves", "between"))
        parameters, vectors = place("parameters"), word("vectors")
        low, high = (i.udiv(b.times(vectors, b.add(worker, more)), workers) for more in (0, 1))

        def call(name: str, context: ir.Value) -> None:
            kind = ir.FunctionType(ir.VoidType(), [POINTER, INDEX, INDEX])
            function = i.load(b.at(n["context"], 8 * EPOCHS.index(name)), typ=kind.as_pointer(), align=8)
            i.call(function, [context, worker, workers])

        def move(place: ir.Value, by: ir.Value) -> None:
            i.store(b.add(b.load_integer(place), by), place, align=8)

        def move_on() -> None:
            i.store(b.integer(0), place("arrivals"), align=8)

            def field(k: ir.Value) -> None:
                move(b.at(training, b.times(k, 8)), b.load_integer(b.at(moves, b.times(k, 8))))

            b.loop(0, word("fields"), field)
            move(place("outputs"), word("seen"))

        def meet(arrivals: ir.Value) -> None:
            with i.if_then(several):
                i.call(barrier(module, x86=x86), [between, arrivals])

        def epoch(number: ir.Value) -> None:
            call("train", training)
            stop = i.load_atomic(place("stop"), "monotonic", 8, typ=INDEX)
            with i.if_then(i.icmp_signed("==", stop, b.integer(0))):
                call("errors", inference)
            kept = b.at(place("kept"), b.times(number, b.times(vectors, vector)))

            def keep(k: ir.Value) -> None:
                b.store(b.load(b.at(parameters, b.times(k, vector))), b.at(kept, b.times(k, vector)))

            b.loop(low, high, keep)
            # One worker moves on while the others wait: all have read their words, none has the next.
            met = b.times(workers, b.times(number, 2))
            meet(b.add(met, workers))
            with i.if_then(first):
                move_on()
            meet(b.add(met, workers, workers))

        b.loop(0, word("epochs"), epoch)

    return module.function("epochs", arguments("context worker workers"), build, exported=True)
