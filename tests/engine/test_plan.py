"""Plans: whole tiles, a cost that grows with the work, and threads only where they pay."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.support.networks import problem_of

import clearprop as cp
from clearprop.engine import machine, plan
from clearprop.engine.program import Program


def planned(*sizes: int, batch: int = 32) -> tuple[Program, cp.Network]:
    problem = problem_of(sizes, 1, 1)
    return plan.program(problem, "float32", machine.host(), batch), problem.network


@pytest.mark.parametrize("batch", [1, 5, 6, 8, 100, 2048, 10**6])
def test_batches_have_room_in_whole_tiles_and_large_ones_are_cut(batch: int) -> None:
    program, network = planned(3, 5, 2, batch=batch)
    rows, block = plan.rows(program, batch), plan.block(program, network)
    assert rows % program.tile.rows == block % program.tile.rows == 0
    assert min(batch, plan.MOST_EXAMPLES) <= rows < min(batch, plan.MOST_EXAMPLES) + program.tile.rows
    assert 0 < block <= plan.EXAMPLES
    assert program.whole_gradient == (batch > plan.MOST_EXAMPLES)


def test_more_examples_share_weights_that_do_not_fit_the_cache() -> None:
    """A million numbers of four bytes do not fit a mebibyte."""
    (small, narrow), (large, wide) = planned(100, 100), planned(1000, 1000)
    assert plan.block(large, wide) > 1.5 * plan.block(small, narrow)


def test_activations_that_meet_all_units_fit_half_of_the_cache() -> None:
    program, _ = planned(3, 5, 2)
    for batch in (1, 100, 2048):
        chunk = plan.chunk(program, batch)
        assert chunk == 1 or chunk * batch * program.shape.row <= plan.SECOND_CACHE // 2
        assert (chunk + 1) * batch * program.shape.row > plan.SECOND_CACHE // 2


def test_operations_of_the_lectures_network() -> None:
    """Two layers of 2 by 2 weights: 4 products forward in each, 4 for each gradient, 4 for the signals of the hidden
    layer; each a multiplication and an addition."""
    assert plan.operations(cp.load("lecture").network, 1) == 2 * (4 + 4 + 4 + 4 + 4)
    assert plan.operations(cp.load("lecture").network, 10) == 400


def test_a_step_takes_longer_the_more_there_is_to_do() -> None:
    def seconds(*sizes: int, batch: int = 64) -> float:
        return plan.seconds(*planned(*sizes), batch)

    assert seconds(10, 10) < seconds(10, 200) < seconds(200, 200) < seconds(200, 200, 200)
    assert seconds(50, 50, batch=64) < seconds(50, 50, batch=640)
    program, network = planned(1000, 1000, 1000)
    work = plan.counts(program, network, 256)
    assert np.all(np.array(plan.counts(program, network, 256, 2)) > 0)
    # One thread moves nothing and meets nobody.
    assert np.array_equal(np.array(work) > 0, [True, True, True, False, False])
    # Forward and the gradient of the first layer, and the signals too of the second.
    assert work.products * program.numbers.lanes >= (2 + 3) * 1000 * 1000 * 256


@pytest.mark.parametrize("processors", [1, 2, 4])
def test_threads_are_no_more_than_processors_and_one_for_little_work(
    processors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "processors", lambda: processors)
    assert plan.threads(*planned(2, 2, 1), 4) == 1
    assert plan.threads(*planned(2000, 2000, 2000), 512) == processors


def test_a_thread_that_saves_less_than_a_tenth_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {1: 1.0, 2: 0.85, 3: 0.80, 4: 0.70}
    monkeypatch.setattr(plan, "processors", lambda: 4)
    monkeypatch.setattr(plan, "seconds", lambda program, network, batch, threads: costs[threads])
    assert plan.threads(*planned(200, 200), 64) == 4
    costs[4] = 0.77
    assert plan.threads(*planned(200, 200), 64) == 2


def test_a_call_looks_at_fewer_examples_the_longer_each_takes() -> None:
    """Of a tiny network too: what its activations take counts, not its few products alone."""
    tiny, narrow, wide = (plan.most(*planned(*sizes)) for sizes in ((2, 2, 2), (30, 64, 1), (900, 900)))
    assert 10**7 > tiny > narrow > wide >= plan.EXAMPLES
    assert tiny % plan.EXAMPLES == narrow % plan.EXAMPLES == wide % plan.EXAMPLES == 0
