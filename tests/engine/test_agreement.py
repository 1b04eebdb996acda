"""The compiled engine and the reference agree: the same numbers after an epoch, for every rule.

`tests/engine/support/networks.py` says how far they may be apart. More random networks, under guard pages, are in
`test_memory.py` and in `scripts/fuzz_engine.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.engine.support.networks import (
    ACTIVATION_NAMES,
    LIMITS,
    LOSS_NAMES,
    MOVING,
    SEEDS,
    by_engine,
    by_reference,
    distance,
    drawn,
    dtype_of,
    error_of,
    judged,
    native,
    outputs,
    problem_of,
    same,
    single,
)
from tests.engine.support.planted import FAULTS, OTHERS, all_planted, at_work, compile_anew, planted

import clearprop as cp
from clearprop.engine import calling, machine, memory, plan
from clearprop.engine import native as steps
from clearprop.engine.fingerprint import Part
from clearprop.engine.native import Native
from clearprop.network.examples import Examples
from clearprop.network.problem import Problem, Settings
from clearprop.rules.activations import Softmax
from clearprop.rules.optimizers import optimizer
from clearprop.training.batching import batch_size
from clearprop.training.reference import Reference
from clearprop.training.stopping import Status
from clearprop.types import Array

# --- random networks -------------------------------------------------------------------------------------


def test_the_networks_have_every_rule() -> None:
    problems = [drawn(seed, weights=15_000) for seed in SEEDS]
    layers = [layer for problem in problems for layer in problem.network.layers]
    assert {layer.rule.name for layer in layers} >= set(ACTIVATION_NAMES)
    assert {problem.network.loss.rule.name for problem in problems} == set(LOSS_NAMES)
    made = {(problem.optimizer.name, str(problem.optimizer.hyperparameters)) for problem in problems}
    assert made == {(name, str(optimizer(name, **options).hyperparameters)) for name, options in MOVING}
    assert {problem.network.depth for problem in problems} == {1, 2, 3, 4, 5, 6}
    assert {layer.bias for layer in layers} == {"unit", "shared", "none"}
    assert any(layer.bias == "shared" and layer.dropout for layer in layers)
    assert {(layer.bias, layer.train_bias) for layer in layers} >= {("unit", False), ("shared", False)}
    assert any(layer.rule.name == "softmax" and layer.dropout for layer in layers)
    assert any(problem.network.layers[-1].dropout for problem in problems)
    assert {problem.network.loss.over_outputs for problem in problems} == {"sum", "mean"}
    assert {problem.network.loss.over_examples for problem in problems} == {"sum", "mean", "weighted_mean"}
    assert {bool(problem.penalty.l1) + 2 * bool(problem.penalty.l2) for problem in problems} == {0, 1, 2, 3}
    for given in ("clip_norm", "clip_value"):
        assert {getattr(problem.optimizer, given) is None for problem in problems} == {True, False}
    assert {problem.optimizer.schedule.warmup > 0 for problem in problems} == {True, False}
    programs = [plan.program(problem, "float32", machine.host(), batch_size(problem)) for problem in problems]
    assert {program.single is None for program in programs} == {True, False}
    assert {program.alone for program in programs if program.single is None} == {True, False}
    assert {program.whole_gradient for program in programs} == {True, False}
    assert {program.widths for program in programs} == {(1,), (2,), (1, 2)}
    assert {program.fused is None for program in programs} == {True, False}
    insides = [program.hidden for program in programs if not isinstance(program.last, Softmax)]
    assert any(isinstance(rule, Softmax) for hidden in insides for rule in hidden)
    examples = [problem.examples for problem in problems if problem.examples is not None]
    assert {each.weights is None for each in examples} == {each.training is None for each in examples} == {True, False}


@pytest.mark.parametrize("seed", SEEDS)
def test_engine_and_reference_agree(seed: int) -> None:
    problem, dtype = drawn(seed, weights=15_000), dtype_of(seed)
    verdict = judged(problem, dtype, by_engine(native(problem, dtype, threads=1 + seed % 2), error=False))
    assert verdict.agrees, f"seed {seed}: {verdict}"


TARGETS = {"AVX2": (("avx512f",), "avx2"), "SSE2": (("sse3",), "sse2")}
"""What is left unused, and what is needed: SSE2 has narrow vectors, and no instruction for a multiplication and
an addition in one."""


@pytest.fixture(params=list(TARGETS))
def narrower(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Code for a processor with fewer features than this one."""
    unused, needed = TARGETS[request.param]
    if not (machine.host().x86 and machine.host().has(needed)):
        pytest.skip(f"this processor has no {needed}")
    target = machine.host().without(*unused)
    monkeypatch.setattr(machine, "host", lambda: target)
    return str(request.param)


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_narrower_vectors(seed: int, narrower: str) -> None:
    problem, dtype = drawn(seed, weights=15_000), dtype_of(seed)
    one = native(problem, dtype)
    assert one.panels.numbers.lanes * one.panels.numbers.bytes == {"AVX2": 32, "SSE2": 16}[narrower]
    end = by_engine(one, error=False)
    verdict = judged(problem, dtype, end)
    assert verdict.agrees, f"seed {seed}: {verdict}"
    assert same(end, by_engine(native(problem, dtype, threads=2, like=one), error=False)), f"seed {seed}"


