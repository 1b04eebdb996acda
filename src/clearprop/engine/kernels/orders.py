"""Orders of epochs: what NumPy's ``permutation`` draws from a PCG64, for many generators at once."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments

WIDE, WORD = ir.IntType(128), ir.IntType(64)
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
"""That of PCG64."""
ORDERS = (
    "seeds",  # of generators, one after the other
    "generators",
    "count",  # of positions that each permutes
    "found",  # where the permutations go
)
"""The words of the context, in this order."""
SEED = 4
"""The words of a seed: the upper and the lower half of the state, and those of the stream."""


def orders(module: Module) -> ir.Function:
    """Let each generator permute positions from 0 on. Arguments: the context of ``ORDERS``, and what is not used."""

    def build(b: Block) -> None:
        n, i = b.named, b.builder
        seeds, generators, count, found = (b.at(n["context"], 8 * k) for k in range(len(ORDERS)))
        seeds, found = b.load_pointer(seeds), b.load_pointer(found)
        generators, count = b.load_integer(generators), b.load_integer(count)
        multiplier = ir.Constant(WIDE, MULTIPLIER)

        def wide(seed: ir.Value, first: int) -> ir.Value:
            high, low = (i.zext(b.load_integer(b.at(seed, 8 * k)), WIDE) for k in (first, first + 1))
            return i.or_(i.shl(high, ir.Constant(WIDE, 64)), low)

        def generator(number: ir.Value) -> None:
            seed, order = b.at(seeds, b.times(number, 8 * SEED)), b.at(found, b.times(number, b.times(count, 8)))
            stream = i.or_(i.shl(wide(seed, 2), ir.Constant(WIDE, 1)), ir.Constant(WIDE, 1))

            def after(state: ir.Value) -> ir.Value:
                return i.add(i.mul(state, multiplier), stream)

            state = after(i.add(wide(seed, 0), stream))

            def keep(k: ir.Value) -> None:
                i.store(k, b.at(order, b.times(k, 8)), align=8)

            b.loop(0, count, keep)

            def change(k: ir.Value, *drawn: ir.Value) -> list[ir.Value]:
                """Let the last position that is not settled change places with one before it, or none."""
                last = i.sub(count, k)
                other, *then = below(b, last, *drawn, after=after)
                one, two = (b.at(order, b.times(each, 8)) for each in (last, other))
                position, another = b.load_integer(one), b.load_integer(two)
                i.store(another, one, align=8)
                i.store(position, two, align=8)
                return then

            b.loop(1, count, change, [state, ir.Constant(WORD, 0), ir.Constant(ir.IntType(1), 0)])

        b.loop(0, generators, generator)

    return module.function("orders", arguments("context worker workers"), build)


def below(
    b: Block, last: ir.Value, state: ir.Value, rest: ir.Value, left: ir.Value, *, after: Callable[[ir.Value], ir.Value]
) -> list[ir.Value]:
    """Draw a whole number up to ``last``, of as many bits as it may need, again until one is not above it.

    Return it, and what the generator is then: its state, the half of its last number that may be left, and whether
    it is.
    """
    i, before = b.builder, b.builder.block
    bits = i.sub(ir.Constant(WORD, 64), i.ctlz(last, ir.Constant(ir.IntType(1), 0)))
    mask = i.sub(i.shl(ir.Constant(WORD, 1), bits), ir.Constant(WORD, 1))
    draw, done = (i.append_basic_block(name) for name in ("draw", "done"))
    i.branch(draw)
    i.position_at_end(draw)
    known = [i.phi(each.type) for each in (state, rest, left)]
    for phi, value in zip(known, (state, rest, left), strict=True):
        phi.add_incoming(value, before)
    following = after(known[0])
    mixed = i.xor(i.trunc(following, WORD), i.trunc(i.lshr(following, ir.Constant(WIDE, 64)), WORD))
    turn = i.trunc(i.lshr(following, ir.Constant(WIDE, 122)), WORD)
    back = i.and_(i.sub(ir.Constant(WORD, 64), turn), ir.Constant(WORD, 63))
    number = i.or_(i.lshr(mixed, turn), i.shl(mixed, back))
    # Two halves of a number are two draws.
    drawn = i.and_(i.select(known[2], known[1], number), mask)
    then = [i.select(known[2], known[0], following), i.lshr(number, ir.Constant(WORD, 32)), i.not_(known[2])]
    for phi, value in zip(known, then, strict=True):
        phi.add_incoming(value, draw)
    i.cbranch(i.icmp_unsigned(">", drawn, last), draw, done)
    i.position_at_end(done)
    return [drawn, *then]
