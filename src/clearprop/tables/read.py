"""Read a table from a CSV or Parquet file."""

from __future__ import annotations

from pathlib import Path

from clearprop.errors import UnreadableFile
from clearprop.messages import abridged
from clearprop.tables.csv_file import ReadingProgress, read_csv
from clearprop.tables.frames import is_parquet, read_parquet
from clearprop.tables.table import Table, Wanted


def read_table(path: Path, wanted: Wanted, progress: ReadingProgress | None = None) -> Table:
    """Return the wanted columns of a CSV or Parquet file, recognised by its first bytes or its name.

    Raises:
        UnreadableFile: missing, a folder, or not a table.
        UnfitTable: everything that is wrong with what it holds.
    """
    shown = abridged(str(path), 200)
    try:
        if path.is_dir():
            raise UnreadableFile(f"{shown}: expected a table, found a folder")
        if path.suffix.lower() in (".parquet", ".pq") or is_parquet(path):
            return read_parquet(path, wanted)
        return read_csv(path, wanted, progress)
    except FileNotFoundError:
        raise UnreadableFile(f"{shown}: no such file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableFile(f"{shown}: cannot be read: {reason}") from None
