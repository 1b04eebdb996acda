from __future__ import annotations

import numpy as np
import pytest

from clearprop.expressions import parse
from clearprop.interop.recognise import SINGLE, in_two, recognised
from clearprop.rules.activations import ACTIVATIONS, Activation
from clearprop.rules.roles import Role

Z = {"z": Role.SUM}


@pytest.mark.parametrize("rule", [each for each in ACTIVATIONS.values() if isinstance(each, Activation)], ids=str)
def test_every_named_rule_is_recognised_by_its_formula(rule: Activation) -> None:
    # With the usual alpha both are the same.
    assert recognised(rule.formula) == (ACTIVATIONS["elu"] if rule.name == "celu" else rule)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("1 / (1 + exp(-z))", "logistic"),
        ("z / (1 + exp(-z))", "silu"),
        ("z * (tanh(z / 2) + 1) / 2", "silu"),
        ("0.5 * z * (1 + erf(z * 0.7071067811865476))", "gelu"),
        ("z * (1 + erf(z / 1.4142135623730951)) / 2", "gelu"),
        ("log(1 + exp(z))", "softplus"),
        ("where(z > 20, z, log1p(exp(z)))", "softplus"),
        ("(exp(z) - exp(-z)) / (exp(z) + exp(-z))", "tanh"),
        ("2 / (1 + exp(-2 * z)) - 1", "tanh"),
        ("(abs(z) + z) / 2", "relu"),
        ("max(0.2 * z, z)", "leaky_relu(slope=0.2)"),
        ("max(z, 0) + 0.3 * min(z, 0)", "leaky_relu(slope=0.3)"),
        ("max(z, 0) + 0.7 * expm1(min(z, 0))", "elu(alpha=0.7)"),
        ("z * 1", "identity"),
    ],
)
def test_what_exporters_write_in_pieces_gets_its_name(formula: str, expected: str) -> None:
    """At the tolerance of float64: softplus with its threshold differs by 2e-9 from the exact one."""
    tolerance = SINGLE if "20" in formula else 1e-12
    assert repr(recognised(parse(formula, Z), tolerance)) == expected


def test_constants_of_float32_are_taken_for_the_rules_own() -> None:
    rounded = parse("z * (1 + erf(z / 1.4142135)) / 2", Z)
    assert recognised(rounded, SINGLE).name == "gelu"
    assert recognised(rounded).name != "gelu"


@pytest.mark.parametrize("formula", ["min(max(z, 0), 1000)", "z * logistic(1.702 * z)", "max(z, 0) ** 2", "sin(z)"])
def test_what_is_no_rule_stays_the_expression(formula: str) -> None:
    rule = recognised(parse(formula, Z))
    grid = np.linspace(-2000.3, 2000.1, 977)
    expected = Activation("own", parse(formula, Z), "", bounds=None).outputs(grid)
    np.testing.assert_allclose(rule.outputs(grid), expected, rtol=1e-12)
    assert rule.name not in ACTIVATIONS or "logistic" not in formula


def test_two_rules_one_after_the_other_are_told_apart() -> None:
    two = in_two(parse("max(tanh(z), 0)", Z))
    assert two is not None
    assert [recognised(each).name for each in two] == ["tanh", "relu"]
    assert in_two(parse("z * logistic(z)", Z)) is None
