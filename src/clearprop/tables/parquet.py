"""Parquet files, read by polars (an extra)."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from clearprop.errors import MissingExtra, UnreadableFile
from clearprop.messages import abridged
from clearprop.tables.frames import from_frame
from clearprop.tables.storage import Storage
from clearprop.tables.table import Table, Wanted, few, notice

MAGIC = b"PAR1"
INDEX = re.compile(r"__index_level_[0-9]+__")
"""The names that pandas gives to the columns of an index without one."""

TRIAL = """
import sys
try:
    import polars
except ImportError:
    sys.exit()
try:
    frame = polars.scan_parquet(sys.argv[1])
    for name in frame.collect_schema().names():
        frame.select(name).collect()
except polars.exceptions.PolarsError:
    pass  # one that can be explained
"""
"""Reads every column of a file, one by one."""


def read_parquet(path: Path, wanted: Wanted) -> Table:
    """Return the wanted columns of a Parquet file."""
    source = abridged(str(path), 200)
    if not is_parquet(path):
        raise UnreadableFile(f"{source}: not a Parquet file, or an incomplete one; a CSV file's name ends in .csv")
    if find_spec("polars") is None:
        raise MissingExtra("reading Parquet files", "polars", "data")
    trial = _trial(path)
    import polars  # while the other process does the same: that is most of its time
    from narwhals.exceptions import NarwhalsError

    if trial is not None and trial.wait() != 0:
        raise UnreadableFile(f"{source}: a damaged Parquet file: reading it fails; use another copy of it")
    damaged = (NarwhalsError, polars.exceptions.PolarsError, polars.exceptions.PanicException)
    try:
        frame = polars.scan_parquet(path)
        if wanted.others and (index := [name for name in frame.collect_schema().names() if INDEX.fullmatch(name)]):
            notice(f"{source}: left out as the index of a pandas data frame: {few(index)}")
            frame = frame.drop(index)
        return from_frame(frame, wanted, source, storage=Storage())
    except damaged as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise UnreadableFile(f"{source}: an incomplete Parquet file: {abridged(reason, 200)}") from None


def _trial(path: Path) -> subprocess.Popen[bytes] | None:
    """Start another process that ends well if it can read the file, or say why not.

    A damaged one may ask for more memory than there is: that ends the process that reads it, with all that it has.
    """
    if not sys.executable:
        return None
    # -P: what lies in the folder at hand is no library.
    line = [sys.executable, "-P", "-c", TRIAL, str(path.absolute())]
    return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def is_parquet(path: Path) -> bool:
    """Return whether the file begins and ends like a Parquet file."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0, 2)
        if file.tell() < 12:
            return False
        file.seek(-4, 2)
        return head == MAGIC and file.read(4) == MAGIC
