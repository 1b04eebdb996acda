"""The engine's plan as a document."""

from __future__ import annotations

import json

import pytest
from tests.rendering.reading import read, words

import clearprop as cp
from clearprop.engine.availability import unusable
from clearprop.rendering.formats import write
from clearprop.rendering.inspection import engine_result

if (reason := unusable()) is not None:
    pytest.skip(reason, allow_module_level=True)


def test_every_format_shows_the_same_plan() -> None:
    from clearprop.training.inspection import inspected

    problem = cp.load("xor")
    result = engine_result(problem, inspected(problem, 2, 1, measure=False))
    shown = write(result, "text")
    found = json.loads(write(result, "json"))
    assert f"processor: {found['processor']}, vectors of " in shown
    assert "step: 2 examples, 1 thread\n" in shown
    layers = found["layers"]
    for number, layer in enumerate(layers, start=1):
        assert f"\nlayer {number}: {layer['inputs']} inputs, {layer['units']} units, " in shown
    assert (layers[0]["inputs"], layers[-1]["units"]) == (2, 1)
    page = read(write(result, "html"))
    assert " ".join(words(each) for each in page.iter("p")) == " ".join(shown.split())
