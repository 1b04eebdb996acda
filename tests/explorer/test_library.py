"""The rules, words and limits that the page is given."""

from __future__ import annotations

import re

from tests.explorer.test_bundle import SOURCES

import clearprop as cp
from clearprop.derivation.symptoms import SYMPTOMS, THRESHOLDS
from clearprop.explorer import library
from clearprop.explorer.library import SENTENCES
from clearprop.network.notation import NOTATIONS
from clearprop.rules.activations import ACTIVATIONS
from clearprop.rules.losses import LOSSES

SOURCE = "".join(path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*.ts")))


def test_every_sentence_that_the_page_asks_for_is_exported() -> None:
    language = library.language()
    assert (language["words"], language["symptoms"], language["thresholds"]) == (SENTENCES, SYMPTOMS, THRESHOLDS)
    asked = re.findall(r'\bwords\(\s*(?:\w+ \? )?"(\w+)"(?: : "(\w+)")?', SOURCE)
    keys = {key for pair in asked for key in pair if key}
    assert {"path", "kept", "dropped", "fused", "more_examples", "outside", "still"} <= keys
    assert keys <= SENTENCES.keys()


def test_no_sentence_of_a_derivation_stands_in_the_page_a_second_time() -> None:
    """Neither whole sentences nor their longer parts between what is filled in."""
    texts = [re.split(r"\{[^}]*\}", sentence) for sentence in (*SENTENCES.values(), *SYMPTOMS.values())]
    parts = [part.strip(" :;,.()") for text in texts for part in text if len(part.split()) >= 4]
    assert len(parts) > 20
    assert [part for part in parts if part in SOURCE] == []


def test_the_page_knows_no_notation_by_name() -> None:
    for name in NOTATIONS:
        assert f'"{name}"' not in SOURCE


def test_rules_made_in_python_stand_beside_those_of_the_tables() -> None:
    own = cp.activation("z * logistic(2 * z)")
    loss = cp.loss("(t - y)**4")
    activations, losses = library.rules_of(cp.Network(1, [cp.Dense(1, own)], loss))
    assert activations == [*ACTIVATIONS.values(), own]
    assert losses == [*LOSSES.values(), loss]


def test_a_label_shows_the_constants_that_were_changed() -> None:
    assert library.label(cp.activation("elu")) == "elu"
    assert library.label(cp.loss("huber", delta=2.5)) == "huber (delta 2.5)"
