"""Workers that wait for each other: none is ever behind."""

from __future__ import annotations

import ctypes
import threading

import numpy as np
import pytest
from llvmlite import ir
from tests.engine.support.planted import planted

from clearprop.engine import machine
from clearprop.engine.block import Block
from clearprop.engine.kernels import barrier as barriers
from clearprop.engine.machine import Code
from clearprop.engine.module import Module
from clearprop.engine.numbers import INDEX, POINTER, Numbers


def behind(workers: int, rounds: int = 400, patience: int = 1023) -> int:
    """How often a worker saw another one behind it, where all wait for each other after every round."""
    module = Module(Numbers("float32", 4), machine.host().triple)

    def work(b: Block) -> None:
        n, i = b.named, b.builder
        wait = barriers.barrier(module, x86=machine.host().x86)
        mine = b.at(n["places"], b.times(n["worker"], 64))

        def round_(number: ir.Value) -> None:
            i.atomic_rmw("xchg", mine, b.add(number, 1), "monotonic")
            i.call(wait, [n["arrivals"], b.times(b.add(b.times(number, 2), 1), n["workers"])])

            def look(other: ir.Value) -> None:
                there = i.load_atomic(b.at(n["places"], b.times(other, 64)), "monotonic", 8, typ=INDEX)
                late = i.icmp_signed("<", there, b.add(number, 1))
                with i.if_then(late):
                    i.atomic_rmw("add", n["seen"], b.integer(1), "monotonic")

            b.loop(0, n["workers"], look)
            i.call(wait, [n["arrivals"], b.times(b.add(b.times(number, 2), 2), n["workers"])])

        b.loop(0, rounds, round_)

    arguments = [("places", POINTER), ("arrivals", POINTER), ("seen", POINTER), ("worker", INDEX), ("workers", INDEX)]
    module.function("run", arguments, work, exported=True)
    code = Code(machine.compiled(str(module), machine.host()), ("run",), machine.host())
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64)(code.addresses["run"])
    places, arrivals, seen = (np.zeros(8 * workers, np.int64) for _ in range(3))
    arrivals[1] = patience
    addresses = [each.ctypes.data for each in (places, arrivals, seen)]
    ready = threading.Barrier(workers)

    def thread(worker: int) -> None:
        ready.wait()
        function(*addresses, worker, workers)

    threads = [threading.Thread(target=thread, args=(worker,)) for worker in range(workers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (places[::8] == rounds).all()
    return int(seen[0])


@pytest.mark.parametrize("patience", [0, 1023])
@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_barrier(workers: int, patience: int) -> None:
    """More workers than processors get there, too; also where each that waits gives way at once."""
    assert behind(workers, patience=patience) == 0


def test_a_barrier_that_does_not_wait_is_found() -> None:
    with planted("nobody waits"):
        assert behind(3) > 0
