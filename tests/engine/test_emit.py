"""Trees as native code against the same trees evaluated: every rule, and trees at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import ir
from tests.engine.support.compiled import KINDS, Kind, compiled
from tests.engine.support.near import Near, disagreement, near

from clearprop.engine.emit import Emitter
from clearprop.expressions import Apply, Expression, Number, Operator, Symbol, bind, evaluate, parse, symbols
from clearprop.expressions.tree import absolute, exp, maximum, minimum, sqrt
from clearprop.rules.activations import ACTIVATIONS, Activation
from clearprop.rules.fused import FUSED, Fused
from clearprop.rules.losses import LOSSES
from clearprop.rules.optimizers import OPTIMIZERS, SGD, Adagrad, Optimizer, RMSprop, optimizer
from clearprop.rules.penalties import Penalty
from clearprop.rules.roles import Role, y, z
from clearprop.types import Array

DOUBLES = [kind for kind in KINDS if kind.dtype == "float64"]
LETTERS = {"u": "u", "v": "v", "w": "w"}
u, v, w = (Symbol(letter) for letter in LETTERS)


# --- every rule ---------------------------------------------------------------------------------------


def _optimizers() -> Iterator[tuple[str, Optimizer]]:
    for name in OPTIMIZERS:
        yield name, optimizer(name)
    yield "sgd with momentum", SGD(0.1, momentum=0.9, dampening=0.1, weight_decay=0.01)
    yield "nesterov", SGD(0.1, momentum=0.9, nesterov=True)
    yield "rmsprop, centered", RMSprop(0.01, centered=True, momentum=0.5, weight_decay=0.1)
    yield "adagrad with decay", Adagrad(0.01, lr_decay=0.1)
    yield "adamw", optimizer("adamw", clip_value=0.5)
    yield "adam, as Keras's", optimizer("adam", correction_in_rate=True)
    yield "adagrad, as Keras's", Adagrad(0.01, eps_in_sqrt=True)


def _rules() -> Iterator[tuple[str, Expression]]:
    for name, activation in ACTIVATIONS.items():
        if isinstance(activation, Activation):
            yield name, activation.formula
            yield f"slope of {name}", activation.slope.simplified
            yield f"slope of {name} as derived", activation.slope.raw
    for name, loss in LOSSES.items():
        yield name, loss.formula
        yield f"slope of {name}", loss.slope.simplified
    for (name, _), fused in FUSED.items():
        if isinstance(fused, Fused):
            yield f"{name}, fused", fused.error
            yield f"slope of {name}, fused", fused.slope.simplified
    for name, rule in _optimizers():
        for symbol, tree in rule.assignments:
            yield f"{name}: {symbol.key}", bind(tree, rule.constants)
        yield f"{name}: bounded", rule.bounded
    for penalty in (Penalty(l2=0.1), Penalty(l1=0.05), Penalty(0.02, 0.03)):
        yield str(penalty), bind(penalty.symbolic, {"l2": penalty.l2, "l1": penalty.l1})
        yield f"slope of {penalty}", bind(penalty.symbolic_slope.simplified, {"l2": penalty.l2, "l1": penalty.l1})


RULES = dict(_rules())
KEYS = sorted(frozenset().union(*(symbols(tree) for tree in RULES.values())), key=str)


@cache
def _values(dtype: str) -> dict[Hashable, Array]:
    """Values for every symbol of the rules: z and g everywhere, shares between 0 and 1, squares above 0."""
    rng, n = np.random.default_rng(7), 600
    edges = [0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 88.0, -88.0, 104.0, -104.0, 750.0, -750.0, 1e-30, -1e-30]
    special: dict[Hashable, Array] = {
        Role.SUM: np.concatenate(
            [rng.normal(size=n - len(edges)) * rng.choice([0.01, 1, 3, 30], n - len(edges)), edges]
        ),
        Role.OUTPUT: rng.uniform(0, 1, n),
        Role.TARGET: rng.choice([0.0, 1.0, 0.3], n),
        Role.STEP: rng.integers(1, 60, n).astype(float),
        Role.RATE: rng.uniform(1e-4, 1, n),
    }
    squares: dict[Hashable, Array] = {key: rng.uniform(1.0, 2.0, n) for key in ("v", "v_hat", "s")}
    means: dict[Hashable, Array] = {"m": rng.uniform(-0.9, 0.9, n)}
    rest = {key: rng.normal(size=n) for key in KEYS}
    return {key: array.astype(dtype) for key, array in {**rest, **special, **squares, **means}.items()}


@cache
def _expected(dtype: str, name: str) -> Near:
    tree, values = RULES[name], _values(dtype)
    return near(tree, {key: values[key] for key in symbols(tree)} or {"none": np.zeros(1, dtype)})


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_rule_is_what_it_is_evaluated_to(kind: Kind) -> None:
    """All of them by one emitter, which shares between them whatever they have in common."""
    values = _values(kind.dtype)
    found = compiled(kind, KEYS, list(RULES.values()))(*(values[key] for key in KEYS))
    wrong = [
        f"{name} {problem}"
        for name, result in zip(RULES, found, strict=True)
        if (problem := disagreement(result, _expected(kind.dtype, name)))
    ]
    assert not wrong, "\n".join(wrong)


def test_a_sum_may_be_off_by_the_rounding_of_each_addition() -> None:
    """0.1 + 0.2 - 0.3 leaves the rounding of 0.1 + 0.2, 5.6e-17, of a result that is exactly 2.8e-17; and no more."""
    one, other, third = (np.array([value]) for value in (0.1, 0.2, -0.3))
    expected = near(Apply(Operator.ADD, (u, v, w)), {"u": one, "v": other, "w": third})
    assert disagreement(one + other + third, expected) is None
    assert disagreement(one + (other + third), expected) is None
    assert disagreement(one + other + third + 1e-15, expected) is not None


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("gelu", RULES["gelu"] * (1 + 1e-5)),
        ("slope of tanh", 1 - RULES["tanh"] ** 2),
        ("half_squared_error", RULES["squared_error"] * 0.50001),
        ("slope of relu", -RULES["slope of relu"]),
        ("adam: m", RULES["adam: m"] + 1e-5),
    ],
)
def test_a_rule_that_is_a_little_wrong_is_found(name: str, wrong: Expression) -> None:
    kind = KINDS[0]
    values = _values(kind.dtype)
    (found,) = compiled(kind, KEYS, [wrong])(*(values[key] for key in KEYS))
    assert disagreement(found, _expected(kind.dtype, name)) is not None


# --- trees at random ----------------------------------------------------------------------------------

LEAVES = st.sampled_from([u, v, w])
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, -3.0, 0.1, 1e-3]).map(Number)
PLAIN = (Operator.ADD, Operator.SUBTRACT, Operator.MULTIPLY)
SMOOTH = (Operator.EXP, Operator.EXPM1, Operator.TANH, Operator.LOGISTIC, Operator.SOFTPLUS, Operator.ERF)


def _compared(pair: tuple[Expression, Expression], relation: Operator) -> Expression:
    return Apply(relation, pair)


def _exact(below: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Trees of operators that round like NumPy's, to the last bit."""
    either = st.one_of(below, NUMBERS)
    condition = st.builds(_compared, st.tuples(below, either), st.sampled_from([Operator.LESS, Operator.GREATER_EQUAL]))
    return st.one_of(
        st.builds(lambda o, *a: Apply(o, a), st.sampled_from(PLAIN), below, either),
        st.builds(lambda o, *a: Apply(o, a), st.sampled_from(PLAIN), either, below),
        st.builds(lambda a, b: a / b, either, below),
        st.builds(lambda *a: Apply(Operator.ADD, a), below, either, below),
        st.builds(lambda a: a**2, below),
        st.builds(lambda o, a: Apply(o, (a,)), st.sampled_from([Operator.NEGATE, Operator.ABS, Operator.SQRT]), below),
        st.builds(lambda c, a, b: Apply(Operator.WHERE, (c, a, b)), condition, either, below),
    )


