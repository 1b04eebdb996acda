"""A loss curve as SVG: a line for training, a dashed one for the validation rows."""

from __future__ import annotations

from clearprop.messages import brief
from clearprop.rendering.curves import LossCurve, loss_curve
from clearprop.rendering.document import Curve
from clearprop.rendering.markup import element, escaped
from clearprop.rendering.svg import INK, MUTED, NEGATIVE, POSITIVE, described, minus

WIDTH, HEIGHT, LEFT, BELOW = 620, 240, 58, 34
"""The size of the plot, and the room for the text around it."""


def svg_curve(block: Curve, *, ids: str = "curve", title: str = "", standalone: bool = False) -> str:
    """Return the curve as an ``svg`` element, or as a file if ``standalone``; nothing where there is nothing to
    see, unless it is a file. ``title`` stands above the curve."""
    drawn = loss_curve(block.losses, block.validation)
    if drawn is None and not standalone:
        return ""
    epochs = f"{len(block.losses) - 1:,} epochs"
    ends = f"{brief(block.losses[0], '.3g')} before training, {brief(block.losses[-1], '.3g')} after {epochs}"
    above = [element("text", escaped(title), x=LEFT, y=-6, fill=INK)] if title else []
    head = 24 if title else 0
    content = [*above, *([] if drawn is None else [*_axes(block, drawn), *_lines(drawn)])]
    frame = 0, -head, WIDTH + LEFT + 16, HEIGHT + BELOW + 16 + head
    xmlns = "http://www.w3.org/2000/svg" if standalone else None
    return described(content, title or f"{block.name} over {epochs}", ends, ids, frame, xmlns, font_size="13")


def _at(x: float, y: float) -> tuple[float, float]:
    return LEFT + WIDTH * x, 12 + HEIGHT * (1 - y)


def _axes(block: Curve, drawn: LossCurve) -> list[str]:
    """Return a line for every power of ten, or for some of them, and the first and last epoch."""
    shown = []
    for power, height in drawn.ticks(6):
        x, y = _at(0, height)
        shown.append(element("line", class_="grid", x1=x, y1=f"{y:.1f}", x2=x + WIDTH, y2=f"{y:.1f}", stroke="#dde2e8"))
        label = "0" if power is None else f'10<tspan dy="-5" font-size="10">{minus(str(power))}</tspan>'
        shown.append(_text(label, x - 8, y + 4, "end"))
    low = HEIGHT + 12 + 20
    shown += [_text("0", LEFT, low, "middle"), _text(f"epoch {drawn.epochs:,}", LEFT + WIDTH, low, "end")]
    return [*shown, _text(escaped(block.name), LEFT + WIDTH / 2, low, "middle")]


def _text(markup: str, x: float, y: float, anchor: str) -> str:
    return element("text", markup, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, fill=MUTED, class_="note")


def _lines(drawn: LossCurve) -> list[str]:
    kinds = [("training", drawn.losses, POSITIVE, None), ("validation", drawn.validation, NEGATIVE, "6 4")]
    kinds = [kind for kind in kinds if kind[1]]
    shown = []
    for row, (name, points, colour, dashes) in enumerate(kinds):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_at(x, drawn.height(power)) for x, power in points))
        sign = "positive" if dashes is None else "negative"
        style = {"class_": sign, "fill": "none", "stroke": colour, "stroke_width": "1.8", "stroke_dasharray": dashes}
        shown.append(element("polyline", points=path, **style))
        if len(kinds) > 1:
            x, y = LEFT + WIDTH - 130, 30 + 20 * row
            shown.append(element("polyline", points=f"{x},{y - 4} {x + 34},{y - 4}", **style))
            shown.append(element("text", name, x=x + 42, y=y, fill=INK))
    return shown
