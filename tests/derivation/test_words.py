"""The sentences of derivations: every one can be filled in, and is plain text."""

from __future__ import annotations

import re

import pytest

from clearprop.derivation.words import WORDS, words


@pytest.mark.parametrize("key", WORDS)
def test_a_sentence_is_filled_in_with_all_of_its_parts_and_not_without_one(key: str) -> None:
    parts = dict.fromkeys(re.findall(r"\{(\w+)\}", WORDS[key]), "<part>")
    shown = words(key, **parts)
    assert shown.count("<part>") == len(parts)
    assert not re.search(r"[{}]", shown)
    for left_out in parts:
        with pytest.raises(KeyError, match=left_out):
            words(key, **{name: part for name, part in parts.items() if name != left_out})


def test_no_two_sentences_read_the_same() -> None:
    assert len(set(WORDS.values())) == len(WORDS)


def test_text_of_a_user_is_not_filled_in_again() -> None:
    """A column of a table may be called anything."""
    assert "{category}" in words("column", column="{category}")


def test_some_sentences_as_a_reader_sees_them() -> None:
    assert words("standardized", column="age") == "age, standardized"
    assert words("category", column="colour", category="red") == '1 if colour is "red", else 0'
    assert words("path", number=2) == "path 2"
    assert words("fused", loss="cross entropy", activation="softmax") == ("cross entropy after softmax: factors cancel")
