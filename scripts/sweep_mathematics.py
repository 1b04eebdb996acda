"""Find the largest errors of the engine's functions over all single-precision numbers.

    .venv/test/bin/python scripts/sweep_mathematics.py                       every function, with FMA and without; hours
    .venv/test/bin/python scripts/sweep_mathematics.py logistic --step 101   one of them, every 101st number

The tests look at every thousandth number; the errors they allow, and the table in `engine/mathematics`, come from
this sweep.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.engine.support.accuracy import FUNCTIONS, ONE_EACH, SINGLES, TREES, longer, ulps
from tests.engine.support.compiled import compiled

from clearprop.expressions import evaluate

PART = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("functions", nargs="*", choices=[[], *FUNCTIONS], help="default: all")
    parser.add_argument("--step", type=int, default=1, help="look at every N-th number")
    parser.add_argument("--fma", choices=["yes", "no"], help="default: both")
    given = parser.parse_args()
    names = given.functions or FUNCTIONS
    for kind in [kind for kind in ONE_EACH if kind in SINGLES]:
        if given.fma is not None and kind.fma != (given.fma == "yes"):
            continue
        run = compiled(kind, ["z"], [TREES[name] for name in names])
        worst = dict.fromkeys(names, (0.0, 0.0))
        for start in range(0, 2**32, PART * given.step):
            bits = np.arange(start, min(start + PART * given.step, 2**32), given.step, dtype=np.uint64)
            at = bits.astype(np.uint32).view(np.float32)
            exact = longer(at, float)
            for name, found in zip(names, run(at), strict=True):
                off = ulps(found, evaluate(TREES[name], {"z": exact}))
                worst[name] = max(worst[name], (float(off.max()), float(at[off.argmax()])))
        for name, (error, place) in worst.items():
            print(f"{kind}, {'FMA' if kind.fma else 'no FMA'}: {name:9} {error:.3f} ulp at {place!r}", flush=True)


if __name__ == "__main__":
    main()
