from __future__ import annotations

import json
from dataclasses import replace

import clearprop as cp
from clearprop.rendering.comparison import answer_result, comparison_result
from clearprop.rendering.formats import write

LECTURE = cp.load("lecture")
OTHER = replace(LECTURE, network=cp.Network(("i1", "i2"), LECTURE.network.layers, "squared_error"))


def test_the_text_says_where_they_part_and_why() -> None:
    found = comparison_result(cp.compare(LECTURE, OTHER))
    text = " ".join(write(found).split())
    assert "The first quantity that differs is E_1: 0.2345636023 and 0.4691272045" in text
    assert 'loss.name = "squared_error": the ½ in the squared error' in text
    assert "The two agree." in write(comparison_result(cp.compare(LECTURE, LECTURE)))
    assert "The two agree." in str(cp.compare(LECTURE, LECTURE))


def test_the_json_is_as_pinned() -> None:
    content = json.loads(write(comparison_result(cp.compare(LECTURE, OTHER)), "json"))
    assert content["same"] is False
    assert set(content["largest"]) == {"parameters", "outputs", "errors", "gradients", "updated"}
    assert content["first_difference"]["quantity"] == "E_1"
    assert content["conventions"] == [
        {"change": 'loss.name = "squared_error"', "says": "the ½ in the squared error", "agrees": True}
    ]


def test_an_answer_without_known_conventions_says_so() -> None:
    assert "No known conventions give these numbers." in write(answer_result(None))
    assert "The program has clearprop's own conventions." in write(answer_result([]))


def test_what_no_key_declares_is_said_alone() -> None:
    found = [{"change": None, "says": "weight decay leaves the biases out", "agrees": True}]
    assert "\nweight decay leaves the biases out\n" in write(answer_result(found))
    assert json.loads(write(answer_result(found), "json"))["conventions"][0]["change"] is None
