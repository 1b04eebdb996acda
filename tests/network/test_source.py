"""The text of a network file: files that cannot be opened, text that is not TOML."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.network.files import LECTURE_FILE, ONE

import clearprop as cp
from clearprop.errors import UnreadableFile
from clearprop.network.source import require_shallow


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[inputs]\nnames = ["a",\n', "line 2, the end of the file: "),
        ("[inputs]\ncount = \n", "line 2, column 9: invalid value\n  count = "),
        (
            "[inputs]\ncount = 1\ncount = 2\n[[layers]]\n",
            "line 3, column 10: a key appears twice in this table; remove one\n  count = 2",
        ),
        ("a = 1\r\nb = '\r\n", "line 2, "),
        ("x = " + "9" * 5000 + "\n", ""),
    ],
)
def test_broken_toml_says_the_line(text: str, message: str) -> None:
    with pytest.raises(UnreadableFile) as error:
        cp.read(text, "net.toml")
    assert str(error.value).startswith(f"net.toml: not valid TOML: {message}")
    assert len(str(error.value)) < 500


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    with pytest.raises(UnreadableFile, match=r"loop\.toml: cannot be read: Too many levels of symbolic links"):
        cp.load(str(loop))
    with pytest.raises(UnreadableFile, match="cannot be read: File name too long"):
        cp.load("x" * 5000 + ".toml")
    with pytest.raises(UnreadableFile, match="no such file, and unknown example"):
        cp.load("x" * 5000)
    with pytest.raises(UnreadableFile, match="cannot be read: embedded null byte"):
        cp.load("x\0.toml")
    with pytest.raises(UnreadableFile, match="no such file"):
        cp.load(str(tmp_path / "a" / "b.toml"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="only a user without all rights is refused a file")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(ONE)
    path.chmod(0)
    with pytest.raises(UnreadableFile, match=r"net\.toml: cannot be read: Permission denied"):
        cp.load(str(path))


def test_a_byte_order_mark_and_other_line_ends_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(b"\xef\xbb\xbf" + LECTURE_FILE.replace("\n", "\r\n").encode())
    assert cp.load(path) == cp.load("lecture")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; `clearprop examples lecture` prints one to start from"),
        (b"  \n", "the file is empty; `clearprop examples lecture` prints one to start from"),
        (b"\xff\xfe\x00", "not a text file in UTF-8: byte 1, line 1, cannot be read"),
        (b"a = 1\n\0", "a binary file, expected TOML text"),
        (b"[inputs]\nnames = [\n\n[[layers", "not valid TOML: "),
        (b"[inputs\n", "not valid TOML: line 1, column 8: expected ']' at the end of a table declaration\n  [inputs"),
        (b"x = " + b"[" * 100_000, "not valid TOML: nested too deeply"),
    ],
)
def test_what_is_not_a_network_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as error:
        cp.load(str(path))
    assert str(error.value).startswith(f"{path}: {message}")


def test_missing_files_folders_and_names(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"none\.toml: no such file"):
        cp.load(str(tmp_path / "none.toml"))
    with pytest.raises(UnreadableFile, match="expected a network file, found a folder"):
        cp.load(str(tmp_path))
    with pytest.raises(UnreadableFile, match='"lectur": no such file, and unknown example "lectur"; did you mean'):
        cp.load("lectur")
    big = tmp_path / "big.toml"
    with big.open("wb") as file:
        file.truncate(300 * 2**20)
    with pytest.raises(UnreadableFile, match="larger than 256 MB, too large for a network file"):
        cp.load(str(big))


@pytest.mark.parametrize(
    "key",
    [
        ".".join("a" * 20_000) + " = 1",
        "[" + " . ".join(["'b.b'", '"c"', "é"] * 12) + "]",
        "x = {" + ".".join("a" * 34) + " = 1}",
        'x = "\\""\n' + ".".join("a" * 34) + " = 1",
        "x = '''\n''\n'''\n" + ".".join("a" * 34) + " = 1",
    ],
    ids=["thousands", "quoted", "inline", "after text", "after lines of text"],
)
def test_a_key_of_many_parts_is_refused_before_it_takes_memory(key: str) -> None:
    with pytest.raises(UnreadableFile) as error:
        cp.read(key, "net.toml")
    line = key.count("\n") + 1
    found = f"net.toml: not valid TOML: line {line}: a key has more than 33 parts between points"
    assert str(error.value).startswith(found)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    ["." * 500_000, 'x = "' + '\\"' * 300_000, "'" * 500_001, "a ." * 33 + " " * 500_000, 'x = "' + "a." * 99 + '"'],
    ids=["points", "quotes in quotes", "quotes", "blanks", "text"],
)
def test_other_text_is_looked_through_once(text: str) -> None:
    """Neither refused here, nor looked through again from every place in it."""
    require_shallow(text, "net.toml")
