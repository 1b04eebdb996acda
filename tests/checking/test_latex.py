"""Names and numbers written for LaTeX."""

from __future__ import annotations

import pytest

from clearprop.checking.latex import without_latex


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"$\frac{\partial E_{total}}{\partial w_5}$", "∂ E_total/∂ w_5"),
        (r"\mathrm{net}_{h_1}", "net_h_1"),
        (r"1.2\cdot 10^{-3}", "1.2· 10^-3"),
        (r"-\dfrac{2}{3}", "-2/3"),
        (r"12\,\%", "12%"),
        ("w5^+", "w5^+"),
        (r"\(\displaystyle\left(\nicefrac{\partial E}{\partial w_5}\right)\)", "∂ E/∂ w_5"),
    ],
)
def test_commands_that_only_say_how_it_looks_are_left_out(text: str, plain: str) -> None:
    assert without_latex(text) == plain
