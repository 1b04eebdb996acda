"""The numbers of a network: one flat vector, with a view for every matrix and a name for every entry.

Everything that computes, trains, saves or explains a network is handed this one vector; ``layout`` says how it is
divided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.errors import InvalidArgument, UnknownName
from clearprop.fields import accepted, integer, list_of, of_kind, optional, shown, string, suggests_options
from clearprop.network.arrays import numbers
from clearprop.network.description import Network
from clearprop.network.layout import Layout
from clearprop.rules.initializers import initializer
from clearprop.types import Array


@suggests_options()
@dataclass(frozen=True, eq=False)
class Parameters:
    """The weights and biases of a network, or one number for each: gradients, moments, new values.

    - ``layout``: the place and name of each, as ``Network.layout`` has it.
    - ``vector``: the numbers, shape (``layout.size``,).

    A weight matrix has one row per unit of its layer and one column per input of it.

    >>> from clearprop.network.description import Network
    >>> from clearprop.network.layer import Dense
    >>> net = Network(inputs=2, layers=[Dense(2, "logistic", bias="shared")])
    >>> p = Parameters.of(net, weights=[[[0.1, 0.3], [0.2, 0.4]]], biases=[0.25])
    >>> p["w2"], p.weights(0).shape
    (0.3, (2, 2))
    """

    layout: Layout
    vector: Array

    def __post_init__(self) -> None:
        layout, vector = (getattr(self, name) for name in ("layout", "vector"))
        if not isinstance(layout, Layout) or not isinstance(vector, np.ndarray) or vector.dtype.kind != "f":
            raise InvalidArgument("Parameters: expected a network's layout and an array; see also Parameters.of")
        if vector.shape != (layout.size,):
            raise InvalidArgument(f"vector: expected {layout.size:,} numbers, found {shown(vector)}")

    def weights(self, layer: int) -> Array:
        """Return the weight matrix of a layer, a view of shape (units, inputs)."""
        shape = self.layout.sizes[layer + 1], self.layout.sizes[layer]
        return self.vector[self.layout.weights[layer]].reshape(shape)

    def biases(self, layer: int) -> Array:
        """Return the biases of a layer, a view of shape (units,), (1,) if shared, (0,) if there are none."""
        return self.vector[self.layout.biases[layer]]

    def __getitem__(self, name: str) -> float:
        index = self.layout.find(accepted(string, name, "name"))
        if index is None:
            raise UnknownName("parameter", name, self.layout.names())
        return float(self.vector[index])

    def __iter__(self) -> Iterator[str]:
        return self.layout.names()

    def __len__(self) -> int:
        return self.layout.size

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameters):
            return NotImplemented
        return self.layout == other.layout and np.array_equal(self.vector, other.vector)

    __hash__ = None  # type: ignore[assignment]

    def items(self) -> Iterator[tuple[str, float]]:
        """Yield each name with its number."""
        return zip(self.layout.names(), self.vector.tolist(), strict=True)

    def with_vector(self, vector: Array) -> Parameters:
        """Return other numbers in the same places."""
        return Parameters(self.layout, vector)

    def require_finite(self, hint: str = "") -> None:
        """Refuse a number that is not finite, by its name; ``hint`` completes the message."""
        unfit = np.flatnonzero(~np.isfinite(self.vector))
        if unfit.size:
            raise InvalidArgument(f"the value of {self.layout.name(int(unfit[0]))} is not a finite number{hint}")

    @staticmethod
    def of(
        network: Network, weights: Sequence[Any], biases: Sequence[Any] | None = None, *, seed: int = 0
    ) -> Parameters:
        """Return parameters made of matrices and biases; weights that are not given are drawn at random.

        - ``weights``: for each layer a matrix of shape (units, inputs), one row per unit, or None to draw it.
        - ``biases``: for each layer a list with one bias per unit, a number for a shared one, or None for zeros.
        - ``seed``: of the random weights. Each layer draws from a separate stream, so that giving the weights of one
          layer changes no other.

        Raises:
            InvalidArgument: a matrix of the wrong shape, or a number that is not finite.
        """
        accepted(of_kind(Network, "a Network"), network, "network")
        entries = list_of(lambda each: each, "what each layer has")
        weights, biases = accepted(entries, weights, "weights"), accepted(optional(entries), biases, "biases")
        seed = accepted(integer(0), seed, "seed")
        layout = network.layout
        parameters = Parameters(layout, np.zeros(layout.size))
        biases = [None] * network.depth if biases is None else biases
        if len(weights) != network.depth or len(biases) != network.depth:
            raise InvalidArgument(
                f"expected weights and biases for {network.depth} layers, found {len(weights)} and {len(biases)}"
            )
        for layer, dense in enumerate(network.layers):
            matrix = parameters.weights(layer)
            if not matrix.size:
                pass  # the number of inputs is not known yet
            elif weights[layer] is None:
                generator = np.random.default_rng([seed, layer])
                matrix[:] = initializer(dense.init).values(dense.size, layout.sizes[layer], generator)
            else:
                matrix[:] = _matrix(weights[layer], matrix.shape, f"layers[{layer + 1}].weights")
            if biases[layer] is not None:
                place, own = f"layers[{layer + 1}].bias", parameters.biases(layer)
                values = np.atleast_1d(numbers(biases[layer], f"{place}: expected {own.size} numbers"))
                if values.shape != own.shape:
                    raise InvalidArgument(f"{place}: expected {own.size} numbers, found {values.size}")
                own[:] = values
        parameters.require_finite()
        return parameters

    @staticmethod
    def random(network: Network, seed: int = 0) -> Parameters:
        """Return weights from each layer's initializer, and biases of zero."""
        return Parameters.of(network, [None] * network.depth, seed=seed)


def grown(parameters: Parameters, network: Network, seed: int) -> Parameters:
    """Return the parameters for a network whose number of inputs has become known: weights from them are drawn."""
    drawn = Parameters.random(network, seed)
    for layer in range(network.depth):
        drawn.biases(layer)[:] = parameters.biases(layer)
        if layer:
            drawn.weights(layer)[:] = parameters.weights(layer)
    return drawn


def _matrix(given: Any, shape: tuple[int, ...], place: str) -> Array:
    """Return a weight matrix; refuse one of another shape."""
    matrix = numbers(given, f"{place}: expected rows of numbers, all as long as each other")
    if matrix.shape != shape:
        transposed = "; it looks transposed" if matrix.shape == shape[::-1] else ""
        raise InvalidArgument(
            f"{place}: expected shape {shape}, one row per unit and one column per input of the layer, "
            f"found {matrix.shape}{transposed}"
        )
    return matrix