# --- large batches, many steps, errors and outputs ---------------------------------------------------------------


@pytest.mark.parametrize(("rows", "batch", "clip"), [(2049, 2049, None), (4500, 2300, 0.05), (6200, 4100, None)])
def test_large_batches_add_up_their_gradient_in_parts(rows: int, batch: int, clip: float | None) -> None:
    """Of 2,048 examples at a time, the last part of another size."""
    dtype = "float64" if clip is None else "float32"
    momentum = optimizer("sgd", learning_rate=0.3, momentum=0.9, clip_norm=clip)
    problem = problem_of((5, 17, 3), rows, batch, chosen=momentum)
    engine = native(problem, dtype, threads=2)
    assert engine.program.whole_gradient
    verdict = judged(problem, dtype, by_engine(engine))
    assert verdict.agrees, str(verdict)
    assert not verdict.hard, str(verdict)


def test_many_steps() -> None:
    """Twenty epochs of a problem that is well-conditioned: rounding does not add up to more than it must."""
    problem = problem_of((6, 20, 4), 70, 16, chosen=cp.SGD(0.1, momentum=0.9))
    engine = native(problem, "float64")
    by_engine(engine, epochs=20)
    reference = by_reference(problem, "float64", epochs=20)
    assert distance(engine.vector, reference.vector) <= 1e-12


WITHOUT_EPS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("rmsprop", {"weight_decay": 0.01}),
    ("rmsprop", {"centered": True, "momentum": 0.5}),
    ("adagrad", {}),
    ("adagrad", {"initial_accumulator_value": 0.1}),
    ("adam", {"weight_decay": 0.01}),
    ("adamw", {}),
)


def without_eps(sizes: tuple[int, ...], name: str, options: Mapping[str, Any], clip: float | None) -> Problem:
    """Widths that fill no panel, and a penalty, which is part of the norm."""
    chosen = optimizer(name, learning_rate=0.003, eps=0.0, clip_norm=clip, **options)
    problem = problem_of(sizes, 12, 1 if sizes == (2, 3, 2) else 4, chosen=chosen)
    return replace(problem, penalty=cp.Penalty(l1=0.001, l2=0.01))


def filling(engine: Native) -> Array:
    """What fills up the panels of the weights, and of what the optimizer remembers."""
    whole = np.array(list(engine.parts))
    for layer in range(1, engine.problem.network.depth + 1):
        panels = engine.panels
        start, rows = panels.weight_starts[layer], panels.weight_rows(layer)
        here = slice(start * panels.width, (start + panels.count(layer) * rows) * panels.width)
        block = whole[:, here].reshape(len(whole), panels.count(layer), rows, panels.width)
        block[:, :-1, [*range(panels.network.sizes[layer - 1]), -1]] = 0.0
        block[:, -1, [*range(panels.network.sizes[layer - 1]), -1], : panels.tail(layer)] = 0.0
    return whole


@pytest.mark.parametrize(
    ("sizes", "dtype", "clip"),
    [  # two of them have any two of the sizes, precisions and limits
        ((5, 37, 3), "float32", None),
        ((5, 37, 3), "float64", 0.05),
        ((2, 3, 2), "float32", 0.05),
        ((2, 3, 2), "float64", None),
    ],
)
@pytest.mark.parametrize(("name", "options"), WITHOUT_EPS)
def test_without_eps(
    sizes: tuple[int, ...], name: str, options: Mapping[str, Any], dtype: str, clip: float | None
) -> None:
    """Nothing keeps zero from being divided by zero where there is no weight: it stays zero all the same."""
    problem = without_eps(sizes, name, options, clip)
    engine = native(problem, dtype, threads=2)
    assert (engine.program.single is not None) is (sizes == (2, 3, 2) and clip is None)
    verdict = judged(problem, dtype, by_engine(engine))
    assert verdict.agrees, str(verdict)
    assert engine.finite
    assert not filling(engine).any()


