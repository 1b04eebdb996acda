"""Read a table from a CSV or Parquet file."""

from __future__ import annotations

from pathlib import Path

from clearprop.network.source import readable
from clearprop.tables.csv_file import ReadingProgress, read_csv
from clearprop.tables.parquet import is_parquet, read_parquet
from clearprop.tables.table import Table, Wanted


def read_table(path: Path, wanted: Wanted, progress: ReadingProgress | None = None) -> Table:
    """Return the wanted columns of a CSV or Parquet file, recognised by its first bytes or its name."""
    with readable(path, "a table"):
        whole = path.is_file() or not path.exists()  # a pipe can be read once, and only forwards
        if path.suffix.lower() in (".parquet", ".pq") or (whole and is_parquet(path)):
            return read_parquet(path, wanted)
        return read_csv(path, wanted, progress)
