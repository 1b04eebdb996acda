"""The network as SVG: what is drawn, what it says to those who do not see it, and that nothing is cut or covered."""

from __future__ import annotations

import itertools
import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rendering.reading import words
from tests.support import problems

import clearprop as cp
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.rendering.conventions import drawn_values
from clearprop.rendering.document import Diagram, View
from clearprop.rendering.svg import INLINE, legend, spans, svg
from clearprop.rendering.tikz import tikz

LECTURE = cp.cycle(cp.load("lecture"))


def drawn(name: str, **options: Any) -> ET.Element:
    cycle = cp.cycle(cp.load(name))
    return ET.fromstring(svg(Diagram(cycle.problem.network, drawn_values(cycle)), View(cycle.names, **options)))


def made(inputs: Any, *layers: cp.Dense, values: dict[q.Quantity, float] | None = None) -> ET.Element:
    network = cp.Network(inputs, layers)
    return ET.fromstring(svg(Diagram(network, values or {}), View(Names(network))))


def of(picture: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in picture.iter() if name in element.get("class", "").split()]


def texts(picture: ET.Element, name: str) -> list[str]:
    return [words(element) for element in of(picture, name)]


def boxes(picture: ET.Element) -> list[tuple[float, float, float, float, str]]:
    """About where each text stands: left, top, right, bottom."""
    found = []
    for text in picture.iter("text"):
        shown = words(text)
        size = float(text.get("font-size", picture.get("font-size", "13")))
        width = 0.45 * size * len(shown.replace(" ", ""))
        x, y = float(text.get("x", "0")), float(text.get("y", "0"))
        left = x - {"middle": width / 2, "end": width}.get(text.get("text-anchor", "start"), 0.0)
        found.append((left, y - 0.7 * size, left + width, y, shown))
    return found


# --- what is drawn --------------------------------------------------------------------------------------


def test_the_lecture_network_has_every_name_and_value() -> None:
    picture = drawn("lecture")
    assert sorted(texts(picture, "label")) == [
        "b 1 = 0.25", "b 2 = 0.35", *(f"w {n} = 0.{n}" for n in range(1, 9)),
    ]  # fmt: skip
    assert texts(picture, "name") == ["i 1", "i 2", "h 1", "h 2", "o 1", "o 2"]
    assert texts(picture, "value") == ["0.1", "0.5", "0.60109", "0.61538", "0.73493", "0.77955"]
    assert texts(picture, "target") == ["target 1 = 0.05", "target 2 = 0.95"]
    assert [len(of(picture, name)) for name in ("input", "unit", "edge", "bias")] == [2, 4, 8, 4]
    assert texts(picture, "note") == ["inputs", "logistic", "logistic"]


def test_values_are_those_of_json() -> None:
    values = json.loads(cp.explain(cp.cycle(cp.load("deep"))).json())["values"]
    view = View(cp.load("deep").names)
    shown = [text.replace("−", "-") for text in texts(drawn("deep"), "value")]
    assert shown[2:] == [view.number(number) for name, number in values.items() if name.startswith("output_")]


def test_the_sign_of_a_weight_is_seen_without_colours_and_its_size_too() -> None:
    values: dict[q.Quantity, float] = {q.Parameter(0): 2.0, q.Parameter(1): -1.0, q.Parameter(2): 0.0}
    edges = of(made(3, cp.Dense(1, bias="none"), values=values), "edge")
    assert [edge.get("class") for edge in edges] == ["edge positive", "edge negative", "edge positive"]
    assert [edge.get("stroke-dasharray") is not None for edge in edges] == [False, True, False]
    assert [float(edge.get("stroke-width", "")) for edge in edges] == [3.2, 2.0, 0.8]
    diagram = Diagram(cp.Network(3, [cp.Dense(1, bias="none")]), values)
    assert "dashed ones negative" in legend(diagram, View(Names(diagram.network)))


def test_without_numbers_all_lines_look_alike() -> None:
    picture = made(2, cp.Dense(2))
    assert {edge.get("class") for edge in of(picture, "edge")} == {"edge"}
    assert of(picture, "value") == []
    assert legend(Diagram(cp.Network(2, [cp.Dense(2)])), View(Names(cp.Network(2, [cp.Dense(2)])))) == ""


