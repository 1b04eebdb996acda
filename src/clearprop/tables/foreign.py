"""Files that are something else than what was expected: what they are, told by their first bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

UNPACK = "unpack it first"
AS_CSV = "save the table as CSV"


class Foreign(NamedTuple):
    """A kind of file: what it is, how its first bytes show that, and what to do to have a table."""

    what: str
    recognises: Callable[[bytes], bool]
    remedy: str = AS_CSV


def starts(*magic: bytes) -> Callable[[bytes], bool]:
    """Return a test for the bytes with which a file begins."""
    return lambda head: head.startswith(magic)


def _is_zip(*parts: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(b"PK\x03\x04") and any(part in head for part in parts)


def _is_json(head: bytes) -> bool:
    # A network file may begin with [inputs] or [[layers]].
    return re.match(rb"(?:\xef\xbb\xbf)?\s*(?:\{|\[\s*(?:[\"{0-9-]|\[\s*[\"0-9-]))", head) is not None


def _is_yaml(head: bytes) -> bool:
    lines = [line for line in head.splitlines()[:5] if line.strip() and not line.lstrip().startswith(b"#")]
    form = re.compile(rb"---|\s*(- )?[\w \"'-]+:( [^,;\t=]*)?|\s*- [^,;\t=]*")
    begins = len(lines) > 1 and re.fullmatch(rb"\w+:", lines[0].rstrip()) and re.match(rb" +(- |\w+:)", lines[1])
    return bool(begins) or (len(lines) > 1 and all(form.fullmatch(line.rstrip()) for line in lines))


SHEET = "save the sheet as CSV"


def _matches(pattern: bytes) -> Callable[[bytes], bool]:
    form = re.compile(pattern, re.IGNORECASE)
    return lambda head: form.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


FOREIGN = (
    Foreign("a workbook of a spreadsheet", _is_zip(b"[Content_Types].xml", b"xl/", b"opendocument.spreadsheet"), SHEET),
    Foreign("a workbook of a spreadsheet", starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), SHEET),
    Foreign("a zip archive, as PyTorch, Keras, scikit-learn and spreadsheets write", starts(b"PK\x03\x04"), UNPACK),
    Foreign("a file packed with gzip", starts(b"\x1f\x8b"), UNPACK),
    Foreign("a file packed with bzip2", starts(b"BZh"), UNPACK),
    Foreign("a file packed with xz", starts(b"\xfd7zXZ\0"), UNPACK),
    Foreign("a file packed with zstd", starts(b"\x28\xb5\x2f\xfd"), UNPACK),
    Foreign("a 7z archive", starts(b"7z\xbc\xaf\x27\x1c"), UNPACK),
    Foreign("a rar archive", starts(b"Rar!"), UNPACK),
    Foreign(
        "a Python pickle, which is never opened, since it may run any program",
        starts(*(b"\x80%c" % n for n in range(2, 6))),
    ),
    Foreign("an HDF5 file, as Keras writes", starts(b"\x89HDF\r\n\x1a\n")),
    Foreign("an ONNX model", lambda head: head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a")),
    Foreign("a NumPy array", starts(b"\x93NUMPY")),
    Foreign("an Arrow or Feather table", starts(b"ARROW1", b"FEA1"), "save the table as CSV or Parquet"),
    Foreign("an SQLite database", starts(b"SQLite format 3\0")),
    Foreign("an R data file", starts(b"RDX", b"RDA")),
    Foreign("an SPSS data file", starts(b"$FL2", b"$FL3")),
    Foreign("a Stata data file", starts(b"<stata_dta>")),
    Foreign("a Weka data set (ARFF)", _matches(rb"(?:\s*%[^\n]*\n)*\s*@relation\b")),
    Foreign("a LIBSVM data set", _matches(rb"[-+]?[0-9.]+(?:,[0-9]+)*(?: +[0-9]+:[-+0-9.e]+)+\s*\n")),
    Foreign(
        "a database dump",
        _matches(rb"\s*(?:-- |/\*|(?:create|drop) table |insert into |pragma \w+|begin transaction;|set \w+ *=)"),
    ),
    Foreign(
        "a table drawn by a database client",
        _matches(rb"\s*(?:\+-[-+]*-\+\s*\n\s*\||[^\n|]+(?:\|[^\n|]+)+\n-+(?:\+-+)+\s*\n)"),
        "export it as CSV (psql: \\copy … csv header; mysql: --batch)",
    ),
    Foreign(
        "a Python program",
        _matches(
            rb'#![^\n]*python|(?:\s|#[^\n]*\n|"""[^"]*""")*(?:import [\w.]+(?: as \w+)?\s*\n|from [\w.]+ import )'
        ),
    ),
    Foreign("a LaTeX document", _matches(rb"\s*(?:%[^\n]*\n\s*)*\\documentclass")),
    Foreign("a Markdown table", _matches(rb"\s*\|[^\n]*\|\s*\n\s*\|[-:| ]+\|\s*\n")),
    Foreign("a Git LFS pointer without its file", _matches(rb"version https://git-lfs"), "fetch it with git lfs pull"),
    Foreign("a PDF document", starts(b"%PDF")),
    Foreign("an HTML or XML page", lambda head: head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"),
    Foreign("a JSON file", _is_json),
    Foreign("a YAML file", _is_yaml),
)
"""Files that are neither tables nor, unless ``loading.READERS`` has them, networks."""


def foreign(head: bytes) -> Foreign | None:
    """Return the kind of file that its first bytes show, if it is a known one."""
    return next((each for each in FOREIGN if each.recognises(head)), None)
