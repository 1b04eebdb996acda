"""How fast the compiled engine trains and predicts beside PyTorch, JAX and scikit-learn.

    .venv/test/bin/python -m pip install 'clearprop[peers]'
    .venv/test/bin/python benchmarks/engine.py [--rows PATTERN] [--quick] [--json FILE [--resume]] [--table FILE]
    .venv/test/bin/python benchmarks/engine.py --sweep all --plot FILE

All get the same data, initial weights and order of the rows, and gather their batches while time is taken.
Each runs in processes of its own, one for every number of threads; these take turns, round by round, and
an idle one is waited for until it uses no processor. What everyone's first epoch makes of the loss is compared
with clearprop's NumPy in float64. What is not installed is left out, and said so. A whole run takes about
20 minutes on two quiet cores, a third of it compiling by PyTorch; with --resume it goes on where it was cut short.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # In place of this file's folder: the parts are named from above it.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from benchmarks.comparison.command import main

    sys.exit(main(__doc__ or ""))