def test_wide_and_deep_networks_are_folded_and_say_how_much_is_left_out() -> None:
    picture = made(784, cp.Dense(104, "relu"), cp.Dense(10, "softmax"))
    assert [text for text in texts(picture, "note") if "more" in text] == ["… 778 more", "… 98 more", "… 4 more"]
    assert len(of(picture, "unit")) + len(of(picture, "input")) == 18
    deep = made(2, *[cp.Dense(2)] * 30)
    assert "… 21 more" in texts(deep, "note")
    assert len(ET.tostring(picture)) < 30_000


def test_numbers_are_as_short_as_their_circle() -> None:
    values: dict[q.Quantity, float] = {q.Input(0): 5.35611e-9, q.Output(0, 0): -123456.789}
    picture = made(1, cp.Dense(1), values=values)
    assert texts(picture, "value") == ["5.356e−9", "−123457"]
    assert texts(drawn("lecture", digits=12), "value")[2] == "0.60109"


def test_long_names_stand_beside_their_box_or_are_cut_and_said_in_full() -> None:
    names = ("x", "sepal_length", "a_name_of_thirty_and_more_letters")
    picture = made(names, cp.Dense(("u", "versicolor")))
    assert texts(picture, "name") == ["x", "sepal_length", "a_name_of_thirty_and_mo…", "u", "versico…"]
    titles = [words(title) for title in picture.iter("title")]
    assert titles[1:] == [*names, "u", "versicolor"]


# --- for those who do not see it ----------------------------------------------------------------------------


def test_title_and_description() -> None:
    picture = drawn("lecture")
    title, description = picture[0], picture[1]
    assert (title.tag, description.tag) == ("title", "desc")
    assert (picture.get("role"), picture.get("aria-labelledby")) == (
        "img",
        f"{title.get('id')} {description.get('id')}",
    )
    assert words(title) == "The network: 2 inputs → 2 logistic → 2 logistic"
    assert "sum_o1 = output_h1 * w5 + output_h2 * w6 + b2, with w5 = 0.5, w6 = 0.6, b2 = 0.35" in words(description)
    large = made(64, cp.Dense(64))
    assert words(large[1]) == "64 inputs → 64 identity. Every unit is fed by all units of the column before it."


# --- nothing is cut, nothing covers anything ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lecture", "xor", "deep", "ring", "iris", "digits", "penguins"])
def test_everything_stands_within_the_picture_and_apart(name: str) -> None:
    picture = drawn(name)
    left, top, width, height = map(float, picture.get("viewBox", "").split())
    assert (picture.get("width"), picture.get("height")) == (f"{width:.0f}", f"{height:.0f}")
    found = boxes(picture)
    for x, y, right, bottom, shown in found:
        assert left <= x, shown
        assert top <= y, shown
        assert right <= left + width, shown
        assert bottom <= top + height, shown
    for one, other in itertools.combinations(found, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)
    for circle in picture.iter("circle"):
        x, y, r = (float(circle.get(key, "")) for key in ("cx", "cy", "r"))
        assert left <= x - r
        assert x + r <= left + width
        assert top <= y - r
        assert y + r <= top + height


def test_long_expressions_are_cut_where_the_picture_ends() -> None:
    picture = made(1, cp.Dense(1, "where(z < 0, 0.1 * z, z) + 0.000001 * z * z * z * z * z * z"))
    left, _, width, _ = map(float, picture.get("viewBox", "").split())
    assert all(left <= x and right <= left + width for x, _, right, _, _ in boxes(picture))
    assert texts(picture, "note")[1].endswith("…")


def test_the_check_sees_two_texts_in_one_place() -> None:
    picture = ET.fromstring('<svg font-size="13"><text x="0" y="0">aaaa</text><text x="4" y="2">bbbb</text></svg>')
    one, other = boxes(picture)
    assert one[2] > other[0]
    assert one[3] > other[1]


# --- text -------------------------------------------------------------------------------------------------


def test_subscripts_return_to_the_line() -> None:
    assert spans(INLINE.subscripted("w5") + " = 1", 10) == (
        '<tspan font-style="italic">w</tspan><tspan dy="2.4" font-size="7.4">5</tspan><tspan dy="-2.4"> = 1</tspan>'
    )
    assert spans("plain &amp; simple", 10) == "plain &amp; simple"


@given(st.text("ab1_", min_size=1, max_size=12))
def test_all_shifts_add_up_to_nothing_or_end_below(name: str) -> None:
    shown = spans(INLINE.subscripted(name) + " ", 10)
    assert sum(map(float, re.findall(r'dy="([-\d.]+)"', shown))) == pytest.approx(0)
    assert "".join(ET.fromstring(f"<t>{shown}</t>").itertext()).replace(",", "_").strip().replace(
        "_", ""
    ) == name.replace("_", "")


