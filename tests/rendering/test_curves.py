"""Loss curves: as text and as pictures."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from clearprop.errors import InvalidArgument, MissingExtra
from clearprop.rendering.curves import POINT, curve, plot, require_plot


def test_points_are_the_validation_loss_on_the_same_scale() -> None:
    """Both fall from 1 to 1e-7; the blocks a power of ten per column, the points one column later."""
    losses = [10.0**-k for k in range(8)]
    validation = [1.0, *losses[:-1]]
    lines = curve(losses, validation, width=8, height=8)
    assert lines[-1].strip() == f"█ training  {POINT} validation"
    rows = [line[11:] for line in lines[:8]]
    heights = [next(8 - row for row, cells in enumerate(rows) if cells[k : k + 1] == POINT) for k in range(8)]
    assert heights == [8, 8, 7, 6, 5, 4, 3, 2]
    assert lines[0].startswith(" 1.00e+00 ┤")
    assert lines[7].startswith(" 1.00e-07 ┤")


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


def test_pictures_are_what_they_say() -> None:
    arguments = {"title": "<b> $x_1$ & [red]", "total": "L"}
    png = plot([1.0, 0.1], [2.0, 0.2], format="png", **arguments)
    assert png.startswith(b"\x89PNG\r\n")
    svg = plot([1.0, 0.1], [2.0, 0.2], format="svg", **arguments)
    texts = [each.text for each in ET.fromstring(svg).iter() if each.tag.endswith("text")]
    # Text from a file is text: neither markup nor mathematics.
    assert {"<b> $x_1$ & [red]", "epoch", "L", "training", "validation"} <= set(texts)
    assert "0.1" in texts  # a label of the axis
    assert sum("$" in (text or "") for text in texts) == 1
    assert svg == plot([1.0, 0.1], [2.0, 0.2], format="svg", **arguments)
    assert "validation" not in plot([1.0, 0.1], [], format="svg", **arguments).decode()
    assert plot([0.0, 0.0], [], format="png", **arguments).startswith(b"\x89PNG")


def test_the_name_says_the_format(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (require_plot("a.png"), require_plot("b.SVG")) == ("png", "svg")
    for path in ("loss.pdf", "png", "loss"):
        with pytest.raises(InvalidArgument) as caught:
            require_plot(path)
        assert str(caught.value) == f"--plot: expected a file that ends in .png or .svg, found {path}"
    monkeypatch.setattr("clearprop.rendering.curves.find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as missing:
        require_plot("a.png")
    assert str(missing.value) == "--plot needs matplotlib (extra “plot”): pip install matplotlib"
