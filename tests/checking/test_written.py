"""Numbers as people write them."""

from __future__ import annotations

import numpy as np
import pytest

from clearprop.checking.written import Asked, Written, written
from clearprop.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("0.0802", 0.0802, 1e-4),
        (" 0.0802\u00a0", 0.0802, 1e-4),
        ("−0.0176", -0.0176, 1e-4),
        ("0,41", 0.41, 0.01),
        (".5", 0.5, 0.1),
        ("5.", 5.0, 1.0),
        ("1.2e-3", 1.2e-3, 1e-4),
        ("1.2E-03", 1.2e-3, 1e-4),
        ("1.2×10^-3", 1.2e-3, 1e-4),
        ("1.2·10⁻³", 1.2e-3, 1e-4),
        ("1.2*10^(-3)", 1.2e-3, 1e-4),
        ("1,2×10^-3", 1.2e-3, 1e-4),
        ("10^-3", 1e-3, 1e-3),
        ("2/3", 2 / 3, 0.0),
        ("-2/3", -2 / 3, 0.0),
        ("1,234.5", 1234.5, 0.1),
        ("1.234,5", 1234.5, 0.1),
        ("≈0.5", 0.5, 0.1),
        ("12.5 %", 0.125, 1e-3),
        (r"$1.2\cdot 10^{-3}$", 1.2e-3, 1e-4),
        (r"-\frac{2}{3}", -2 / 3, 0.0),
        ("0", 0.0, 0.0),
        ("0.000", 0.0, 1e-3),
        ("123", 123.0, 1.0),
        ("0." + "1" * 400, 1 / 9, 0.0),
    ],
)
def test_digits_are_counted_in_the_text(text: str, value: float, unit: float) -> None:
    found = written(text)
    assert found is not None
    assert found == pytest.approx((value, unit), rel=1e-12)


@pytest.mark.parametrize(
    "text",
    ["abc", "=1+1", "=cmd|' /C calc'!A0", "1e999", "9" * 400, "inf", "nan", "1/0", "1/2/3", "--1", "12%%", "%", "1,234",
     "0x10", "1e-99999999", "0.5 0.6x", "1" * 2_000, "\x1b[2J", "True"],
)  # fmt: skip
def test_what_is_no_number(text: str) -> None:
    assert written(text) is None


def test_a_comma_is_a_decimal_one_where_the_file_says_so() -> None:
    assert written("1,234", decimal_comma=True) == Written(1.234, 1e-3)


def test_fewer_digits_than_asked_are_dropped_zeros() -> None:
    half, short = written("0.5"), written("0.12345")
    assert half is not None
    assert short is not None
    assert Asked(digits=4).room(half) == pytest.approx(5e-5)
    assert Asked(digits=4, truncated=True).room(half) == pytest.approx(1e-4)
    assert Asked(digits=4).room(short) == pytest.approx(5e-6)
    assert Asked(significant=3).room(half) == pytest.approx(5e-4)
    assert Asked(tolerance=0.01).room(short) == 0.01
    zero = written("0")
    assert zero is not None
    assert Asked(digits=4).room(zero) == pytest.approx(5e-5)
    assert Asked(significant=3).room(zero) == Asked().room(zero) == 0
    with pytest.raises(InvalidArgument, match="digits and significant: a sheet asks for one or the other"):
        Asked(digits=3, significant=3)


def test_a_float32_printed_as_a_float64_has_no_more_digits_than_it_had() -> None:
    found = written(repr(float(np.float32(-0.11451790648791599))))
    assert found is not None
    assert found.unit == pytest.approx(0.1145179 * 2**-21)
    zeros = written("0.5000000000000")
    assert zeros is not None
    assert zeros.unit == pytest.approx(1e-13)
    exact = written("-0.11451790648791599")
    assert exact is not None
    assert exact.unit == pytest.approx(1e-17)
