"""The loss curve as a file: SVG from the curve's own drawing, PNG with matplotlib."""

from __future__ import annotations

import io
import math
from importlib.util import find_spec

from clearprop.errors import InvalidArgument, MissingExtra
from clearprop.messages import abridged, brief
from clearprop.rendering.document import Curve
from clearprop.rendering.svg_curve import svg_curve

SUFFIXES = ("png", "svg")
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def require_plot(path: str) -> str:
    """Return the kind of picture that a file's name ends in, before the work that it is to show.

    Raises:
        InvalidArgument: neither PNG nor SVG.
        MissingExtra: PNG, and matplotlib is not installed.
    """
    kind = path.rpartition(".")[2].lower()
    if kind not in SUFFIXES or "." not in path:
        raise InvalidArgument(f"--plot: expected a file that ends in .png or .svg, found {abridged(path, 200)}")
    if kind == "png" and find_spec("matplotlib") is None:
        raise MissingExtra("--plot for a .png file", "matplotlib", "plot")
    return kind


def plot(curve: Curve, *, title: str, kind: str) -> bytes:
    """Return the picture, PNG or SVG; the same curve makes the same SVG."""
    if kind == "svg":
        return (HEAD + svg_curve(curve, title=title, standalone=True)).encode()
    return _png(curve, title)


def _png(curve: Curve, title: str) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"text.parse_math": False}):  # a title from a file is text, not mathematics
        figure = Figure(figsize=(7, 4), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        positive = [loss for loss in (*curve.losses, *curve.validation) if 0 < loss < math.inf]
        # A loss of 0 has no place on the scale: it stands below all others.
        floor = 10.0 ** (math.floor(math.log10(min(positive))) - 1) if positive else 0.0
        for label, series in (("training", curve.losses), ("validation", curve.validation)):
            if series:
                axes.plot(range(len(series)), [loss or floor for loss in series], label=label)
        if positive:
            axes.set_yscale("log")
            narrow = max(positive) < 10 * min(positive)
            axes.yaxis.set_major_formatter(lambda value, place: "0" if value <= floor else brief(value))
            axes.yaxis.set_minor_formatter(lambda value, place: brief(value) if narrow else "")
        axes.set(xlabel="epoch", ylabel=curve.name, title=title)
        axes.grid(alpha=0.3)
        axes.legend()
        file = io.BytesIO()
        figure.savefig(file, format="png")
    return file.getvalue()
