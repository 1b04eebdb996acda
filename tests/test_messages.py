"""Pieces of messages: suggestions, counts, and text from files that is safe to print."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.messages import abridged, counted, printable, reason, unknown

COLOURS = ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("gren", 'did you mean "green"?'),
        ("RED", 'did you mean "red"?'),
        ("qqqq", "known: red, green, blue"),
        ("", "known: red, green, blue"),
    ],
)
def test_a_mistyped_name_is_answered_by_the_one_that_was_meant(name: str, hint: str) -> None:
    assert unknown("colour", name, COLOURS) == f'unknown colour "{name}"; {hint}'


def test_of_many_names_the_first_are_listed_and_all_are_counted() -> None:
    names = [f"name_{number:03}" for number in range(1_000)]
    message = unknown("column", "quite another", names)
    assert message.endswith("name_019, … (1000 in all)")
    assert len(message) < 300


@given(st.text(max_size=200))
def test_text_from_a_file_is_printable_and_short(text: str) -> None:
    shown = abridged(text)
    assert shown.isprintable()
    assert len(shown) <= 60
    if text.isprintable() and len(text) <= 60:
        assert shown == text


def test_what_could_move_the_cursor_is_replaced() -> None:
    assert abridged("\x1b[31mred\r\nnext\u202e") == "�[31mred��next�"
    assert abridged("x" * 100, 10) == "xxxxxxxxx…"


def test_counts_have_their_words() -> None:
    assert [counted(count, "row") for count in (0, 1, 2, 1_234_567)] == ["0 rows", "1 row", "2 rows", "1,234,567 rows"]


def test_the_reason_of_the_system_has_no_number() -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        os.stat("/nowhere/at all")
    assert reason(caught.value) == "No such file or directory"
    assert reason(ValueError("embedded null byte")) == "embedded null byte"


def test_a_terminal_is_not_steered_by_text_from_a_file() -> None:
    assert printable("a\x1b[2J\x9b\r\nb\tc \u202e") == "a�[2J��\nb\tc �"
    assert printable("Größe: ½ → 3\n") == "Größe: ½ → 3\n"
