"""First lines: names of columns, or data already."""

from __future__ import annotations

import pytest

from clearprop.tables.header import header_fault


def found(text: str) -> str:
    first, *rows = [line.split(",") for line in text.split(" ")]
    return str(header_fault(first, rows) or "")


@pytest.mark.parametrize(
    "text",
    [
        "5.1,3.5,setosa 4.9,3.0,setosa 6.2,2.9,virginica",
        "39,State,77516 50,Self,83311 38,Private,215646",
        "0,1,setosa 1,0,setosa 1,1,other",
        "p,x,s e,x,s p,b,s",
        "1.5,a 2.5,b",
    ],
)
def test_data(text: str) -> None:
    names = ", ".join(f'"column{k}"' for k in range(1, len(text.split(" ", maxsplit=1)[0].split(",")) + 1))
    assert found(text).startswith("first line: looks like data: ")
    assert found(text).endswith(
        f"; name the columns in a line above it, or with names = [{names}] under [data] (--names)"
    )


@pytest.mark.parametrize(
    "text",
    [
        "a,b,y 1,2,x",
        "country,2019,2020 A,1,2 B,3,4",
        "country,2020 A,1 B,3",
        "0,1,2,target 5,6,7,x 8,9,1,y",
        "400.5,401,401.5,y 1,2,3,x",
        "y,1b x,2 z,3",
        "a,b a,b",
        "y,7 x,u z,v",
    ],
)
def test_names(text: str) -> None:
    assert found(text) == ""


def test_numbers_alone_and_wide_tables() -> None:
    assert found("1,2 3,4").startswith(
        "first line: expected the names of the columns, found numbers: 1, 2; name the col"
    )
    assert '"column9", …]' in found(",".join(["1.5"] * 30 + ["a"]) + " " + ",".join(["2"] * 30 + ["a"]))
