"""The loss curve as SVG."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rendering.reading import words

from clearprop.rendering.document import Curve
from clearprop.rendering.svg_curve import svg_curve


def test_a_loss_curve() -> None:
    losses, validation = tuple(10.0**-k for k in range(5)), (2.0, 0.5, 0.1, 0.2, 0.3)
    picture = ET.fromstring(svg_curve(Curve("E_total", losses, validation)))
    training, _, validated, _ = picture.iter("polyline")
    points = [tuple(map(float, point.split(","))) for point in training.get("points", "").split()]
    assert len(points) == 5
    assert len({round(b[1] - a[1], 1) for a, b in itertools.pairwise(points)}) == 1  # a straight line
    assert validated.get("stroke-dasharray") is not None
    assert training.get("stroke-dasharray") is None
    assert [words(text) for text in picture.iter("text")] == [
        "10 −4", "10 −3", "10 −2", "10 −1", "10 0", "10 1", "0", "epoch 4", "E_total", "training", "validation",
    ]  # fmt: skip
    assert words(picture[1]) == "1 before training, 0.0001 after 4 epochs"


@pytest.mark.parametrize(
    "losses", [(), (1.0,), (0.0, 0.0), (float("nan"), float("inf"))], ids=["none", "one", "zeros", "not finite"]
)
def test_nothing_is_drawn_where_there_is_nothing_to_see(losses: tuple[float, ...]) -> None:
    assert svg_curve(Curve("L", losses)) == ""


@given(st.lists(st.floats(0, 1e300) | st.just(float("inf")) | st.just(float("nan")), min_size=2, max_size=500))
def test_any_losses_stay_within_the_curve(losses: list[float]) -> None:
    shown = svg_curve(Curve("L", tuple(losses), tuple(losses)))
    for point in re.findall(r"[\d.-]+,[\d.-]+", " ".join(re.findall(r'points="([^"]*)"', shown))):
        x, y = map(float, point.split(","))
        assert 0 <= x <= 700
        assert 0 <= y <= 300