@given(problems(max_depth=3))
def test_any_network_is_drawn(problem: cp.Problem) -> None:
    cycle = cp.cycle(problem)
    for view in (View(cycle.names), View(cycle.names, digits=0)):
        ET.fromstring(svg(Diagram(problem.network, drawn_values(cycle)), view))


def test_it_has_its_colours_without_a_style_sheet() -> None:
    shown = svg(Diagram(LECTURE.problem.network, drawn_values(LECTURE)), View(LECTURE.names))
    assert shown.startswith('<svg role="img"')
    assert " style=" not in shown
    assert "var(" not in shown


def test_names_are_never_markup() -> None:
    names = Names(cp.Network(1, [cp.Dense(1)]))
    network = cp.Network(1, [cp.Dense(1, "where(z < 0, 0 * z, z)")])
    picture = ET.fromstring(svg(Diagram(network), View(names)))
    assert "where(z < 0" in words(picture[0])


# --- labels -----------------------------------------------------------------------------------------------


def plates(picture: ET.Element) -> list[tuple[float, float, float, float]]:
    """Where the labels of weights and biases stand: left, top, right, bottom."""
    sides = [[float(e.get(name, "0")) for name in ("x", "y", "width", "height")] for e in of(picture, "plate")]
    return [(x, y, x + width, y + height) for x, y, width, height in sides]


def meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize(("net", "covered"), [("lecture", 0), ("xor", 4), ("deep", 1), ("exam", 2), ("iris", 0)])
def test_labels_cover_neither_one_another_nor_units_and_hardly_an_edge(net: str, covered: int) -> None:
    if net == "exam":
        layers = [
            cp.Dense(3, "tanh", weight_names=[[f"w{3 * k + i}" for i in range(3)] for k in range(3)]),
            cp.Dense(2, "softmax"),
        ]
        values: dict[q.Quantity, float] = {q.Parameter(k): -0.9 + 0.1 * k for k in range(20)}
        picture = made(3, *layers, values=values | {q.Input(0): 1.0})
    else:
        picture = drawn(net)
    labels = plates(picture)
    assert len(labels) == {"lecture": 10, "xor": 13, "deep": 21, "exam": 20, "iris": 0}[net]
    circles = [
        tuple(float(c.get(name, "0")) + sign * float(c.get("r", "0")) for sign in (-1, 1) for name in ("cx", "cy"))
        for c in picture.iter("circle")
    ]
    for one, other in itertools.combinations(labels, 2):
        assert not meet(one, other)
    assert not [label for label in labels for circle in circles if meet(label, circle)]
    assert sum(struck(label, edge) for label in labels for edge in of(picture, "edge")) - weights(picture) <= covered


def weights(picture: ET.Element) -> int:
    """The labels that stand on edges: each covers its own."""
    return len(of(picture, "edge")) if of(picture, "plate") else 0


def struck(label: tuple[float, ...], edge: ET.Element) -> bool:
    """Whether an edge runs through a label."""
    x1, y1, x2, y2 = (float(edge.get(name, "0")) for name in ("x1", "y1", "x2", "y2"))
    points = ((x1 + (x2 - x1) * k / 400, y1 + (y2 - y1) * k / 400) for k in range(401))
    return any(label[0] < x < label[2] and label[1] < y < label[3] for x, y in points)


def test_a_label_shows_the_beginning_of_a_long_name() -> None:
    """A bias is called like its unit, which may have a name of two hundred letters; its label would cover the rest."""
    name = "subscribers_who_cancelled_within_thirty_days"
    network = cp.Network(1, [cp.Dense((name, "other"), "softmax")])
    places = View(Names(network)), Diagram(network)
    picture = ET.fromstring(svg(places[1], places[0]))
    shown = ["".join(text.itertext()) for text in picture.iter() if text.tag.endswith("text")]
    assert "b_subscribers_w…" in shown
    assert max(map(len, shown)) <= 16
    assert r"\text{b\_subscribers\_w\ldots{}}" in tikz(places[1], places[0])


def test_a_number_stays_on_the_right_of_a_name_from_right_to_left() -> None:
    network = cp.Network(1, [cp.Dense(("خروج",), "tanh")])
    values: dict[q.Quantity, float] = {q.Parameter(1): 0.5}
    picture = ET.fromstring(svg(Diagram(network, values), View(Names(network))))
    shown = ["".join(text.itertext()) for text in picture.iter() if text.tag.endswith("text")]
    assert "bخروج\u200e = 0.5" in shown
