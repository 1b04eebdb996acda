"""Explanations as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rendering.explained import explained
from tests.support import problems

import clearprop as cp


def test_json_is_what_product_says() -> None:
    found = json.loads(explained("lecture").json())
    assert found["values"] == {
        "sum_h1": pytest.approx(0.41), "sum_h2": pytest.approx(0.47), "sum_o1": pytest.approx(1.0197741925),
        "sum_o2": pytest.approx(1.2630685246), "output_h1": pytest.approx(0.6010878788),
        "output_h2": pytest.approx(0.6153837563), "output_o1": pytest.approx(0.7349286127),
        "output_o2": pytest.approx(0.7795538842), "E_1": pytest.approx(0.2345636022),
        "E_2": pytest.approx(0.0145259392), "E_total": pytest.approx(0.2490895415),
    }  # fmt: skip
    assert found["after"]["E_total"] == pytest.approx(0.2407249055)
    assert found["updated"]["b1"] == 0.25
    assert set(found["derivations"]) == set(found["gradients"]) == {"b1", "b2", *(f"w{n}" for n in range(1, 9))}
    first = found["derivations"]["w5"]["terms"][0]
    assert first["of"] == "E_total"
    assert first["factors"][0]["symbol"] == "∂E_total/∂output_o1"
    assert first["factors"][0]["expression"] == "output_o1 - target_1"
    assert [term["of"] for term in found["derivations"]["w1"]["terms"]] == ["E_1", "E_2"]


@given(problems() | problems(weights=True), st.sampled_from([1, "all"]))
def test_json_products_add_up(problem: cp.Problem, example: Any) -> None:
    found = json.loads(cp.explain(cp.cycle(problem, example)).json())
    for derivation in found["derivations"].values():
        assert sum(term["product"] for term in derivation["terms"]) == pytest.approx(
            derivation["gradient"], rel=1e-9, abs=1e-12
        )
        for term in derivation["terms"]:
            product = 1.0
            for factor in term["factors"]:
                product *= factor["value"]
            assert product == pytest.approx(term["product"], rel=1e-12, abs=1e-300)
    assert ("examples" in found) == (example == "all")


def test_a_penalty_and_a_collapsed_factor_in_json() -> None:
    found = json.loads(explained("deep", "w1").json())["derivations"]["w1"]["terms"]
    assert [term["of"] for term in found] == ["E_1", "E_2", "penalty"]
    collapsed = found[0]["factors"][0]
    assert collapsed["symbol"] == "∂E_1/∂output_f1"
    assert len(collapsed["expansion"]) == 4
    assert [len(term["factors"]) for term in collapsed["expansion"]] == [7] * 4


def test_json_has_the_inputs_the_error_signals_and_the_old_weights() -> None:
    """Of the lecture: its inputs and weights as its file states them; δ_o = (output - target) · slope by hand."""
    found = json.loads(explained("lecture").json())
    assert found["inputs"] == {"i1": 0.1, "i2": 0.5}
    assert found["parameters"] == {
        "w1": 0.1, "w3": 0.3, "w2": 0.2, "w4": 0.4, "b1": 0.25, "w5": 0.5, "w6": 0.6, "w7": 0.7, "w8": 0.8, "b2": 0.35,
    }  # fmt: skip
    values, signals = found["values"], found["signals"]
    for unit, target in (("o1", 0.05), ("o2", 0.95)):
        output = values[f"output_{unit}"]
        expected = (output - target) * output * (1 - output)
        assert signals[f"∂E_total/∂sum_{unit}"] == pytest.approx(expected, rel=1e-13)
    back = signals["∂E_total/∂sum_o1"] * 0.5 + signals["∂E_total/∂sum_o2"] * 0.7
    output = values["output_h1"]
    assert signals["∂E_total/∂sum_h1"] == pytest.approx(back * output * (1 - output), rel=1e-13)
    assert list(signals) == [f"∂E_total/∂sum_{unit}" for unit in ("h1", "h2", "o1", "o2")]


def test_in_a_batch_each_example_has_its_inputs_and_error_signals() -> None:
    found, xor = json.loads(explained("xor", example="all").json()), cp.load("xor").examples
    assert xor is not None
    examples = found["examples"]
    assert [list(each["inputs"].values()) for each in examples] == xor.inputs.tolist()
    assert "signals" not in found
    assert "inputs" not in found
    for each in examples:
        alone = json.loads(explained("xor", example=each["example"]).json())
        assert each["signals"] == pytest.approx(alone["signals"], rel=1e-12)
        assert alone["parameters"] == found["parameters"]
