"""The data of a page: JSON that stays where it stands."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.explorer.node import Node

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.explorer.export import MAX_EXAMPLES, MAX_NUMBERS, PLAIN, escaped, exported, numbers


def test_data_are_json_that_cannot_leave_their_block() -> None:
    problem = replace(cp.load("lecture"), name="</script><!-- \u2028 \ud800")
    content = escaped(exported(problem))
    assert not set("<>&\u2028\u2029") & set(content)
    assert json.loads(content)["name"].startswith("</script><!-- \u2028")


def test_a_problem_without_examples_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="there is no example to show; add one under"):
        exported(cp.Problem(cp.Network(1, [cp.Dense(1)])))


@pytest.mark.parametrize(("inputs", "rows"), [(1, 3 * MAX_EXAMPLES), (784, 200)])
def test_examples_that_do_not_fit_are_counted(inputs: int, rows: int) -> None:
    network = cp.Network(inputs, [cp.Dense(1)])
    content = exported(cp.Problem(network, examples=cp.Examples(np.zeros((rows, inputs)), np.zeros((rows, 1)))))
    shown = len(content["examples"]["numbers"])
    assert shown + content["examples"]["left_out"] == rows
    assert shown == min(MAX_EXAMPLES, MAX_NUMBERS // (inputs + 1))


@pytest.mark.parametrize("count", [0, 3, PLAIN, PLAIN + 1])
def test_the_page_reads_the_same_bits(node: Node, count: int) -> None:
    values = np.random.default_rng(count).normal(size=count) * 10.0 ** np.linspace(-300, 300, count)
    written = numbers(values)
    assert isinstance(written, list) == (count <= PLAIN)
    found = node.evaluate("(written) => [...clearprop.decoded(written)]", written)
    assert [float(value) for value in found] == values.tolist()


@pytest.mark.parametrize("rule", ["sqrt(z)", "1 / z", "log(z)", "z ** -0.5", "log(z - 9)", "1 / (z - z)"])
def test_activations_whose_slope_is_not_finite_everywhere_are_shown(rule: str) -> None:
    """At a pole, or where the root begins; the page says so once a sum is there."""
    layers = [cp.Dense(1, rule, bias="none"), cp.Dense(1, bias="none")]
    parameters = cp.Parameters.of(cp.Network(1, layers), [[[2.0]], [[1.0]]])
    problem = cp.Problem(cp.Network(1, layers), parameters, examples=cp.Examples(np.zeros((1, 1)), np.ones((1, 1))))
    assert json.loads(escaped(exported(problem)))["network"]["layers"][0]["activation"] >= 0
