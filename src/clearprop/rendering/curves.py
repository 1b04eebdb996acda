"""Loss curves: as a few lines of text, and as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from clearprop.errors import InvalidArgument, MissingExtra
from clearprop.messages import abridged

BLOCKS = " ▁▂▃▄▅▆▇█"
POINT = "•"
FORMATS = ("png", "svg")


def curve(losses: Sequence[float], validation: Sequence[float] = (), width: int = 64, height: int = 8) -> list[str]:
    """The loss against the epoch, on a logarithmic scale, as a few lines of text; points are the
    validation rows' loss."""
    positive = [loss for loss in (*losses, *validation) if 0 < loss < math.inf]
    finite = [loss for loss in losses if math.isfinite(loss)]
    if len(finite) < 2 or not positive or min(positive) == max(positive):
        return []
    low, high = math.log10(min(positive)), math.log10(max(positive))
    columns = min(width, len(finite))

    def levels(series: Sequence[float]) -> list[float]:
        picked = [series[round(k * (len(series) - 1) / max(1, columns - 1))] for k in range(columns)]
        return [_level(loss, low, high, height) for loss in picked]

    blocks = levels(finite)
    points = [math.ceil(level / 8) - 1 for level in levels(validation)] if len(validation) == len(losses) else []
    lines = []
    for row in reversed(range(height)):
        cells = [BLOCKS[max(0, min(8, math.floor(level - 8 * row)))] for level in blocks]
        for place, at in enumerate(points):
            if at == row:
                cells[place] = POINT
        label = {height - 1: f"{10**high:9.2e}", 0: f"{10**low:9.2e}"}.get(row, " " * 9)
        lines.append(f"{label} ┤{''.join(cells)}".rstrip())
    lines.append(" " * 10 + "└" + "─" * columns)
    lines.append(" " * 11 + "0 " + f"epoch {len(losses) - 1:,}".rjust(columns - 2))
    if points:
        lines.append(" " * 11 + f"█ training  {POINT} validation")
    return lines


@dataclass(frozen=True)
class Plotted:
    """A loss curve in a unit square: ``x`` the epoch, ``y`` the logarithm of the loss, between the powers of ten
    ``low`` and ``high``."""

    low: int
    high: int
    epochs: int
    losses: list[tuple[float, float]]
    validation: list[tuple[float, float]]


def plotted(losses: Sequence[float], validation: Sequence[float] = (), most: int = 300) -> Plotted | None:
    """The points of a loss curve, ``most`` of them at most; None where there is nothing to see."""
    positive = [loss for loss in (*losses, *validation) if 0 < loss < math.inf]
    if len(losses) < 2 or not positive:
        return None
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    high = max(high, low + 1)

    def points(series: Sequence[float]) -> list[tuple[float, float]]:
        count = min(most, len(series))
        places = [round(k * (len(series) - 1) / (count - 1)) for k in range(count)] if count > 1 else []
        shown = [(place / (len(series) - 1), series[place]) for place in places if series[place] >= 0]
        return [(x, min(1.0, max(0.0, (_exponent(loss, low) - low) / (high - low)))) for x, loss in shown]

    return Plotted(low, high, len(losses) - 1, points(losses), points(validation))


def _exponent(loss: float, lowest: float) -> float:
    return math.log10(loss) if 0 < loss < math.inf else lowest if loss == 0 else math.inf


def _level(loss: float, low: float, high: float, height: int) -> float:
    """How high a loss stands, in eighths of a line; at least the lowest sliver if it is positive."""
    if not loss > 0:
        return 0.0
    return (min(math.log10(loss) if loss < math.inf else high, high) - low) / (high - low) * (height * 8 - 1) + 1


def require_plot(path: str) -> str:
    """The format that a picture's name asks for, before the work that it is to show.

    Raises:
        InvalidArgument: neither PNG nor SVG.
        MissingExtra: matplotlib is not installed.
    """
    format = path.rpartition(".")[2].lower()
    if format not in FORMATS or "." not in path:
        raise InvalidArgument(f"--plot: expected a file that ends in .png or .svg, found {abridged(path, 200)}")
    if find_spec("matplotlib") is None:
        raise MissingExtra("--plot", "matplotlib", "plot")
    return format


def plot(losses: Sequence[float], validation: Sequence[float], *, title: str, total: str, format: str) -> bytes:
    """The same curve as a picture, PNG or SVG."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # Text stays text, and the same curve makes the same bytes.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "clearprop", "text.parse_math": False}):
        figure = Figure(figsize=(7, 4), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        axes.plot(range(len(losses)), losses, label="training")
        if validation:
            axes.plot(range(len(validation)), validation, label="validation")
        positive = [loss for loss in (*losses, *validation) if 0 < loss < math.inf]
        if positive:
            axes.set_yscale("log")
            narrow = max(positive) < 10 * min(positive)
            # Its own labels are mathematics, which is read nowhere here: a file's name is in the title.
            axes.yaxis.set_major_formatter(lambda value, place: f"{value:g}")
            axes.yaxis.set_minor_formatter(lambda value, place: f"{value:g}" if narrow else "")
        axes.set(xlabel="epoch", ylabel=total, title=title)
        axes.grid(alpha=0.3)
        axes.legend()
        file = io.BytesIO()
        figure.savefig(file, format=format, metadata={"Date": None} if format == "svg" else None)
    return file.getvalue()
