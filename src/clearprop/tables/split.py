"""Split rows into those to train on and those to validate on."""

from __future__ import annotations

import numpy as np

from clearprop.types import Array


def split(rows: Array, share: float, seed: int, classes: Array | None = None) -> tuple[Array, Array]:
    """Return the rows to train on and those to validate on, each in order; a function of the arguments alone.

    ``rows`` are in order too. ``classes`` has a whole number for each of them: every class gives its
    share, by largest remainder, and keeps at least one row to learn from.

    >>> learnt, aside = split(np.arange(10), 0.3, seed=0, classes=np.arange(10) % 2)
    >>> len(learnt), len(aside)
    (7, 3)
    """
    order = np.random.default_rng([seed, 2]).permutation(len(rows))
    wanted = min(round(share * len(rows)), len(rows) - 1)
    if classes is None:
        aside = order[:wanted]
    else:
        members = [order[classes[order] == kind] for kind in np.unique(classes)]
        quotas = _quotas([len(each) for each in members], share, wanted)
        aside = np.concatenate([each[:quota] for each, quota in zip(members, quotas, strict=True)])
    aside = rows[np.sort(aside)]
    return np.setdiff1d(rows, aside, assume_unique=True), aside


def _quotas(sizes: list[int], share: float, wanted: int) -> list[int]:
    """Return how many of each class are set aside: its share rounded down, and one more where the remainder
    is largest, until there are as many as wanted."""
    exact = np.array(sizes) * share
    quotas = np.floor(exact).astype(int)
    for kind in np.argsort(quotas - exact, kind="stable"):
        if quotas.sum() < wanted and quotas[kind] < sizes[kind] - 1:
            quotas[kind] += 1
    return [min(int(quota), size - 1) for quota, size in zip(quotas, sizes, strict=True)]
