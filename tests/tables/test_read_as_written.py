"""Files as spreadsheets, R, pandas, polars and databases write them: each is read as the docs say.

``python -m tests.tables.test_read_as_written`` prints the table of docs/tables.md.
"""

from __future__ import annotations

import gzip
import io
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from clearprop.errors import ClearpropError
from clearprop.tables.doubts import doubts
from clearprop.tables.read import read_table
from clearprop.tables.table import Numbers, Table, TableNotice, Wanted

DOCS = Path(__file__).parents[2] / "docs" / "tables.md"
EVERYTHING = Wanted(lambda header, source: header, {}, others=True)


def workbook() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


FILES: list[tuple[str, str | bytes]] = [
    ("a spreadsheet, as CSV UTF-8", "\ufeffsize,kind\r\n1.5,x\r\n2,y\r\n"),
    ("a spreadsheet in most of Europe", "size;kind\r\n1,5;x\r\n2;y\r\n"),
    ("a spreadsheet, as Unicode text", "size\tkind\r\n1,5\tx\r\n2\ty\r\n".encode("utf-16")),
    ("a spreadsheet, with its separator", "sep=;\r\nsize;kind\r\n1,5;x\r\n2;y\r\n"),
    ("cells formatted with thousands", 'size,kind\r\n"1,234.50",x\r\n7.00,y\r\n'),
    ("the same in most of Europe", "size;kind\r\n1.234,50;x\r\n7,00;y\r\n"),
    ("thousands apart by spaces", "size;kind\r\n3 696;x\r\n906;y\r\n"),
    ("thousands that may be decimals", 'size,kind\r\n"1,234",x\r\n"5,678",y\r\n'),
    ("cells formatted as money", 'size,kind\r\n"$1,299.00",x\r\n-$5.50,y\r\n'),
    ("cells formatted in percent", "size,kind\r\n12%,x\r\n7.5%,y\r\n"),
    ("cells with a unit", "size,kind\r\n5 kg,x\r\n7 kg,y\r\n"),
    ("postal codes", "zip,kind\r\n01234,x\r\n10115,y\r\n"),
    ("a spreadsheet, as plain CSV", "größe,kind\r\n1.5,x\r\n".encode("cp1252")),
    ("truth values of a spreadsheet", "size,kind\r\n1.5,TRUE\r\n2,FALSE\r\n"),
    ("empty rows and columns", "size,kind,\r\n1.5,x,\r\n2,y,\r\n,,\r\n"),
    ("formulas without a result", "size,kind\r\n1.5,#N/A\r\n#N/A,y\r\n"),
    ("dates", "size,day\r\n1.5,2024-02-28\r\n2,2024-02-29\r\n"),
    ("R, `write.csv(row.names = FALSE)`", '"size","kind"\n1.5,"x"\nNA,NA\n'),
    ("R, `write.csv2(row.names = FALSE)`", '"size";"kind"\n1,5;"x"\nNA;"y"\n'),
    ("R, `write.csv()`", '"","size","kind"\n"1",1.5,"x"\n"2",2,"y"\n'),
    ("R, `write.table()`", '"size" "kind"\n"1" 1.5 "x"\n"2" 2 "y"\n'),
    ("R, `write.table(sep = \",\")`", '"size","kind"\n"1",1.5,"x"\n"2",2,"y"\n'),
    ("pandas, `to_csv()`", ",size,kind\n0,1.5,x\n1,2.0,y\n"),
    ("pandas, `to_csv(index=False)`", "size,kind\n1.5,True\n,False\n"),
    ("pandas, `to_csv(header=False, index=False)`", "1.5,x\n2.0,y\n"),
    ("NumPy, `savetxt(delimiter=\",\")`", "1.5e+00,2.5e+00\n3.0e+00,4.5e+00\n"),
    ("NumPy, `savetxt(header=…)`", "# size kind\n1.5e+00 2.5e+00\n3.0e+00 4.5e+00\n"),
    ("columns apart by spaces", "size   kind\n 1.5      x\n22.0      y\n"),
    ("a collection of data sets", '1.5   8 3504.\t"ford  pinto"\n2.0   4 2046.\t"vw"\n'),
    ("a title above the table", "Sizes in May\n\nsize,kind\n1.5,x\n2,y\n"),
    ("comments above the table", "# sizes\n# of May\nsize,kind\n1.5,x\n2,y\n"),
    ("polars, `write_csv()`", "size,kind\n1.5,true\n2.0,false\n"),
    ("MySQL, `INTO OUTFILE` and names", "size\tkind\n1.5\tx\n\\N\ty\n"),
    ("a database, with bars", "size|kind\n1.5|x\nNULL|y\n"),
    ("digits of another script", "size,kind\n١٫٥,x\n２,y\n"),
    ("cells in single quotes", "'size','kind'\n'1.5','x'\n'2','y, z'\n"),
    ("words apart by spaces", "size colour kind\nlarge red x\nsmall blue y\n"),
    ("a workbook", workbook()),
    ("a packed table", gzip.compress(b"size,kind\n1.5,x\n")),
    ("JSON", '[{"size": 1.5, "kind": "x"}]\n'),
]  # fmt: skip


