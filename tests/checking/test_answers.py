"""Answers from files, standard input and Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import clearprop as cp
from clearprop.checking.answers import Answers, answers_of, read_answers
from clearprop.errors import ClearpropError, InvalidArgument, UnreadableFile

CYCLE = cp.cycle(cp.load("lecture"))


def read(text: str) -> Answers:
    return read_answers(CYCLE, text, "sheet.csv")


def named(found: Answers) -> list[str]:
    return [CYCLE.names.text(quantity) for quantity in found.quantities]


def test_a_sheet_has_quantities_and_values_and_may_have_more() -> None:
    found = read("remark,Quantity , value\nx,sum_h1,0.41\n\n,new_w5,\n")
    assert (named(found), found.rows, found.of_class) == (["sum_h1", "new_w5"], (("0.41", ""),), False)


@pytest.mark.parametrize("sign", [";", "\t"])
def test_a_comma_is_decimal_where_something_else_separates(sign: str) -> None:
    found = read(f"quantity{sign}value\nsum_h1{sign}0,41\n")
    assert (found.rows, found.decimal_comma) == ((("0,41",),), True)


def test_decimal_commas_that_separate_cells_are_refused() -> None:
    for text in ("quantity,value\nsum_h2,0.47\nsum_h1,0,41\n", "name,sum_h1\nBo,1\nAna,0,41\n"):
        with pytest.raises(InvalidArgument, match=r'sheet.csv, row 2: 3 cells, but 2 in the header; .* with ";"'):
            read(text)
    assert read("quantity,value\nsum_h1,0.41,a remark\n").rows == (("0.41",),)


def test_excels_line_about_the_separator_is_skipped() -> None:
    assert read("sep=;\r\nquantity;value\r\nsum_h1;0,41\r\n").rows == (("0,41",),)


def test_one_name_is_reported_once() -> None:
    with pytest.raises(InvalidArgument) as caught:
        read("quantity,value\n" + "sum_h1,1\n" * 20 + "foo,1\n" * 20)
    assert str(caught.value).count("twice") == str(caught.value).count('"foo"') == 1


def test_a_name_without_end_is_soon_unknown() -> None:
    with pytest.raises(InvalidArgument, match="unknown quantity"):
        read("quantity,value\n" + "_" * 1_000_000 + ",1\n")


def test_lines_as_on_paper_are_a_sheet() -> None:
    found = read("sum_h1 = i1·w1 + i2·w3 + b1\n  = 0,41\n\nw_5 ≈ 0.5; E_1 = max(0, 1) = 0.2346\n")
    assert named(found) == ["sum_h1", "w5", "E_1"]
    assert (found.rows, found.decimal_comma) == ((("0,41", "0.5", "0.2346"),), True)


def test_json_keeps_the_digits_that_were_written() -> None:
    found = read('{"sum_h1": 0.410, "out_h1": "0,6011", "new_w5": null, "E_1": NaN, "E_2": true}')
    assert found.rows == (("0.410", "0,6011", "", "NaN", "true"),)


def test_a_class_has_a_row_for_each_student() -> None:
    found = read("name,sum_h1,new_w5\nAna,0.41,0.4519\nBo,0.4\nAna,,\n,0.41,1\nAna,1,2\n")
    assert found.names == ("Ana", "Bo", "Ana (row 3)", "row 4", "Ana (row 5)")
    assert found.rows[1] == ("0.4", "")
    assert found.of_class


def test_python_gives_numbers_or_a_class() -> None:
    found = answers_of(CYCLE, {"Ana": {"sum_h1": 0.41}, "Bo": {"sum_h1": "0.4", "E": None}})
    assert (found.names, found.rows, found.of_class) == (("Ana", "Bo"), (("0.41", ""), ("0.4", "")), True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "sheet.csv: empty"),
        ("quantity,value\n", "sheet.csv: no answers"),
        ("sum_h1\n0.41\n", "sheet.csv: expected CSV with a header: quantity,value for a sheet"),
        ("quantity,value\nsum_h3,1\n", 'sheet.csv: unknown quantity "sum_h3"; did you mean "sum_h2"?'),
        ("quantity,value\nsum_h1,1\nnet_h1,2\n", 'sheet.csv: "net_h1" is the same quantity as "sum_h1"; keep one'),
        ("quantity,value\nsum_h1,1\nsum_h1,2\n", 'sheet.csv: "sum_h1" appears twice; keep one'),
        ("sum_h1 = 0.41\nhello\n", 'sheet.csv, line 2: expected quantity = value, found "hello"'),
        ("sum_h1,0.41\nout_h1,0.6\n", "a sheet has the columns quantity and value, named in its first row"),
        ("name,quantity,value\nA,sum_h1,1\nB,sum_h1,2\n", "keep one; a class has a row for each student"),
        ("quantity,answer\nsum_h1,1\n", "a sheet has the columns quantity and value"),
        ("name,sum_h1\n", "sheet.csv: a header and no students below it"),
        ('{"sum_h1": 1, "sum_h1": 2}', 'sheet.csv: "sum_h1" appears twice; keep one'),
        ('{"sum_h1": ', "sheet.csv: not JSON"),
        ("[1, 2]", "sheet.csv: expected a JSON object"),
        ("[" * 100_000, "sheet.csv: not JSON"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(text)
    with pytest.raises(ClearpropError) as caught:
        answers_of(CYCLE, path)
    assert message in str(caught.value).replace(f"{tmp_path}/", "")
    assert caught.value.exit_code == 2


def test_unknown_quantities_are_reported_together() -> None:
    names = "".join(f"nothing_{k},1\n" for k in range(30))
    with pytest.raises(InvalidArgument) as caught:
        read(f"quantity,value\n{names}")
    assert str(caught.value).startswith("sheet.csv: the first 10 problems:\n  unknown quantity")
    assert str(caught.value).count("\n") == 10


@pytest.mark.parametrize("content", [b"\x7fELF\0\0\0", b"quantity,value\nsum_h1,\0\n", b"PK\x03\x04 xl/"])
def test_a_binary_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sheet"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile):
        answers_of(CYCLE, path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_files_come_in_several_encodings(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "class.csv"
    path.write_text("name,sum_h1\nÄnne,0.41\n", encoding=encoding)
    assert answers_of(CYCLE, path).names == ("Änne",)


@pytest.mark.parametrize("given", [3, None, [1, 2], {"sum_h1": {}}, {}, {3: "x"}, {"Ana": {}}])
def test_from_python_what_makes_no_sense_is_refused(given: Any) -> None:
    with pytest.raises(InvalidArgument):
        answers_of(CYCLE, given)


def test_a_large_file_of_unknown_quantities_is_soon_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_text(json.dumps({f"x{k}": k for k in range(20_000)}))
    with pytest.raises(InvalidArgument, match="the first 10 problems"):
        answers_of(CYCLE, path)
