"""Tables over cycles, and the largest paths of a gradient."""

from __future__ import annotations

import json

from tests.rendering.reading import read, words

import clearprop as cp
from clearprop.rendering.document import shown_number


def test_tables_over_cycles() -> None:
    from clearprop.rendering.explanation import explain_cycles

    explanation = explain_cycles(cp.cycle(cp.load("lecture")), 3)
    rows = [row for table in read(explanation.html()).iter("table") for row in table.iter("tr")]
    expected = json.loads(explanation.json())["cycles"]
    shown = [
        [words(cell).replace("− ", "-") for cell in row] for row in rows if row.find("th[@scope='row']") is not None
    ]
    assert [row[0] for row in shown] == ["0", "1", "2", "3"] * 2
    assert [row[1] for row in shown[:4]] == [shown_number(each["E_total"]) for each in expected]
