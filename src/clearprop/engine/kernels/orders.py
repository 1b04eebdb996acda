"""Orders of epochs: what NumPy's ``permutation`` draws from a PCG64, seeded by a ``SeedSequence``, for many generators
at once."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from clearprop.engine.block import Block
from clearprop.engine.module import Module
from clearprop.engine.numbers import arguments

WIDE, WORD, HALF = ir.IntType(128), ir.IntType(64), ir.IntType(32)
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
"""That of PCG64."""
ORDERS = (
    "entropy",  # the words of a seed, each of 32 bits in one of 64
    "words",  # their number, at least POOL
    "varies",  # the place of the one that counts up from one generator to the next
    "generators",
    "count",  # of positions that each permutes
    "found",  # where the permutations go
)
"""The words of the context, in this order."""
POOL = 4
"""The words that those of a seed are mixed into."""
LEFT, RIGHT, SHIFT = 0xCA01F9DD, 0x4973F715, 16
FIRST, FACTOR = 0x43B0D7E5, 0x931E8875
FIRST_OUT, FACTOR_OUT = 0x8B51F9DD, 0x58F38DED
"""The constants of NumPy's ``SeedSequence``: of mixing; and of scattering, before and after."""


def orders(module: Module) -> ir.Function:
    """Let each generator permute positions from 0 on. Arguments: the context of ``ORDERS``, and what is not used."""

    def build(b: Block) -> None:
        n, i = b.named, b.builder
        places = {name: b.at(n["context"], 8 * k) for k, name in enumerate(ORDERS)}
        entropy, found = b.load_pointer(places["entropy"]), b.load_pointer(places["found"])
        words, varies, generators, count = (
            b.load_integer(places[name]) for name in ("words", "varies", "generators", "count")
        )
        multiplier = ir.Constant(WIDE, MULTIPLIER)

        def wide(numbers: list[ir.Value]) -> ir.Value:
            """Return a number from its words, the last ones of each 64 bits first, as NumPy has them."""
            total = ir.Constant(WIDE, 0)
            for number, place in zip(numbers, (64, 96, 0, 32), strict=True):
                total = i.or_(total, i.shl(i.zext(number, WIDE), ir.Constant(WIDE, place)))
            return total

        def generator(number: ir.Value) -> None:
            def word(k: ir.Value | int) -> ir.Value:
                own = b.builder.icmp_signed("==", b.integer(k), varies)
                known = b.load_integer(b.at(entropy, b.times(b.integer(k), 8)))
                return i.trunc(i.add(known, i.select(own, number, b.integer(0))), HALF)

            drawn = seeded(b, word, words)
            order = b.at(found, b.times(number, b.times(count, 8)))
            stream = i.or_(i.shl(wide(drawn[POOL:]), ir.Constant(WIDE, 1)), ir.Constant(WIDE, 1))

            def after(state: ir.Value) -> ir.Value:
                return i.add(i.mul(state, multiplier), stream)

            state = after(i.add(wide(drawn[:POOL]), stream))

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

    return module.function("orders", arguments("context worker workers"), build, exported=True)


class _Hash:
    """Scatters the bits of words, with a factor that changes from one to the next."""

    def __init__(self, b: Block, present: ir.Value | int, factor: int) -> None:
        self.i, self.present, self.factor = b.builder, HALF(present) if isinstance(present, int) else present, factor

    def __call__(self, word: ir.Value) -> ir.Value:
        i, following = self.i, self.i.mul(self.present, HALF(self.factor))
        word = i.mul(i.xor(word, self.present), following)
        self.present = following
        return i.xor(word, i.lshr(word, HALF(SHIFT)))


def seeded(b: Block, word: Callable[[ir.Value | int], ir.Value], words: ir.Value) -> list[ir.Value]:
    """Return eight words as ``SeedSequence`` makes them from those of a seed, which ``word`` gives by their places."""
    i, hashed = b.builder, _Hash(b, FIRST, FACTOR)
    pool = [hashed(word(k)) for k in range(POOL)]

    def mixed(known: ir.Value, more: ir.Value) -> ir.Value:
        total = i.sub(i.mul(known, HALF(LEFT)), i.mul(more, HALF(RIGHT)))
        return i.xor(total, i.lshr(total, HALF(SHIFT)))

    for source in range(POOL):
        for place in range(POOL):
            if place != source:
                pool[place] = mixed(pool[place], hashed(pool[source]))

    def further(k: ir.Value, present: ir.Value, *pool: ir.Value) -> list[ir.Value]:
        again, here = _Hash(b, present, FACTOR), word(k)
        following = [mixed(each, again(here)) for each in pool]
        return [again.present, *following]

    _, *pool = b.loop(POOL, words, further, [hashed.present, *pool])
    hashed = _Hash(b, FIRST_OUT, FACTOR_OUT)
    return [hashed(pool[k % POOL]) for k in range(2 * POOL)]


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
