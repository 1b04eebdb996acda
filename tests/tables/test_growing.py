"""Columns as their cells come in: which decimal sign holds, and never a guess in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clearprop.tables.growing import Growing, as_text, say
from clearprop.tables.table import Numbers, TableNotice, Text, Wanted


def grown(*blocks: list[str], commas: bool = True, evidence: str = "", **how: Any) -> Growing:
    """A column "a" of these blocks of cells, in a table that has these decimal signs elsewhere."""
    column = Growing("a", Wanted(list, {}, **how), commas=commas, evidence=lambda: set(evidence))  # type: ignore[arg-type]
    for block in blocks:
        column.take(block)
    return column


def numbers(column: Growing) -> list[float]:
    assert list(column.faults()) == []
    whole = column.whole()
    assert isinstance(whole, Numbers)
    return [float(value) for value in whole.values]


def wrong(column: Growing) -> str:
    (fault,) = column.faults()
    return str(fault)


@pytest.mark.parametrize(
    ("cells", "found", "says"),
    [
        (["1,5", "-200", "2"], [1.5, -200, 2], '"1,5" as 1.5'),
        (["1.234,5", "7"], [1234.5, 7], '"1.234,5" as 1234.5'),
        (["3,696.53", "993.55"], [3696.53, 993.55], '"3,696.53" as 3696.53'),
        (["1,234", "1.5"], [1234, 1.5], '"1,234" as 1234'),
        (["1.234", "0,5"], [1234, 0.5], '"1.234" as 1234'),
        (["3 696", "906"], [3696, 906], '"3 696" as 3696'),
        (["12 %", "7 %"], [12, 7], '"12 %" as 12'),
        (["1.234", "0.5"], [1.234, 0.5], ""),
    ],
)
def test_what_leaves_no_choice(cells: list[str], found: list[float], says: str) -> None:
    column = grown(cells)
    assert numbers(column) == found
    assert column.says == says


def test_points_before_every_three_digits_are_read_between_commas_too() -> None:
    column = grown(["1.234.567", "2.345.678", "1.234"], commas=False)
    assert numbers(column) == [1234567, 2345678, 1234]
    assert "decimal comma" not in column.says


def test_a_word_again_and_again_may_mean_no_value() -> None:
    assert wrong(grown(["1", "2", "3", "unknown", "unknown"])).endswith(
        'found "unknown" (the first of 2 such cells); correct them, add the word to na under [data] (--na) if it '
        "means no value, or list the column under categorical (--categorical)"
    )


@pytest.mark.parametrize("cell", ["(1,234.50)", "(5)", "($5.00)", "5.00-"])
def test_negative_numbers_as_in_accounts_are_named(cell: str) -> None:
    assert wrong(grown(["1.5", "2.5", "3.5", cell])).endswith(
        f'found "{cell}"; if that is negative, write a minus sign in front of the number'
    )


ASK = 'say which with decimal = "." or decimal = "," under [data] (--decimal)'


def test_what_leaves_a_choice_is_settled_by_the_table_the_file_or_not_at_all() -> None:
    for cells, how in ((["1,234", "5"], {"evidence": "."}), (["1,234", "5"], {"decimal": "."})):
        assert numbers(grown(cells, **how)) == [1234, 5]  # type: ignore[arg-type]
    for how in ({"evidence": ","}, {"decimal": ","}):
        assert numbers(grown(["1,234", "5"], **how)) == [1.234, 5]  # type: ignore[arg-type]
    for evidence in ("", ".,"):
        found = wrong(grown(["7", "1,234"], evidence=evidence))
        assert found == f'column "a", row 2: expected a number, found "1,234", which may be 1234 or 1.234; {ASK}'
    # Programs write points; beside decimal commas they may stand between thousands.
    assert wrong(grown(["1.234"], evidence=",")).endswith(f"which may be 1.234 or 1234; {ASK}")
    assert numbers(grown(["1.234"], decimal=",")) == [1234]
    assert numbers(grown(["1.234"], evidence=".")) == [1.234]
    column = grown(["1.234", "2.000"])
    assert numbers(column) == [1.234, 2]
    assert column.says == '"1.234" as 1.234 (if it is thousands, set decimal = ",")'
    assert wrong(grown(["1.234", "1,234"])).endswith(f"which may be 1234 or 1.234; {ASK}")


def test_decimal_commas_beside_separating_commas_are_asked_about() -> None:
    assert wrong(grown(["1,5", "2,5", "3"], commas=False)) == (
        'column "a", row 1: expected a number, found "1,5" (the first of 2 such cells); if it is a decimal comma, set '
        'decimal = "," under [data] (--decimal ","); otherwise write thousands without it'
    )
    assert numbers(grown(["1,5", "3"], commas=False, decimal=",")) == [1.5, 3]
    assert wrong(grown(["1,5"], decimal=".")).startswith('column "a", row 1: expected a number, found "1,5"; if it is')


def test_what_comes_later_is_held_against_what_was() -> None:
    assert numbers(grown(["1", "2"], ["1,5"])) == [1, 2, 1.5]
    assert "row 2: " in wrong(grown(["1.5"], ["1,5"]))
    assert wrong(grown(["1,5"], ["1.5"])).endswith('found "1.5", unlike the others in the column; write them all alike')
    assert wrong(grown(["1.234"], ["1,234"])).endswith(ASK)
    assert wrong(grown(["$5", "$6", "7"])).endswith(
        'row 3: expected a number, found "7", unlike the others in the column; write them all alike'
    )


def test_the_quick_way_reads_what_the_slow_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    commas = [["1,5", "NA", "-2"], ["3,25", "", "4"], ["5", "6.000,5", "7"]]
    blocks = commas, [["1.5", "NA"], ["2", "3.25"], ["1,234.5", "4"]], [["1", "NA"], ["2.5", "3"]]
    quick = [numbers(grown(*each)) for each in blocks]
    monkeypatch.setattr(Growing, "_quickly", lambda self, cells: None)
    for found, each in zip(quick, blocks, strict=True):
        assert np.array_equal(found, numbers(grown(*each)), equal_nan=True)
    assert quick[0][7] == 6000.5


def test_kinds_and_words_for_no_value() -> None:
    column = grown(["x", "NA", "", "-", "none"])
    whole = column.whole()
    assert isinstance(whole, Text)
    assert (whole.codes.tolist(), whole.labels) == ([0, -1, -1, -1, 1], ("x", "none"))
    with pytest.warns(
        TableNotice, match=r'^t\.csv: words read as missing: a \("NA", "-"\); na under \[data\] \(--na\) lists su'
    ):
        say([column], "t.csv")
    assert np.isnan(numbers(grown(["NA", ""], ["None", "n/a"]))).all()
    assert numbers(grown(["1", "NONE", "2"]))[::2] == [1, 2]


def test_truth_values_are_one_class_each() -> None:
    codes = np.array([0, 1, 2, -1], dtype=np.int32)
    found = as_text(codes, ["true", "FALSE", "True"])
    assert (found.codes.tolist(), found.labels) == ([0, 1, 0, -1], ("True", "False"))
    other = as_text(codes, ["true", "FALSE", "maybe"])
    assert other.labels == ("true", "FALSE", "maybe")


def test_words_that_usually_mean_no_value_are_said_to_be_categories() -> None:
    """Whoever adds a word to those that mean no value takes the place of the usual ones, which is easily forgotten."""
    cells = ["x", "NA", "unknown", "y"]
    with pytest.warns(TableNotice) as caught:
        say([grown(cells, na=("", "unknown"))], "t.csv")
    assert str(caught[0].message) == (
        't.csv: read as categories, since na under [data] (--na) lists other words: a ("NA")'
    )
    for na in (("",), ("", "unknown", "NA")):
        assert grown(cells, na=na).usually_absent == []
