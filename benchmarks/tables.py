"""Measure a large table: seconds to read it and to train on it, and memory per row; pandas reads it too.

    scripts/test --setup-only && .venv/test/bin/python benchmarks/tables.py [--rows N] [--columns N]

Writes a CSV file of random numbers into a temporary folder (263 MB by default) and trains on it for
one epoch with ``clearprop train``, as a process. Memory is the peak of a process minus that of the
same work on a thousand rows.
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


WORK = {
    "clearprop reads": ["-c", "import clearprop, sys; clearprop.load(sys.argv[1])", "{net}"],
    "pandas reads": ["-c", "import pandas, sys; pandas.read_csv(sys.argv[1])", "{table}"],
    "clearprop reads and trains": ["-m", "clearprop", "train", "{net}", "--quiet"],
}


def main() -> None:
    """Print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        nets = [write(Path(name), rows, given.columns) for rows in (1_000, given.rows)]
        size, columns = nets[1].with_suffix(".csv").stat().st_size, given.columns + 1
        print(f"{given.rows:,} rows of {columns} columns, {size / 1e6:,.0f} MB; {4 * columns} bytes a row in float32")
        for what, line in WORK.items():
            base, done = (
                process([sys.executable, *(each.format(net=net, table=net.with_suffix(".csv")) for each in line)])
                for net in nets
            )
            per_row = (done.peak - base.peak) / given.rows
            print(f"{what}: {done.seconds:.1f} s, {per_row:,.0f} bytes a row ({per_row / (4 * columns):.2f} times)")


if __name__ == "__main__":
    main()