def _any(below: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Trees of all operators."""
    return st.one_of(
        _exact(below),
        st.builds(lambda o, a: Apply(o, (a,)), st.sampled_from(SMOOTH), below),
        st.builds(lambda a: Apply(Operator.LOG, (a * a + Number(0.1),)), below),
        st.builds(lambda a: Apply(Operator.LOG1P, (a * a,)), below),
        st.builds(lambda o, a, b: Apply(o, (a, b)), st.sampled_from([Operator.MAX, Operator.MIN]), below, below),
        st.builds(lambda a, n: a ** Number(n), below, st.sampled_from([-2.0, -1.0, 0.0, 1.0, 3.0, 5.0])),
        st.builds(lambda a, b: (a * a + Number(0.1)) ** b, below, st.one_of(LEAVES, NUMBERS)),
        st.builds(lambda a, n: a / Number(n), below, st.sampled_from([3.0, 0.1, -7.0])),
    )


@given(st.lists(st.recursive(LEAVES, _exact, max_leaves=12), min_size=1, max_size=4))
def test_plain_operators_are_numpys_to_the_last_bit(trees: list[Expression]) -> None:
    rng = np.random.default_rng(8)
    edges = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, 5e-324, 1.0])
    values = {key: np.concatenate([rng.normal(size=40), rng.permutation(edges)]) for key in LETTERS}
    for tree, found in zip(trees, compiled(DOUBLES[0], list(LETTERS), trees)(*values.values()), strict=True):
        wanted = np.broadcast_to(evaluate(tree, values), found.shape)
        np.testing.assert_array_equal(found, wanted)
        # assert_array_equal takes -0 for 0.
        number = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(wanted[number]))


@pytest.mark.parametrize("kind", [KINDS[0], DOUBLES[0]], ids=str)
@given(trees=st.lists(st.recursive(LEAVES, _any, max_leaves=10), min_size=1, max_size=4))
def test_trees_of_all_operators(kind: Kind, trees: list[Expression]) -> None:
    rng = np.random.default_rng(9)
    values = {key: rng.normal(size=64).astype(kind.dtype) for key in LETTERS}
    for tree, found in zip(trees, compiled(kind, list(LETTERS), trees)(*values.values()), strict=True):
        assert disagreement(found, near(tree, values)) is None


# --- special cases ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_larger_and_the_smaller_of_two_are_not_numbers_if_one_is_not(kind: Kind) -> None:
    ends = [np.nan, -np.inf, -1.0, 0.0, 2.0, np.inf]
    one, other = (np.array(part, kind.dtype) for part in np.meshgrid(ends, ends))
    trees = [maximum(u, v), minimum(u, v), maximum(u, 0), minimum(1, u), maximum(minimum(u, 0.5), -0.5)]
    for tree, found in zip(trees, compiled(kind, ["u", "v"], trees)(one.ravel(), other.ravel()), strict=True):
        wanted = evaluate(tree, {"u": one.ravel(), "v": other.ravel()})
        np.testing.assert_array_equal(found, wanted, err_msg=str(tree))


def test_a_bound_that_is_no_number_is_not_passed_over() -> None:
    nothing = Apply(Operator.LOG, (Number(-1.0),))
    found = compiled(DOUBLES[0], ["u"], [maximum(u, nothing), minimum(nothing, u)])(np.array([1.0, np.nan]))
    assert np.isnan(found).all()


def test_the_branch_not_taken_harms_nobody() -> None:
    tree = parse("where(u > 0, log(u), 0 * u)", LETTERS)
    (found,) = compiled(DOUBLES[0], ["u"], [tree])(np.array([1.0, -1.0, 0.0, np.nan]))
    np.testing.assert_array_equal(found, [0.0, 0.0, 0.0, np.nan])


def test_powers_with_a_constant_exponent() -> None:
    ends = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 2.0, -2.0, 1e-300, -1e200])
    for exponent in (0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, 8.0, 9.0, -9.0, 1.5, 1e300):
        (found,) = compiled(DOUBLES[0], ["u"], [u ** Number(exponent)])(ends)
        with np.errstate(all="ignore"):
            expected = ends**exponent
        np.testing.assert_allclose(found, expected, rtol=2e-15, err_msg=str(exponent))


# --- how much code ------------------------------------------------------------------------------------


def block(kind: Kind, keys: Sequence[Hashable]) -> tuple[ir.IRBuilder, dict[Hashable, ir.Value]]:
    """An empty block, and a value for each symbol."""
    function = ir.Function(ir.Module(), ir.FunctionType(kind.type, [kind.type] * len(keys)), "f")
    return ir.IRBuilder(function.append_basic_block()), dict(zip(keys, function.args, strict=True))


def instructions(*trees: Expression, kind: Kind = KINDS[0]) -> Counter[str]:
    """How many instructions of each name the results depend on; an exponential has one shift."""
    keys = sorted(frozenset().union(*(symbols(tree) for tree in trees)), key=str)
    builder, values = block(kind, keys)
    emitter = Emitter(builder, kind.type, fma=kind.fma)
    needed = [emitter.emit(tree, values) for tree in trees]
    used = set[ir.Value]()
    while needed:
        value = needed.pop()
        if isinstance(value, ir.Instruction) and value not in used:
            used.add(value)
            needed.extend(value.operands)
    return Counter(instruction.opname for instruction in used)


def _activation(name: str) -> tuple[Expression, Expression]:
    rule = ACTIVATIONS[name]
    assert isinstance(rule, Activation)
    return rule.formula, rule.slope.simplified


@pytest.mark.parametrize(
    ("trees", "exponentials", "divisions"),
    [
        (_activation("logistic"), 1, 1),
        (_activation("tanh"), 1, 1),
        (_activation("silu"), 1, 1),
        (_activation("softplus"), 1, 1),
        (_activation("elu"), 1, 0),
        (_activation("selu"), 1, 0),
        (_activation("gelu"), 1, 0),
        ((parse("logistic(2 * u)", LETTERS), parse("logistic(-2 * u)", LETTERS), parse("tanh(u)", LETTERS)), 1, 1),
        ((parse("softplus(u)", LETTERS), parse("softplus(-u)", LETTERS)), 1, 0),
        ((RULES["binary_cross_entropy, fused"], RULES["slope of binary_cross_entropy, fused"]), 1, 1),
        ((parse("exp(u) + expm1(u)", LETTERS),), 1, 0),
        ((parse("exp(u) + exp(v)", LETTERS),), 2, 0),
    ],
)
def test_what_trees_have_in_common_is_computed_once(
    trees: Sequence[Expression], exponentials: int, divisions: int
) -> None:
    found = instructions(*trees)
    assert (found["shl"], found["fdiv"]) == (exponentials, divisions)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (u + v - (v + u), {"fadd": 1, "fsub": 1}),
        (u * v * u * v - v * u, {"fmul": 3, "fsub": 1}),
        (Apply(Operator.NEGATE, (-u,)), {}),
        (u - (-v), {"fadd": 1}),
        (-u * v + u * v, {"fmul": 1, "fsub": 1}),
        (u**2 + u**3, {"fmul": 2, "fadd": 1}),
        (z / sqrt(2), {"fmul": 1}),
        (u / 4 + u * exp(Number(0.0)), {"fmul": 1, "fadd": 1}),
        (maximum(u, 0), {"fcmp": 1, "select": 1}),
    ],
)
def test_nothing_is_computed_that_need_not_be(tree: Expression, expected: Mapping[str, int]) -> None:
    assert instructions(tree) == expected


def test_exponentials_are_short() -> None:
    """About as many instructions as there can be: fewer where the argument is known not to be above 0."""
    assert instructions(exp(u)).total() <= 28
    for tree in (exp(-absolute(u)), exp(-(u**2)), exp(minimum(u - v, 0))):
        assert instructions(tree).total() <= 22, tree


# --- by itself ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_tree_emitted_again_is_the_same_value(kind: Kind) -> None:
    builder, values = block(kind, [Role.SUM, Role.OUTPUT])
    emitter = Emitter(builder, kind.type, fma=kind.fma)
    tree = z * y + exp(z)
    first = emitter.emit(tree, values)
    count = len(builder.block.instructions)
    assert emitter.emit(tree, values) is first
    assert len(builder.block.instructions) == count
    assert first.type == kind.type
    # Other values for the same symbols are other numbers.
    assert emitter.emit(tree, {Role.SUM: values[Role.OUTPUT], Role.OUTPUT: values[Role.SUM]}) is not first


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_constants_stand_in_all_lanes_and_are_rounded(kind: Kind) -> None:
    builder, _ = block(kind, [])
    emitter = Emitter(builder, kind.type, fma=kind.fma)
    assert emitter.lanes.constant(0.1).type == kind.type
    assert emitter.lanes.constant(1e300).type == kind.type  # infinite in single precision, and no error
    assert emitter.emit(sqrt(2) * 2, {}) == emitter.lanes.constant(2 * 2**0.5)
    assert not builder.block.instructions


def test_what_is_no_tree_is_refused() -> None:
    builder, values = block(KINDS[0], [])
    with pytest.raises(TypeError, match="not an expression"):
        Emitter(builder, KINDS[0].type).emit("z", values)  # type: ignore[arg-type]
