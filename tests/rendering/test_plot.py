"""The loss curve as a file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from clearprop.errors import InvalidArgument, MissingExtra
from clearprop.rendering.document import Curve
from clearprop.rendering.plot import plot, require_plot

BOTH = Curve("L", (1.0, 0.1), (2.0, 0.2))
TITLE = "<b> $x_1$ & [red]"


def test_pictures_are_what_they_say() -> None:
    pytest.importorskip("matplotlib")
    assert plot(BOTH, title=TITLE, kind="png").startswith(b"\x89PNG\r\n")
    assert plot(Curve("L", (0.0, 0.0)), title=TITLE, kind="png").startswith(b"\x89PNG")


def test_an_svg_has_title_axes_and_both_lines() -> None:
    svg = plot(BOTH, title=TITLE, kind="svg")
    page = ET.fromstring(svg)
    texts = {"".join(each.itertext()) for each in page.iter("{http://www.w3.org/2000/svg}text")}
    # Text from a file is text: neither markup nor mathematics.
    assert {TITLE, "L", "0", "epoch 1", "training", "validation", "100", "10−1"} <= texts
    assert len(list(page.iter("{http://www.w3.org/2000/svg}polyline"))) == 4
    assert svg == plot(BOTH, title=TITLE, kind="svg")
    assert b"validation" not in plot(Curve("L", (1.0, 0.1)), title=TITLE, kind="svg")
    ET.fromstring(plot(Curve("L", (0.0,)), title="", kind="svg"))


def test_an_svg_needs_no_extra() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from clearprop.rendering.document import Curve\n"
        "from clearprop.rendering.plot import plot, require_plot\n"
        "print(plot(Curve('L', (1.0, 0.1)), title='', kind=require_plot('a.svg'))[:5].decode())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "<?xml\n"


def test_the_name_says_the_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert require_plot("b.SVG") == "svg"
    for path in ("loss.pdf", "png", "loss"):
        with pytest.raises(InvalidArgument) as caught:
            require_plot(path)
        assert str(caught.value) == f"--plot: expected a file that ends in .png or .svg, found {path}"
    monkeypatch.setattr("clearprop.rendering.plot.find_spec", lambda name: None)
    assert require_plot("a.svg") == "svg"
    with pytest.raises(MissingExtra) as missing:
        require_plot("a.png")
    assert str(missing.value) == "--plot for a .png file needs matplotlib (extra “plot”): pip install matplotlib"


def test_an_svg_is_drawn_by_programs_that_know_no_styles() -> None:
    svg = plot(BOTH, title=TITLE, kind="svg")
    assert b"var(" not in svg
    assert b"<style" not in svg
    for element in ET.fromstring(svg).iter():
        kind = element.tag.rpartition("}")[2]
        if kind in ("line", "polyline"):
            assert element.get("stroke"), kind
        if kind == "text":
            assert element.get("fill"), kind
    program = shutil.which("rsvg-convert")
    if program is None:
        pytest.skip("needs rsvg-convert")
    drawn = subprocess.run([program, "--format=png"], input=svg, check=True, capture_output=True).stdout
    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) > 5_000
