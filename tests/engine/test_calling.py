"""The table of layers: every word against another count, and a wrong one is found."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from tests.engine.support.guarded import AVAILABLE, guarded
from tests.engine.support.networks import LIMITS, by_engine, by_reference, native, single
from tests.support import HANG

import clearprop as cp
from clearprop.engine import calling
from clearprop.engine.calling import EACH, NONE, SHARED, UNTRAINED, WORDS
from clearprop.engine.numbers import Numbers
from clearprop.engine.panels import Panels
from clearprop.engine.program import each_once
from clearprop.network.examples import Examples
from clearprop.network.problem import Problem, Settings
from clearprop.propagation.dropout import mixed
from clearprop.rules.optimizers import optimizer
from clearprop.types import Array

NUMBERS = [Numbers("float32", 8), Numbers("float64", 2), Numbers("float32", 16), Numbers("float32", 4)]


def network() -> cp.Network:
    """Layers at the edges of panels and beside them, with and without whatever a layer can have."""
    return cp.Network(
        19,
        [
            cp.Dense(32, "tanh", dropout=0.3),
            cp.Dense(16, "softmax", bias=False),
            cp.Dense(33, "relu", bias="shared", dropout=1e-17),
            cp.Dense(1, "softplus", train_bias=False),
            cp.Dense(8, "relu", bias="shared", train_bias=False),
            cp.Dense(5, "logistic", dropout=1 / 3),
        ],
    )


def rows(panels: Panels) -> list[dict[str, int]]:
    """The table, row by row."""
    rules = each_once([layer.rule for layer in panels.network.layers])
    return [dict(zip(WORDS, map(int, row), strict=True)) for row in calling.layer_table(panels, rules)]


def parameters(panels: Panels) -> Array:
    """Where each parameter stands among the weights, in bytes: they are put there, and looked for."""
    count = panels.network.layout.size
    packed = panels.pack(np.arange(1, count + 1))
    return np.array([int(np.flatnonzero(packed == k)[0]) for k in range(1, count + 1)]) * panels.numbers.bytes


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
def test_units_and_panels(numbers: Numbers) -> None:
    panels, width = Panels(numbers, 2, network()), 2 * numbers.lanes
    for row, size in zip(rows(panels), (19, 32, 16, 33, 1, 8, 5), strict=True):
        filled = [len(part) for part in np.array_split(np.arange(size), range(width, size, width))]
        assert (row["units"], row["panels"], row["tail"]) == (size, len(filled), filled[-1])


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
def test_where_weights_stand(numbers: Numbers) -> None:
    panels = Panels(numbers, 2, network())
    layout, places, table, row = panels.network.layout, parameters(panels), rows(panels), panels.row
    end = 0
    for number, layer in enumerate(table[1:], start=1):
        weights = places[layout.weights[number - 1]].reshape(panels.network.sizes[number], -1)
        assert layer["weights"] == weights[0, 0]
        assert layer["weights"] == end
        end += layer["panels"] * layer["rows"] * row
        if layer["panels"] > 1:
            assert weights[panels.width, 0] - weights[0, 0] == layer["rows"] * row
        if weights.shape[1] > 1:
            assert weights[0, 1] - weights[0, 0] == row
        biases = places[layout.biases[number - 1]]
        if len(biases):
            # The last row of a panel; before it there is one for each input, in whole vectors.
            assert biases[0] - weights[0, 0] == (layer["rows"] - 1) * row
        inputs = panels.network.sizes[number - 1]
        assert (layer["rows"] - 1) % numbers.lanes == 0
        assert 0 <= layer["rows"] - 1 - inputs < numbers.lanes
    assert end == panels.weights * row


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
def test_where_transposed_weights_stand(numbers: Numbers) -> None:
    panels = Panels(numbers, 2, network())
    layout, table, row = panels.network.layout, rows(panels), panels.row
    turned = panels.transpose(panels.pack(np.arange(1, layout.size + 1)))
    for number, layer in enumerate(table[2:], start=2):
        shape = panels.network.sizes[number], panels.network.sizes[number - 1]
        names = np.arange(1, layout.size + 1)[layout.weights[number - 1]].reshape(shape)
        for unit, source in ((0, 0), (shape[0] - 1, 0), (0, shape[1] - 1), (shape[0] - 1, shape[1] - 1)):
            panel, inside = divmod(source, panels.width)
            place = layer["transposed"] + (panel * layer["turned"] + unit) * row + inside * numbers.bytes
            assert turned[place // numbers.bytes] == names[unit, source]
        assert layer["turned"] % numbers.lanes == 0
        assert 0 <= layer["turned"] - shape[0] < numbers.lanes
    end = table[-1]
    assert end["transposed"] + table[-2]["panels"] * end["turned"] * row == panels.transposed * row


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
def test_activations_and_signals_have_panels_of_their_own(numbers: Numbers) -> None:
    """All of them one after the other, and behind them those that stand aside: for the widest softmax layer."""
    panels = Panels(numbers, 2, network())
    table = rows(panels)
    taken = [row["activations"] + k for row in table for k in range(row["panels"])]
    taken += [row["signals"] + k for row in table[1:] for k in range(row["panels"])]
    assert taken == list(range(len(taken)))
    softmax = next(row["panels"] for row in table if row["units"] == 16)
    assert calling.aside(panels) == softmax
    plain = replace(panels, network=cp.Network(2, [cp.Dense(3, "tanh")]))
    assert calling.aside(plain) == 0


def test_rules_and_biases() -> None:
    table = rows(Panels(NUMBERS[0], 2, network()))
    # In the order in which they first appear.
    assert [row["rule"] for row in table] == [NONE, 0, 1, 2, 3, 2, 4]
    kinds = [UNTRAINED, EACH, UNTRAINED, SHARED, UNTRAINED, UNTRAINED, EACH]
    assert [row["bias"] for row in table] == kinds


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
def test_dropout(numbers: Numbers) -> None:
    """A unit is kept if its 53 bits, as a number in [0, 1), reach the share."""
    panels = Panels(numbers, 2, network())
    table, found = rows(panels), calling.hashes(panels)
    assert [row["dropped"] for row in table] == [NONE, 0, NONE, 1, NONE, NONE, 2]
    ends = 0
    for row, share in zip(table, (0, 0.3, 0, 1e-17, 0, 0, 1 / 3), strict=True):
        if not share:
            assert (row["least"], row["kept"], row["hashes"]) == (0, 0, 0)
            continue
        assert Fraction(row["least"], 2**53) >= Fraction(share) > Fraction(row["least"] - 1, 2**53)
        assert np.int64(row["kept"]).view(np.float64) == 1 / (1 - share)
        first = row["hashes"] // 8
        assert first == ends
        assert np.array_equal(found[first:][: row["units"]], mixed(np.arange(row["units"], dtype=np.uint64)))
        ends = first + -(-row["units"] // numbers.lanes) * numbers.lanes
    assert len(found) == ends


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
def test_sums_over_weights_have_places_of_their_own(numbers: Numbers) -> None:
    panels = Panels(numbers, 2, network())
    table = rows(panels)
    ends = 0
    for number, row in enumerate(table[1:], start=1):
        assert row["sums"] == ends
        # For each unit one per 16 inputs (8 in float64), where a panel has as many; its bias; a bias that all share.
        squares = table[number - 1]["panels"] * max(1, panels.width * numbers.bytes // 64)
        ends += row["panels"] * panels.width * (squares + 1) + 8
    assert ends == sum(calling.sums(panels, number) for number in range(1, len(table)))


# --- wrong words ---------------------------------------------------------------------------------------------


ROW = 128
"""The bytes of a row of a panel, on a processor whose vectors have 64; elsewhere those of a few."""


def problem(clip: float | None = None) -> Problem:
    """A network in which every word matters; fused with its loss, for that the last rule may say anything else."""
    rng = np.random.default_rng(6)
    whole = network()
    outputs = [replace(whole.layers[2], dropout=0.25), *whole.layers[3:]]
    known = cp.Network(19, [*whole.layers[:2], *outputs], "half_squared_error")
    examples = Examples(single(rng.normal(size=(50, 19))), single(rng.uniform(0.1, 0.9, (50, 5))), own=False)
    made = Problem(known, examples=examples, settings=Settings(batch_size=24, seed=2))
    made.parameters.vector[:] = single(made.parameters.vector + rng.normal(0, 0.3, made.parameters.vector.size))
    return replace(made, optimizer=optimizer("sgd", learning_rate=0.5, momentum=0.9, clip_norm=clip))


Wrong = tuple[str, int, int]
"""A word, the layer, and how far it is off."""

# Sums go over whole vectors, and what fills these up is zero: some words that are off by one do no harm.
WRONG: list[Wrong] = [
    *(("units", layer, by) for layer in (0, 6) for by in (1, -1)),
    *(("units", layer, by) for layer in (1, 2, 3, 5) for by in (16, -8)),
    ("units", 4, -1),
    *(("panels", layer, by) for layer in (1, 3) for by in (1, -1)),
    ("panels", 0, -1),
    *(("tail", layer, -1) for layer in (0, 1, 2, 3, 4, 5, 6)),
    ("tail", 4, 1),
    ("tail", 0, 8),
    *(("rows", layer, by) for layer in (1, 2, 3, 6) for by in (1, -1)),
    *(("turned", layer, by) for layer in (2, 4) for by in (1, -1)),
    *(("weights", layer, by) for layer in (1, 2, 6) for by in (8, ROW, -ROW)),
    *(("transposed", layer, by) for layer in (2, 3, 6) for by in (8, ROW, -ROW)),
    *(("activations", layer, by) for layer in (0, 1, 2, 6) for by in (1, -1)),
    *(("signals", layer, by) for layer in (1, 2, 6) for by in (1, -1)),
    *(("rule", layer, by) for layer in (1, 2, 3, 4, 6) for by in (1, -1)),
    *(("bias", layer, by) for layer in (1, 3) for by in (1, -1)),
    ("bias", 4, 1),
    ("bias", 6, -1),
    *(("dropped", layer, by) for layer in (1, 3, 6) for by in (1, -1)),
    ("dropped", 2, 1),
    *(("least", layer, 2**50) for layer in (1, 3, 6)),
    *(("kept", layer, 2**42) for layer in (1, 3, 6)),
    *(("hashes", layer, 8) for layer in (1, 3, 6)),
    *(("sums", layer, by) for layer in (2, 6) for by in (-100, 100_000)),
]


@pytest.mark.skipif(not AVAILABLE, reason="pages are guarded by what POSIX has for that")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("clip", [None, 0.01])
def test_a_wrong_word_is_found(clip: float | None) -> None:
    """By numbers that are others, by what is written beside an array, or by the end of a process."""
    given = problem(clip)
    truth, first = by_reference(given, "float64"), native(given, "float64")
    assert first.training.arrays["layers"].reshape(first.ready.table.shape)[6, WORDS.index("units")] == 5
    # Without a limit the same words are read by other code: there, each once.
    words = WRONG if clip else [each for word, each in {each[0]: each for each in WRONG}.items() if word != "sums"]
    assert {word for word, *_ in words} == set(WORDS) - (set() if clip else {"sums"})

    def ends_well(each: Wrong | None, *, at_end: bool) -> bool:
        with guarded(at_end=at_end) as guards:
            engine = native(given, "float64", like=first)
            if each is not None:
                word, layer, by = each
                engine.training.arrays["layers"].reshape(engine.ready.table.shape)[layer, WORDS.index(word)] += by
            found = by_engine(engine, error=False).distances(truth)
            return guards.intact and max(found.values()) <= 1e3 * LIMITS["float64"]

    wrong: list[Wrong | None] = [*words]
    assert that_hold([None], partial(ends_well, at_end=False)) == [None]
    for at_end in (True, False):
        # The right words, last of all, hold: no wrong one has done harm to those behind it.
        *wrong, right = that_hold([*wrong, None], partial(ends_well, at_end=at_end))
        assert right is None
    assert wrong == []


def that_hold(cases: Sequence[Wrong | None], holds: Callable[[Wrong | None], bool]) -> list[Wrong | None]:
    """The cases that hold, in copies of this process: one looks at them in turn, and when it comes to a bad end,
    the next begins behind the case that ended it."""
    held, done = [], 0
    while done < len(cases):
        answers = in_a_copy(map(holds, cases[done:]))
        held += [each for each, answer in zip(cases[done:], answers, strict=False) if answer]
        done += len(answers) + 1
    return held


def in_a_copy(work: Iterable[bool]) -> bytes:
    """What a copy of this process finds, as long as it comes to no bad end."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        import faulthandler

        faulthandler.disable()  # nothing is to be told about the end that is expected
        try:
            signal.alarm(HANG)
            for answer in work:
                signal.alarm(HANG)
                os.write(sink, bytes([answer]))
        finally:
            os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as answers:
        found = answers.read()
    os.waitpid(child, 0)
    return found
