"""Loss curves: their points, and the curve as text."""

from __future__ import annotations

import re

import pytest

from clearprop.rendering.curves import POINT, curve, loss_curve
from clearprop.rendering.document import Curve
from clearprop.rendering.svg_curve import HEIGHT, svg_curve
from clearprop.rendering.tikz import tikz_curve


def test_points_are_the_validation_loss_on_the_same_scale() -> None:
    """Both fall from 1 to 1e-7; the blocks a power of ten per column, the points one column later."""
    losses = [10.0**-k for k in range(8)]
    validation = [1.0, *losses[:-1]]
    lines = curve(losses, validation, width=8, height=8)
    assert lines[-1].strip() == f"█ training  {POINT} validation"
    rows = [line[11:] for line in lines[:8]]
    heights = [next(8 - row for row, cells in enumerate(rows) if cells[k : k + 1] == POINT) for k in range(8)]
    assert heights == [8, 8, 7, 6, 5, 4, 3, 2]
    assert lines[0].startswith("        1 ┤")
    assert lines[7].startswith("     1e-7 ┤")


def test_without_validation_there_are_no_points() -> None:
    text = "\n".join(curve([1.0, 0.5, 0.25]))
    assert POINT not in text
    assert "validation" not in text


@pytest.mark.parametrize("validation", [[float("inf"), 0.5, 0.2], [0.0, 0.0, 0.0], [float("nan"), 1.0, 2.0]])
def test_odd_validation_losses_still_draw(validation: list[float]) -> None:
    lines = curve([1.0, 0.5, 0.25], validation)
    assert max(map(len, lines)) <= 80


def test_one_epoch_is_labelled_readably() -> None:
    assert curve([1.0, 0.5])[-1].strip() == "0 epoch 1"


@pytest.mark.parametrize(
    "losses",
    [
        [1.0, float("nan"), 0.5],
        [1.0, 0.0, 0.5],
        [1e-300, 1e300],
        [2.0 / k for k in range(1, 100_000)],
        [-1.0, 3.0, 2.0],
        [1.0, float("inf"), 0.5],
    ],
)
def test_curves_of_odd_losses_fit_the_terminal(losses: list[float]) -> None:
    lines = curve(losses)
    assert lines
    assert max(map(len, lines)) <= 80
    assert any(line.endswith(f"epoch {len(losses) - 1:,}"[2 - len(losses) :]) for line in lines)


@pytest.mark.parametrize("losses", [[], [1.0], [1.0, 1.0], [0.0, 0.0], [float("nan")] * 3])
def test_no_curve_where_there_is_nothing_to_see(losses: list[float]) -> None:
    assert curve(losses) == []


def test_every_drawing_reads_the_same_points() -> None:
    """Losses 100, 1, 0.05 between 0.01 and 100: at 1, 1/2 and 0.1747 (log10 0.05 = -1.30103). A loss of exactly 0 has
    a decade below them, at whose bottom it stands; one that is no number is not drawn."""
    drawn = loss_curve([100.0, 1.0, 0.05], [100.0, 0.0, float("nan")])
    assert drawn is not None
    assert drawn.decades == (-2, 2)
    assert [x for x, _ in drawn.losses] == [0.0, 0.5, 1.0]
    assert [drawn.height(power) for _, power in drawn.losses] == pytest.approx([1.0, 0.6, 0.339794], abs=1e-6)
    assert [drawn.height(power) for _, power in drawn.validation] == [1.0, 0.0]
    assert drawn.ticks(2) == [(None, 0.0), (-2, 0.2), (0, 0.6), (2, 1.0)]
    block = Curve("L", (100.0, 1.0, 0.05))
    heights = [12 + HEIGHT * (1 - y) for y in (1.0, 0.5, 0.174742)]
    (line,) = re.findall(r'<polyline points="([^"]+)"', svg_curve(block))
    assert [float(point.split(",")[1]) for point in line.split()] == pytest.approx(heights, abs=0.1)
    assert "(0.000,4.500) -- (6.000,2.250) -- (12.000,0.786)" in tikz_curve(block)


def test_a_loss_of_exactly_0_is_drawn_as_what_it_is() -> None:
    lines = curve([1.09134, 0.5, 0.0, 0.0, 0.0], height=3)
    assert [line[11:] for line in lines[:3]] == ["█", "█", "█▁000"]
    assert lines[-1].strip() == "0 a loss of exactly 0"
    only = curve([2.0, 0.0, 0.0], height=3)
    assert [line.split("┤") for line in only[:3]] == [["        2 ", "█"], ["          ", "█"], ["          ", "█00"]]
    assert curve([1.09134, 0.0, 0.0])[0].startswith("     1.09")
    assert "exactly 0" not in "".join(curve([1.0, 0.5]))
    block = Curve("L", (1.0, 0.5, 0.0))
    (line,) = re.findall(r'<polyline points="([^"]+)"', svg_curve(block))
    assert line.split()[-1] == f"{620 + 58:.1f},{HEIGHT + 12:.1f}"
    assert ">0</text>" in svg_curve(block)
    assert "node[left,at start,black] {$0$}" in tikz_curve(block)


def test_the_loss_curve_is_drawn_on_a_logarithmic_scale() -> None:
    lines = curve([10.0**-k for k in range(9)], width=9, height=9)
    heights = [sum(line[11 + column : 12 + column] not in ("", " ") for line in lines[:-2]) for column in range(9)]
    assert heights == sorted(heights, reverse=True)
    assert lines[0].startswith("        1 ┤█")
    assert lines[8].startswith("     1e-8 ┤█")
    assert curve([0.5]) == []
