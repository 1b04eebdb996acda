"""The words, letters and signs of each course.

A notation is one entry of ``NOTATIONS``. Text, LaTeX, MathML and the page read it there, so that another course's
notation is another entry and nothing else.

How a word is set follows from the word: one letter is italic (Greek or not), several are upright, and what stands
after ``_`` is a subscript.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from clearprop.errors import UnknownName

DEFAULT = "standard"


@dataclass(frozen=True)
class Notation:
    """The names and signs of one course for the quantities of a network.

    - ``sum``, ``output``, ``signal``: the word before the name of a unit, as in ``sum_h1``. Without a word for the
      error signal it is a derivative, as in ∂E_total/∂sum_h1.
    - ``target``, ``error``: the word before the number of an output, as in ``E_1``.
    - ``total_error``, ``learning_rate``: the whole name.
    - ``new_prefix``, ``new_suffix``: what stands before and after the name of an updated weight.
    - ``times``: the sign for a product in plain text; ``times_set`` in LaTeX and MathML.
    - ``power``: the sign in plain text for a power that cannot be a raised digit.
    - ``matrix_form``: whether an explanation shows each layer as matrices too.
    """

    name: str
    sum: str
    output: str
    signal: str
    target: str
    error: str
    total_error: str
    learning_rate: str
    new_prefix: str
    new_suffix: str
    times: str
    times_set: str
    power: str
    matrix_form: bool


NOTATIONS = {
    notation.name: notation
    for notation in (
        Notation(
            "lecture",
            sum="sum",
            output="output",
            signal="",
            target="target",
            error="E",
            total_error="E_total",
            learning_rate="n",
            new_prefix="new_",
            new_suffix="",
            times="*",
            times_set="⋅",
            power="^",
            matrix_form=False,
        ),
        Notation(
            "standard",
            sum="z",
            output="a",
            signal="δ",
            target="t",
            error="L",
            total_error="L",
            learning_rate="η",
            new_prefix="",
            new_suffix="⁺",
            times="·",
            times_set="⋅",
            power="^",
            matrix_form=True,
        ),
    )
}

PENALTY = "penalty"
"""The penalty's name in every notation."""

GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eps": "ϵ", "rho": "ρ", "mu": "μ", "nu": "ν"}
"""Hyperparameters that are set as a Greek letter; digits after them become a subscript."""

Accent = Literal["hat", "bar"]
ACCENTED: dict[str, tuple[str, Accent]] = {"m_hat": ("m", "hat"), "v_hat": ("v", "hat"), "clipped": ("g", "bar")}
"""Quantities of optimizers that are set as a letter with an accent."""

STATE_WORDS = {"b": "velocity"}
"""The name of what an optimizer keeps for a parameter, where its letter means something else: b_h1 is a bias."""


def notation(name: str) -> Notation:
    """Return the notation of that name; suggest one for an unknown name."""
    if name not in NOTATIONS:
        raise UnknownName("notation", name, NOTATIONS)
    return NOTATIONS[name]


def vocabulary(fields: Iterable[str], own: Notation | None = None) -> dict[str, str]:
    """Return which field each word of every notation belongs to, in ASCII letters too; ``own`` decides between two.

    >>> vocabulary(["signal"])
    {'δ': 'signal', 'delta': 'signal'}
    """
    words = {}
    for each in (*NOTATIONS.values(), own or NOTATIONS[DEFAULT]):
        for field in fields:
            word = getattr(each, field)
            words.update({spelling: field for spelling in (word, in_ascii(word)) if spelling})
    return words


def in_ascii(text: str) -> str:
    """Return the text in ASCII: each letter by the last word of its name in Unicode, without accents.

    >>> in_ascii("δ_h1"), in_ascii("w5⁺"), in_ascii("Größe"), in_ascii("重み")
    ('delta_h1', 'w5+', 'Grosse', 'u91cdmi')
    """
    return "".join(map(_letter_in_ascii, unicodedata.normalize("NFKC", text)))


def _letter_in_ascii(character: str) -> str:
    if character.isascii():
        return character
    if character in UNNAMED:
        return UNNAMED[character]
    if unicodedata.category(character) == "Mn":
        return ""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    name = unicodedata.name(character, "").partition(" WITH ")[0]
    letter = name.rpartition(" ")[2]
    if not letter.isalpha():  # CJK UNIFIED IDEOGRAPH-91CD
        letter = f"u{ord(character):x}"
    return letter.title() if " CAPITAL " in name else letter.lower()


UNNAMED = {"∂": "d", "ß": "ss", "ẞ": "SS", "λ": "lambda", "Λ": "Lambda"}
"""Characters whose name in Unicode does not say how they are spelt."""
