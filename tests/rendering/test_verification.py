"""A verification as a document, and a planted fault that it shows."""

from __future__ import annotations

import json

import clearprop as cp
from clearprop.rendering.formats import write
from clearprop.rendering.verification import all_agree, verification_result
from clearprop.verification.engines import EngineCheck
from clearprop.verification.finite_differences import verify

LECTURE = cp.load("lecture")


def test_each_layer_has_a_line_and_the_last_one_says_whether_all_agree() -> None:
    report = verify(LECTURE)
    lines = write(verification_result(report), "text").split("\n")
    assert lines[0].startswith("gradients against central differences in ")
    assert [line.partition(",")[0] for line in lines[2:4]] == ["layer 1: 5 of 5 checked", "layer 2: 5 of 5 checked"]
    assert lines[-2] == "all agree"


def test_a_wrong_gradient_is_named_with_both_values() -> None:
    gradients = cp.cycle(LECTURE).gradients.of
    wrong = gradients.with_vector(gradients.vector.copy())
    wrong.vector[5] += 0.01
    report = verify(LECTURE, gradients=wrong)
    shown = write(verification_result(report), "text")
    assert f"\n  w5: backward found {float(wrong.vector[5])!r}, the central difference is 0.0802" in shown
    assert shown.endswith("NOT all agree\n")
    found = json.loads(write(verification_result(report), "json"))
    assert (found["agrees"], found["layers"][1]["worst"]["name"]) == (False, "w5")


def test_an_engine_that_is_off_is_said() -> None:
    report, engine = verify(LECTURE), [EngineCheck("float64", (0.0, 1e-3)), EngineCheck("float32", (0.0, 1e-6))]
    assert not all_agree(report, engine)
    shown = write(verification_result(report, engine), "text")
    assert "compiled engine in float64: off by 1.0e-3, tolerance 1e-12 of a layer's largest gradient\n" in shown
    assert "compiled engine in float32: within 1e-4 of a layer's largest gradient\n" in shown


def test_points_on_a_kink_are_counted() -> None:
    network = cp.Network(1, [cp.Dense(1, "relu", bias="none")])
    problem = cp.Problem(network, cp.Parameters.of(network, [[[0.0]]]), examples=cp.Examples.of([[1.0]], [[1.0]]))
    assert "layer 1: 0 of 1 checked; 1 not compared: on a kink" in write(verification_result(verify(problem)), "text")
