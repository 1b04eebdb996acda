"""A course's notation is one entry of the table: everything prints it and understands it."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import fields, replace
from html import unescape
from xml.etree import ElementTree

import pytest

import clearprop as cp
from clearprop.errors import UnknownName
from clearprop.explorer.export import exported
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.network.notation import NOTATIONS, Notation, in_ascii, notation, vocabulary

COURSE = Notation(
    "course",
    sum="net",
    output="out",
    signal="",
    target="goal",
    error="Err",
    total_error="Err_all",
    learning_rate="α",
    new_prefix="",
    new_suffix="′",
    times="×",
    times_set="×",
    power="**",
    matrix_form=True,
)


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch) -> Notation:
    monkeypatch.setitem(NOTATIONS, COURSE.name, COURSE)
    return COURSE


@pytest.fixture
def explanation(course: Notation) -> cp.Explanation:
    problem = replace(cp.load("lecture"), notation=course.name)
    return cp.explain(cp.cycle(problem))


def test_text(explanation: cp.Explanation) -> None:
    lines = explanation.text().splitlines()
    for line in (
        "  net_h1 = i1 × w1 + i2 × w3 + b1 = 0.1 × 0.1 + 0.5 × 0.3 + 0.25 = 0.41",
        "  Err_all = Err_1 + Err_2 = 0.23456 + 0.01453 = 0.24909",
        "  ∂Err_all/∂w5 = ∂Err_all/∂out_o1 × ∂out_o1/∂net_o1 × ∂net_o1/∂w5",
        "  w5′ = w5 - α × ∂Err_all/∂w5 = 0.5 - 0.6 × 0.08020 = 0.45188",
    ):
        assert line in lines
    assert "net1 = W1 x + b1" in explanation.text()  # the matrix form
    assert "∂Err_all/∂net2" in explanation.text()  # it has no letter for the error signal
    assert not re.search(r"\b(sum|output|target|z|a|t|δ|E|L)_\w|new_|⁺|η", explanation.text())


def test_latex_and_markdown(explanation: cp.Explanation) -> None:
    for shown in (explanation.latex(), explanation.markdown()):
        assert r"w_{5}^{\ensuremath{'}}" not in shown
        assert r"w_{5}' &= w_{5} - \alpha \times \frac{\partial \mathrm{Err}_{\mathrm{all}}}{\partial w_{5}}" in shown
        assert r"\mathrm{net}_{h1} &= i_{1} \times w_{1}" in shown
        assert r"\mathbf{net}_{1}" in shown
        assert r"\cdot" not in shown.replace(r"\ensuremath{\cdot}", "").replace("∂·", "")


def test_html(explanation: cp.Explanation) -> None:
    page = explanation.html()
    ElementTree.fromstring(unescape(page).partition("<!DOCTYPE html>")[2] if page.startswith("<!D") else page)
    assert "<msub><mi>net</mi><mrow><mi>h</mi><mn>1</mn></mrow></msub>" in page
    assert "<msub><mi>Err</mi><mi>all</mi></msub>" in page
    assert "<mo>×</mo>" in page
    assert "<mo>⋅</mo>" not in page


def test_json(explanation: cp.Explanation) -> None:
    found = json.loads(explanation.json())
    assert {"net_h1", "out_o2", "Err_1", "Err_all"} <= found["values"].keys()
    terms = found["derivations"]["w5"]["terms"]
    assert [factor["symbol"] for factor in terms[0]["factors"]] == [
        "∂Err_all/∂out_o1",
        "∂out_o1/∂net_o1",
        "∂net_o1/∂w5",
    ]


@pytest.mark.parametrize("own", [*NOTATIONS, "course"])
def test_names_of_every_notation_are_understood_in_every_other(course: Notation, own: str) -> None:
    network = cp.load("lecture").network
    names = Names(network, NOTATIONS[own])
    w5 = q.Parameter(network.layout.find("w5") or 0)
    quantities: list[q.Quantity] = [
        q.Sum(0, 0), q.Output(1, 1), q.Target(1), q.Error(0), q.TotalError(), q.PenaltyError(), w5, q.Updated(w5),
        q.Derivative(q.TotalError(), w5), q.Derivative(q.Error(1), q.Sum(1, 1)),
        q.Derivative(q.TotalError(), q.Sum(0, 1)), q.Derivative(q.Output(0, 0), q.Sum(0, 0)), q.Input(1),
    ]  # fmt: skip
    for other in NOTATIONS.values():
        for quantity in quantities:
            called = Names(network, other).text(quantity)
            assert names.find(called) == quantity
            assert names.find(called.replace("∂", "d")) == quantity
            assert names.find(in_ascii(called)) == quantity


def test_its_own_words_come_first_where_courses_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = replace(COURSE, name="swapped", sum="a", output="z")
    monkeypatch.setitem(NOTATIONS, "swapped", swapped)
    network = cp.load("lecture").network
    assert Names(network, swapped).find("a_h1") == q.Sum(0, 0)
    assert Names(network, NOTATIONS["standard"]).find("a_h1") == q.Output(0, 0)


def test_its_words_are_reserved(course: Notation) -> None:
    with pytest.raises(
        cp.errors.InvalidNetwork, match='"net_u" is reserved: it is what the weighted sum of u is called'
    ):
        cp.Network(1, [cp.Dense(("u", "v"), weight_names=(("net_u",), ("k",)))])


def test_a_file_may_say_it(course: Notation) -> None:
    text = cp.write(cp.load("lecture")).replace('"lecture"', '"course"')
    assert cp.read(text).notation == "course"
    assert cp.cycle(cp.read(text))["net_h1"] == pytest.approx(0.41)


def test_the_page_is_handed_it(course: Notation) -> None:
    found = exported(replace(cp.load("lecture"), notation="course"))
    assert found["notations"]["course"] == {field.name: getattr(course, field.name) for field in fields(course)}


def test_unknown_notations() -> None:
    with pytest.raises(UnknownName, match='unknown notation "lectur"; did you mean "lecture"'):
        notation("lectur")


def test_ascii_words_are_in_the_vocabulary() -> None:
    assert vocabulary(["signal"]) == {"δ": "signal", "delta": "signal"}
    assert vocabulary(["sum"]) == {"sum": "sum", "z": "sum"}


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("w5", "w5"), ("∂E/∂w", "dE/dw"), ("w5⁺", "w5+"), ("θ_1", "theta_1"), ("Θ", "Theta"), ("ά", "alpha"),
        ("Größe", "Grosse"), ("Köln", "Koln"), ("Żółć", "Zolc"), ("Ærø", "Aero"), ("重み", "u91cdmi"),
        ("λ", "lambda"), ("ａ", "a"), ("٣", "3"),
    ],
)  # fmt: skip
def test_spelling_in_ascii(text: str, spelt: str) -> None:
    assert in_ascii(text) == spelt
    assert in_ascii(unicodedata.normalize("NFD", text)) == spelt