def values(table: Table, name: str) -> str:
    given = table.columns[name]
    if isinstance(given, Numbers):
        cells = ["empty" if np.isnan(value) else f"{value:.12g}" for value in given.values]
    else:
        cells = ["empty" if code < 0 else given.labels[code] for code in given.codes]
    return f"{name}: {', '.join(cells)}"


def outcome(path: Path) -> str:
    """What is read from a file, and what is said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TableNotice)
        try:
            table = read_table(path, EVERYTHING)
        except ClearpropError as error:
            said = str(error).replace(f"{path} has 1 problem:\n  ", "").replace(f"{path}: ", "")
            return f"refused: {said.partition('; ')[0]}"
        doubts(table, table.columns, np.arange(len(table)))
    said = "; ".join(str(each.message).replace(f"{path}: ", "").partition(";")[0] for each in caught)
    return "; ".join(values(table, name) for name in table.columns) + (f" ({said})" if said else "")


def written(content: str | bytes) -> str:
    """The first lines of a file, as the docs show them."""
    if isinstance(content, bytes):
        encoding = "utf-16" if content.startswith(b"\xff\xfe") else "cp1252"
        if encoding == "cp1252" and b"kind" not in content[:20]:
            return ""
        content = content.decode(encoding)
    lines = [line for line in content.strip("\ufeff").splitlines() if line][:3]
    return " ".join(f"`{line}`" for line in lines).replace("\t", "→").replace("|", "\\|")


def lines(folder: Path) -> Iterator[str]:
    yield "| written by | in the file | read as |"
    yield "| --- | --- | --- |"
    path = folder / "t.csv"
    for writer, content in FILES:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        yield f"| {writer} | {written(content)} | {outcome(path)} |"


def test_the_table_in_the_docs_says_what_is_read(tmp_path: Path) -> None:
    assert len(FILES) > 20
    documented = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    start = documented.index("| written by | in the file | read as |")
    assert documented[start : start + len(FILES) + 2] == list(lines(tmp_path))


@pytest.mark.parametrize("writer", ["pandas", "polars"])
def test_what_libraries_write_themselves_is_read(tmp_path: Path, writer: str) -> None:
    """A frame, its CSV and its Parquet hold the same columns."""
    library = pytest.importorskip(writer)
    frame = library.DataFrame({"size": [1.5, None, 2.0], "kind": ["x", "y", None], "open": [True, False, True]})
    path = tmp_path / "t.csv"
    if writer == "pandas":
        frame.to_csv(path, index=False)
    else:
        frame.write_csv(path)
        frame.write_parquet(tmp_path / "t.parquet")
        assert outcome(tmp_path / "t.parquet") == "size: 1.5, empty, 2; kind: x, y, empty; open: True, False, True"
    assert outcome(path) == "size: 1.5, empty, 2; kind: x, y, empty; open: True, False, True"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print("\n".join(lines(Path(place))))
