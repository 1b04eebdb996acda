"""Measure a large table: seconds to read and to train on it, and memory per row.

    scripts/test --setup-only && .venv/test/bin/python benchmarks/tables.py [--rows N] [--columns N]

Writes a CSV file of random numbers into a temporary folder (263 MB by default) and trains on it for
one epoch with ``clearprop train``, as a process. Memory is the peak of that process minus that of
the same training on a thousand rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.measure import process

NETWORK = """\
inputs.count = {columns}
layers = [{{ units = 32, activation = "relu" }}, {{ units = 1 }}]
optimizer.name = "adam"
data = {{ file = "{file}", target = "y", standardize = true }}
training = {{ batch_size = 256, epochs = 1 }}
"""


def write(folder: Path, rows: int, columns: int) -> Path:
    """A table whose target is the sum of its first three columns, with some noise; its network file."""
    rng = np.random.default_rng(0)
    table = folder / f"{rows}.csv"
    with table.open("w") as file:
        file.write(",".join([*(f"c{index}" for index in range(columns)), "y"]) + "\n")
        for start in range(0, rows, 10_000):
            x = rng.normal(size=(min(10_000, rows - start), columns))
            y = x[:, :3].sum(axis=1) + 0.1 * rng.normal(size=len(x))
            np.savetxt(file, np.column_stack([x, y]), fmt="%.5f", delimiter=",")
    net = folder / f"{rows}.toml"
    net.write_text(NETWORK.format(columns=columns, file=table.name))
    return net


def main() -> None:
    """Print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = (write(folder, rows, given.columns) for rows in (1_000, given.rows))
        size = (folder / f"{given.rows}.csv").stat().st_size
        base, done = (process([sys.executable, "-m", "clearprop", "train", net]) for net in (small, large))
    print(done.errors)
    columns, per_row = given.columns + 1, (done.peak - base.peak) / given.rows
    print(f"{given.rows:,} rows of {columns} columns, {size / 1e6:,.0f} MB: {done.seconds:.1f} s in all;")
    peak = f"peak {done.peak / 1e6:,.0f} MB"
    print(f"{peak}, {per_row:,.0f} bytes for each row, {per_row / columns:.1f} for each cell")


if __name__ == "__main__":
    main()
