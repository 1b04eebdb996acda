"""Rows: what is trained or predicted, the same for every contender."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Literal

Kind = Literal["logistic", "relu"]
"""``logistic``: logistic units throughout, half squared error, SGD.
``relu``: relu units, softmax with categorical cross-entropy, Adam."""


@dataclass(frozen=True)
class Training:
    """A network trained on ``rows`` examples, ``batch`` at a time, in another order in every epoch.

    The error is summed over outputs and averaged over the examples of a batch. ``aim`` is how many times as fast as
    the best peer clearprop is meant to be.

    >>> Training((64, 32, 10), 32, 6400).name
    '64-32-10, batch 32'
    >>> Training((64, 32, 10), 32, 6400, kind="relu", rate=1e-4).name
    '64-32-10, batch 32, relu, Adam at 0.0001'
    """

    sizes: tuple[int, ...]
    batch: int
    rows: int
    aim: float | None = None
    kind: Kind = "logistic"
    rate: float = 0.05

    def __post_init__(self) -> None:
        if self.rows % self.batch:
            raise ValueError(f"rows: expected whole batches of {self.batch}, found {self.rows} rows")

    @property
    def name(self) -> str:
        """Sizes and batch; the learning rate where it decides whether float32 agrees with float64."""
        sizes = "-".join(map(str, self.sizes))
        return f"{sizes}, batch {self.batch}" + (f", relu, Adam at {self.rate:g}" if self.kind == "relu" else "")

    @property
    def units(self) -> int:
        """Steps of an epoch."""
        return self.rows // self.batch

    @property
    def flops(self) -> int:
        """Multiplications and additions of a step's products.

        6·B·Σ n_in·n_out - 2·B·n_0·n_1: each layer has three products of 2·B·n_in·n_out, forward, for the
        weights' gradient and for the inputs' gradient, but nobody asks for the gradient of the first layer's
        inputs. Activations, errors and updates are not counted.
        """
        return 6 * self.batch * products(self.sizes) - 2 * self.batch * self.sizes[0] * self.sizes[1]


@dataclass(frozen=True)
class Prediction:
    """Outputs of a relu network with softmax, for some rows in one call from Python: an array in, an array out.

    >>> Prediction((64, 128, 10), 1).name
    'predict 64-128-10, 1 row'
    """

    sizes: tuple[int, ...]
    rows: int
    aim: float | None = 1.2

    @property
    def name(self) -> str:
        """Sizes and rows."""
        return f"predict {'-'.join(map(str, self.sizes))}, {self.rows:,} row{'s' if self.rows > 1 else ''}"

    @property
    def units(self) -> int:
        """A round may be of one call."""
        return 1

    @property
    def flops(self) -> int:
        """2·B·Σ n_in·n_out."""
        return 2 * self.rows * products(self.sizes)


Task = Training | Prediction


def products(sizes: tuple[int, ...]) -> int:
    """Multiplications of an example's forward pass."""
    return sum(inputs * units for inputs, units in pairwise(sizes))


TASKS: tuple[Task, ...] = (
    Training((2, 2, 2), 1, 2_000, 3.0),
    Training((4, 16, 16, 3), 32, 6_400, 3.0),
    Training((64, 32, 10), 32, 6_400, 3.0),
    Training((30, 64, 64, 1), 64, 12_800, 3.0),
    Training((64, 128, 128, 10), 128, 12_800, 2.5),
    Training((784, 128, 64, 10), 128, 12_800, 1.5),
    Training((784, 512, 512, 10), 256, 12_800, 1.5),
    Training((1024, 1024, 1024, 1024), 512, 5_120, 1.2),
    Training((64, 100, 10), 200, 20_000, 1.5, "relu", 1e-3),  # scikit-learn's own defaults
    # At 1e-3 an epoch takes every library's float32 farther from float64 than may count as the same work.
    Training((64, 256, 256, 256, 10), 256, 12_800, 1.2, "relu", 1e-4),
    Training((784, 512, 512, 10), 128, 12_800, 1.2, "relu", 1e-4),
    *(Prediction(sizes, rows) for sizes in ((64, 128, 10), (784, 128, 64, 10)) for rows in (1, 100_000)),
)
PROMPTS = ("iris", "digits")


@dataclass(frozen=True)
class Sweep:
    """Rows along one axis, by size: one size changes, the others stay."""

    axis: str
    points: dict[int, Training]


SWEEPS = {
    "width": Sweep(
        "units of both hidden layers (64-w-w-10, batch 128)",
        {w: Training((64, w, w, 10), 128, 6_400) for w in (8, 16, 32, 64, 128, 256, 512, 1024)},
    ),
    "depth": Sweep(
        "hidden layers of 64 units (64-64-…-10, batch 64)",
        {d: Training((64, *[64] * d, 10), 64, 3_200) for d in (1, 2, 3, 4, 6, 8, 10)},
    ),
    "batch": Sweep(
        "examples of a batch (64-64-64-10)",
        {b: Training((64, 64, 64, 10), b, b * max(50, 1024 // b)) for b in (2**power for power in range(11))},
    ),
    "rows": Sweep(
        "rows of data (30-64-64-1, batch 50)",
        {n: Training((30, 64, 64, 1), 50, n) for n in (1_000, 10_000, 100_000, 400_000)},
    ),
}


def chosen(name: str, pattern: str) -> bool:
    """Whether a pattern of the shell is found in a name, or one of several with bars between them.

    >>> chosen("predict 64-128-10, 1 row", "64-*row"), chosen("prompt iris", "digits|xor")
    (True, False)
    """
    return any(fnmatchcase(name.lower(), f"*{each.lower()}*") for each in pattern.split("|"))
