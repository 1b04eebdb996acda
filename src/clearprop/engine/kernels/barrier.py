"""The barrier: where workers wait for one another, twice in a step."""

from __future__ import annotations

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.module import GIVE_WAY, Module
from clearprop.engine.numbers import INDEX, arguments


def barrier(module: Module, *, x86: bool) -> ir.Function:
    """Wait until the target number has arrived. Arguments: arrivals, behind which the turns stand after which a worker
    that waits lets others have its processor; and target."""
    nothing = ir.FunctionType(ir.VoidType(), [])

    def build(b: Block) -> None:
        i, n = b.builder, b.named
        i.atomic_rmw("add", n["arrivals"], b.integer(1), "acq_rel")
        patience, before = b.load_integer(b.at(n["arrivals"], 8)), i.block
        spin, wait, done = (i.append_basic_block(name) for name in ("spin", "wait", "done"))
        i.branch(spin)
        i.position_at_end(spin)
        turns = i.phi(INDEX)
        turns.add_incoming(b.integer(0), before)
        arrived = i.load_atomic(n["arrivals"], "acquire", 8, typ=INDEX)
        i.cbranch(i.icmp_signed(">=", arrived, n["target"]), done, wait)
        i.position_at_end(wait)
        if x86:
            i.call(module.imported("llvm.x86.sse2.pause", nothing), [])
        following = b.add(turns, 1)
        # On a machine with more to do than processors, the others can only arrive if they are let.
        with i.if_then(i.icmp_signed("==", i.and_(following, patience), b.integer(0))):
            i.call(module.imported(GIVE_WAY, nothing), [])
        turns.add_incoming(following, i.block)
        i.branch(spin)
        i.position_at_end(done)

    return module.function("barrier", arguments("arrivals target"), build)