@pytest.mark.parametrize("clip", [None, 0.05])
def test_an_update_of_what_fills_up_a_panel_would_be_found(clip: float | None) -> None:
    """Planted: NaN fills up the panels. It spreads to all weights: sums go over more than there is."""
    engine = native(without_eps((5, 37, 3), "adam", {}, clip), "float64")
    with planted("an update takes what fills up a panel for units"):
        compile_anew(engine, "train")
    by_engine(engine, error=False)
    assert not engine.finite
    assert np.isnan(filling(engine)).any()
    assert np.isnan(engine.vector).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize(("name", "options"), [each for each in WITHOUT_EPS if "initial" not in str(each)])
def test_a_gradient_of_zero_without_eps(name: str, options: Mapping[str, Any], batch: int, dtype: Any) -> None:
    """0/0 is what the rule says of a weight that nothing feeds: the engine says so as the reference does."""
    options = {key: value for key, value in options.items() if key != "weight_decay"}
    problem = problem_of((3, 2), 12, batch, chosen=optimizer(name, learning_rate=0.003, eps=0.0, **options))
    assert problem.examples is not None
    problem.examples.inputs[:, 1] = 0.0
    problem = replace(problem, settings=replace(problem.settings, epochs=2, dtype=dtype))
    one, other = (cp.train(problem, engine=name) for name in ("compiled", "reference"))
    assert one.status is other.status is Status.DIVERGED
    assert one.reason == other.reason
    assert "step 1: the new value of w2 is nan, in layer 1" in one.reason
    assert one.problem.parameters == other.problem.parameters == problem.parameters


@pytest.mark.parametrize("eps", [0.0, 1e-8])
def test_pytorch_divides_zero_by_zero_as_well(eps: float) -> None:
    torch: Any = pytest.importorskip("torch")
    for kind in (torch.optim.RMSprop, torch.optim.Adagrad, torch.optim.Adam, torch.optim.AdamW):
        w = torch.zeros(2, requires_grad=True)
        w.grad = torch.tensor([0.0, 1.0])
        kind([w], lr=0.1, eps=eps).step()
        assert torch.isnan(w).tolist() == [eps == 0.0, False]


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_outputs_and_errors(seed: int) -> None:
    """Of any examples, in any order, also those set aside; without dropout."""
    problem = drawn(seed, weights=15_000)
    assert problem.examples is not None
    dtype = dtype_of(seed)
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(problem.examples), size=int(rng.choice([1, 7, 127, 128, 129, 300])))
    engine, truth = native(problem, dtype, threads=3), Reference(problem, "float64")
    found = outputs(engine, rows)
    assert found.dtype == dtype
    assert distance(found, truth.trace(rows).outputs[-1]) <= LIMITS[dtype], f"seed {seed}"
    expected = error_of(problem, truth, rows)
    assert engine.error(rows) == pytest.approx(expected, rel=LIMITS[dtype]), f"seed {seed}"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_variable_is_clipped_by_its_own_norm(dtype: str, threads: int) -> None:
    """Also a bias that is shared, frozen, or none; some norms are above the limit, some below."""
    problem = everything(0.06)
    layers = list(problem.network.layers)
    layers[0] = replace(layers[0], train_bias=False)
    layers[1] = replace(layers[1], bias="none")
    network = replace(problem.network, layers=tuple(layers))
    chosen = replace(problem.optimizer, clip_norm_per="variable")
    problem = replace(
        problem, network=network, parameters=cp.Parameters.random(network, 3), optimizer=chosen,
        penalty=cp.Penalty(l2=0.01),
    )  # fmt: skip
    factors = cp.cycle(problem, "all").update.clip_factors
    assert min(factors.values()) < 0.9
    assert max(factors.values()) == 1
    verdict = judged(problem, dtype, by_engine(native(problem, dtype, threads=threads)))
    assert verdict.agrees, str(verdict)
    loose = replace(problem, optimizer=replace(chosen, clip_norm_per="all"))
    assert not judged(loose, dtype, by_engine(native(problem, dtype))).agrees


# --- planted faults ------------------------------------------------------------------------------------------


