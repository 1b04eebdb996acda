"""How names are taken apart: which letter, what stands below it; in a format that shows every decision."""

from __future__ import annotations

import pytest
from tests.rendering.quantities import LECTURE, PROBLEM, STANDARD, TOTAL, W5

import clearprop as cp
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.network.notation import Accent
from clearprop.rendering.symbols import Pieces, Symbols


class Plain(Pieces):
    """Every piece by its name: /a/ italic, "a" upright, a[b] a subscript, a^b raised."""

    def italic(self, letter: str) -> str:
        return f"/{letter}/"

    def word(self, word: str) -> str:
        return f'"{word}"'

    def text(self, text: str) -> str:
        return f"<{text}>"

    def digits(self, digits: str) -> str:
        return digits

    def stacked(self, lines: list[str]) -> str:
        return f"stack({'; '.join(lines)})"

    def bold(self, letter: str) -> str:
        return f"*{letter}*"

    def row(self, *parts: str) -> str:
        return "".join(parts)

    def below(self, base: str, index: str) -> str:
        return f"{base}[{index}]"

    def raised(self, base: str, mark: str) -> str:
        return f"{base}^{mark}"

    def accent(self, letter: str, accent: Accent) -> str:
        return f"{accent}({letter})"

    def parenthesised(self, shown: str) -> str:
        return f"({shown})"

    def partial(self, shown: str) -> str:
        return f"∂{shown}"

    def fraction(self, above: str, below: str) -> str:
        return f"{above} over {below}"

    def compound(self, shown: str) -> bool:
        return "^" in shown or " over " in shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("w5", "/w/[5]"),
        ("w12", "/w/[12]"),
        ("h1_1", "/h/[1,1]"),
        ("b_h1", "/b/[/h/1]"),
        ("b_h1_2", "/b/[/h/1,2]"),
        ("x", "/x/"),
        ("petal_length", '"petal_length"'),
        ("petal length", "<petal length>"),
        ("β3", "/β/[3]"),
        ("w<script>", "<w<script>>"),
        ("b_the_number_of_rooms_in_this_house", '/b/[stack("the_number_of_rooms_in_"; "this_house")]'),
        ("share of the rooms with a window to the sea", "stack(<share of the rooms with >; <a window to the sea>)"),
    ],
)
def test_names_are_taken_apart_as_a_reader_does(name: str, shown: str) -> None:
    """What is no letter with an index stays in one piece."""
    assert Plain().subscripted(name) == shown


def test_quantities_are_set_as_the_notation_says() -> None:
    lecture, standard = (Symbols(view.names, Plain()) for view in (LECTURE, STANDARD))
    assert lecture.quantity(q.Sum(0, 0)) == '"sum"[/h/1]'
    assert standard.quantity(q.Sum(0, 0)) == "/z/[/h/1]"
    assert lecture.quantity(q.Updated(W5)) == '"new_"/w/[5]'
    assert standard.quantity(q.Updated(q.Updated(W5))) == "(/w/[5]^+)^+"
    assert lecture.quantity(q.Derivative(TOTAL, W5)) == '∂/E/["total"] over ∂/w/[5]'
    assert lecture.quantity(q.Derivative(TOTAL, q.Sum(0, 0))) == '∂/E/["total"] over ∂"sum"[/h/1]'
    assert standard.quantity(q.Derivative(TOTAL, q.Sum(0, 0))) == "/δ/[/h/1]"


def test_two_weights_never_look_the_same() -> None:
    """w_5 would be a w with a 5 below, as w5 is."""
    layer = cp.Dense(1, weight_names=(("w5", "w_5"),), bias="none")
    symbols = Symbols(Names(cp.Network(2, [layer])), Plain())
    assert [symbols.quantity(q.Parameter(k)) for k in (0, 1)] == ["/w/[5]", '"w_5"']


def test_all_quantities_of_a_cycle_look_different() -> None:
    for view in (LECTURE, STANDARD):
        symbols = Symbols(view.names, Plain())
        shown = [symbols.quantity(q.Parameter(k)) for k in range(len(PROBLEM.parameters))]
        shown += [
            symbols.quantity(kind(layer, unit)) for kind in (q.Sum, q.Output) for layer in (0, 1) for unit in (0, 1)
        ]
        assert len(set(shown)) == len(shown)


def test_a_plain_string_is_text_and_what_is_no_quantity_is_refused() -> None:
    symbols = Symbols(LECTURE.names, Plain())
    assert symbols.write("w5") == "<w5>"
    with pytest.raises(TypeError, match="not a quantity"):
        symbols.write(3.5)


@pytest.mark.parametrize(
    ("how", "shown"),
    [
        ("text", "sqrt(2 · π)"),
        ("latex", r"\sqrt{2 \cdot \pi}"),
        ("markdown", r"\sqrt{2 \cdot \pi}"),
        ("html", "<mi>π</mi>"),
    ],
)
def test_pi_is_a_letter_in_formulas(how: str, shown: str) -> None:
    gelu = (
        '[inputs]\ncount = 1\n[[layers]]\nunits = 1\nactivation = "gelu"\nweights = [[0.5]]\n'
        "[[examples]]\ninputs = [1.0]\ntargets = [0.5]\n"
    )
    explained = cp.explain(cp.cycle(cp.read(gelu)), "da_y1/dz_y1")
    text = str(explained) if how == "text" else getattr(explained, how)()
    assert shown in text
    assert "3.14" not in text
