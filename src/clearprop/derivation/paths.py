"""The largest paths: the k largest contributions to one gradient, exactly.

A path runs from a parameter through one unit per layer to one error; its contribution is the
product of the local derivatives along it, and the gradient is the sum over all paths. Their
number is the product of the layers' widths, so they are never enumerated: since the
size of a product is monotone in the size of its rest, the k largest continuations of each
unit are all that the layer before needs (dynamic programming, layers × k × width² work).
A statement about one example; the penalty has no path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.derivation.chain import Chain
from clearprop.derivation.split import slopes
from clearprop.network import names as q
from clearprop.network.names import Quantity
from clearprop.types import Array


@dataclass(frozen=True)
class Path:
    """``units`` lists the unit of each layer from the parameter on; ``error`` is the index of E_k."""

    error: int
    layer: int
    units: tuple[int, ...]
    contribution: float

    def quantities(self) -> tuple[Quantity, ...]:
        """Return the outputs that the path runs through, and its error."""
        outputs = [q.Output(self.layer + step, unit) for step, unit in enumerate(self.units)]
        return (*outputs, q.Error(self.error))


def largest_paths(chain: Chain, index: int, count: int) -> tuple[Path, ...]:
    """Return the ``count`` largest contributions, by size, to the gradient of one parameter.

    Ties go to the path that comes first, unit by unit.
    """
    layer, starts = chain.cycle.parameters.layout.place(index).layer, list(chain.link.formulas.units(index))
    values, choices = _tables(chain, layer, count)
    first = np.array([chain.link(q.Sum(layer, u), q.Parameter(index)).value for u in starts])
    products = first[:, None] * values[0][starts]
    order = np.argsort(-np.abs(products).ravel(), kind="stable")[:count]
    paths = []
    for flat in order:
        start, rank = divmod(int(flat), products.shape[1])
        units, at = [starts[start]], rank
        for step in range(chain.last - layer):
            unit, at = (int(c) for c in choices[step][units[-1], at])
            units.append(unit)
        error = int(choices[-1][units[-1], at][0])
        contribution = float(products[start, rank])
        if np.isfinite(contribution):
            paths.append(Path(error, layer, tuple(units), contribution))
    return tuple(paths)


def _tables(chain: Chain, first: int, count: int) -> tuple[list[Array], list[Array]]:
    """For every layer from ``first`` on, the ``count`` largest products from each unit's sum on to
    an error (shape units × ranks), and for each the next unit and its rank there."""
    ends = chain.split.by_sum[chain.last].T
    if chain.scalar_output:
        # There is no path from an output to another output's error.
        ends = np.where(np.eye(len(ends), dtype=bool), ends, np.nan)
    values, choices = _best(ends, count)
    all_values, all_choices = [values], [choices]
    for layer in reversed(range(first, chain.last)):
        onward = chain.cycle.parameters.weights(layer + 1).T  # (units here, units of the next layer)
        links = slopes(chain.split.trace, layer).T @ onward
        products = (links[:, :, None] * all_values[0][None]).reshape(len(links), -1)
        values, flat = _best(products, count)
        ranks = all_values[0].shape[1]
        all_values.insert(0, values)
        all_choices.insert(0, np.stack(np.divmod(flat[..., 0], ranks), axis=-1))
    return all_values, all_choices


def _best(products: Array, count: int) -> tuple[Array, Array]:
    """Return per row the largest entries by size, in order, and their columns."""
    count = min(count, products.shape[1])
    order = np.argsort(-np.abs(products), axis=1, kind="stable")[:, :count]
    return np.take_along_axis(products, order, axis=1), order[..., None]