def everything(clip: float | None) -> Problem:
    """A network in which every kernel has something to do, at the edges of tiles and beside them."""
    rng = np.random.default_rng(5)
    layers = [
        cp.Dense(64, "tanh", dropout=0.3),
        cp.Dense(32, "softmax"),
        cp.Dense(20, "logistic", bias="shared"),
        cp.Dense(6, "softmax", dropout=0.1),
    ]
    targets = single(rng.uniform(0.1, 0.9, (70, 6)))
    examples = Examples(single(rng.normal(size=(70, 33))), targets, own=False)
    problem = Problem(
        cp.Network(33, layers, "half_squared_error"), examples=examples, settings=Settings(batch_size=24, seed=2)
    )
    problem.parameters.vector[:] += single(rng.normal(0, 0.3, problem.parameters.vector.size))
    return replace(problem, optimizer=optimizer("sgd", learning_rate=0.5, momentum=0.9, clip_norm=clip))


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays with so much room on both sides that a planted fault does no harm."""
    usual, room = calling.zeros, 4096

    def zeros(count: int, dtype: str) -> Array:
        return usual(count + 2 * room, dtype)[room : room + count]

    for module in (calling, memory, steps):
        monkeypatch.setattr(module, "zeros", zeros)


@pytest.mark.parametrize("clip", [None, 0.01])
def test_without_a_fault_they_agree(clip: float | None) -> None:
    problem = everything(clip)
    engine = native(problem, "float64")
    verdict = judged(problem, "float64", by_engine(engine))
    assert verdict.agrees, str(verdict)
    assert not verdict.hard, str(verdict)
    assert off(engine, "predict") <= LIMITS["float64"]
    assert off(engine, "errors") <= LIMITS["float64"]


def off(engine: Native, part: Part) -> float:
    """How far the engine is from the reference: in training, or of what it is at, in outputs or errors."""
    problem, rows = engine.problem, np.arange(48)  # the last of them is the last of a tile
    if part == "train":
        return max(by_engine(engine, error=False).distances(by_reference(problem, "float64")).values())
    start = problem.parameters.with_vector(engine.vector)
    truth = Reference(replace(problem, parameters=start), "float64")
    if part == "predict":
        return distance(outputs(engine, rows), truth.trace(rows).outputs[-1])
    return distance(np.array(engine.error(rows)), np.array(error_of(problem, truth, rows)))


PARTS: dict[str, Part] = {"scatter": "predict"}
# By the barrier's own test, where sums are left alone, and without eps; and by the kernel's: nobody reads that row.
FOUND_ELSEWHERE = (
    "an activation takes one example too many",
    "nobody waits",
    "sums that are to be left alone are not",
    "an update takes what fills up a panel for units",
)


@cache
def faulty(clip: float | None, part: Part) -> Native:
    """An engine whose code for one part has all faults, one of which may be at work."""
    engine = native(everything(clip), "float64")
    with all_planted():
        compile_anew(engine, part)
    return engine


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize(("clip", "part"), [(None, "train"), (0.01, "train"), (None, "predict"), (None, "errors")])
def test_faults_that_are_not_at_work_do_no_harm(clip: float | None, part: Part) -> None:
    assert off(native(everything(clip), "float64", like=faulty(clip, part)), part) <= LIMITS["float64"]


def off_by(fault: str, part: Part) -> float:
    """How far an engine with that fault is from the reference."""
    clip = 0.01 if "norm" in fault else None
    if fault in FAULTS:
        with at_work(fault):
            return off(native(everything(clip), "float64", like=faulty(clip, part)), part)
    engine = native(everything(clip), "float64")
    with planted(fault):
        compile_anew(engine, part)
    return off(engine, part)


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize("fault", [name for name in (*FAULTS, *OTHERS) if name not in FOUND_ELSEWHERE])
def test_planted_faults_are_found(fault: str) -> None:
    part = PARTS.get(FAULTS[fault].kernel, "train") if fault in FAULTS else "train"
    assert off_by(fault, part) > 1e3 * LIMITS["float64"]


# What predictions do not look at: slopes, and rows behind the last example.
HARMLESS = (
    "an activation takes one example too many",
    "slopes are put a row too far",
    "softmax keeps its outputs a row too far",
)
FORWARD = [name for name in FAULTS if FAULTS[name].kernel in ("gather", "product", "activate", "softmax")]


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize("fault", [name for name in FORWARD if name not in HARMLESS])
def test_faults_of_the_forward_pass_are_found_without_training(fault: str) -> None:
    assert off_by(fault, "predict") > 1e3 * LIMITS["float64"]


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize(
    "fault",
    ["errors and signals look at one unit less", "a product leaves one term out", "softmax looks at a unit too many"],
)
def test_faults_of_errors_are_found(fault: str) -> None:
    assert off_by(fault, "errors") > 1e3 * LIMITS["float64"]
