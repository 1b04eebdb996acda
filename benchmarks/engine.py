"""Compare the speed of training and prediction with PyTorch, JAX and scikit-learn.

    .venv/test/bin/python -m pip install '.[peers]'
    .venv/test/bin/python benchmarks/engine.py [--rows PATTERN] [--quick] [--json FILE [--resume]] [--table FILE]
    .venv/test/bin/python benchmarks/engine.py --sweep all --plot FILE

All get the same data, initial weights and order of rows, and gather their batches within the measured time.
Each library has one process for every number of threads; these take turns, round by round, and the next one
starts when the threads of the last are idle. Everyone's loss after the first epoch is compared with
clearprop's NumPy reference in float64. Libraries that are not installed are left out, with a notice. A whole
run takes about 20 minutes on two idle cores, a third of it compiling by PyTorch; --resume continues an
interrupted one.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # In place of this file's folder: the parts are named from above it.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from benchmarks.comparison.command import main

    sys.exit(main(__doc__ or ""))
