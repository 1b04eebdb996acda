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
        - ``seed``: of the random weights. Giving the weights of one layer changes no other.

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
        drawn = _Drawn(network, seed)
        for layer in range(network.depth):
            matrix, own = parameters.weights(layer), parameters.biases(layer)
            if matrix.size:  # else the number of inputs is not known yet
                if drawn.matters(layer, weights[layer], biases[layer]):
                    matrix[:], own[:] = drawn.layer(layer)
                if weights[layer] is not None:
                    matrix[:] = _matrix(weights[layer], matrix.shape, f"layers[{layer + 1}].weights")
            if biases[layer] is not None:
                place = f"layers[{layer + 1}].bias"
                values = np.atleast_1d(numbers(biases[layer], f"{place}: expected {own.size} numbers"))
                if values.shape != own.shape:
                    raise InvalidArgument(f"{place}: expected {own.size} numbers, found {values.size}")
                own[:] = values
        parameters.require_finite()
        return parameters

    @staticmethod
    def random(network: Network, seed: int = 0) -> Parameters:
        """Return weights from each layer's initializer, and biases of zero unless it draws them too."""
        return Parameters.of(network, [None] * network.depth, seed=seed)


def grown(parameters: Parameters, before: Network, network: Network, seed: int) -> Parameters:
    """Return the parameters for a network whose number of inputs has become known: what was not given is drawn."""
    drawn, first = Parameters.random(network, seed), Parameters.random(before, seed)
    for layer in range(network.depth):
        for of in (Parameters.weights, Parameters.biases):
            given = of(parameters, layer)
            if given.shape == of(drawn, layer).shape and not np.array_equal(given, of(first, layer)):
                of(drawn, layer)[:] = given
    return drawn


class _Drawn:
    """The numbers that the initializers of a network's layers draw, layer after layer."""

    def __init__(self, network: Network, seed: int) -> None:
        self.network, self.seed = network, seed
        self.rules = [initializer(dense.init) for dense in network.layers]
        self.stream = random_state(seed) if any(rule.one_stream for rule in self.rules) else None

    def matters(self, layer: int, weights: Any, biases: Any) -> bool:
        """Return whether something must be drawn for a layer for which this is given."""
        rule = self.rules[layer]
        return rule.one_stream or weights is None or (rule.of_biases is not None and biases is None)

    def layer(self, layer: int) -> tuple[Array, Array]:
        """Return the weights and biases of a layer."""
        rule, dense, inputs = self.rules[layer], self.network.layers[layer], self.network.sizes[layer]
        stream = self.stream if rule.one_stream else None
        generator = np.random.default_rng([self.seed, layer]) if stream is None else stream
        weights = rule.values(dense.size, inputs, generator)
        return weights, rule.biases(dense.biases, dense.size, inputs, generator)


MOST_OF_RANDOM_STATE = 2**32 - 1


def random_state(seed: int) -> np.random.RandomState:
    """Return NumPy's former generator, which scikit-learn draws from, for a seed."""
    if seed > MOST_OF_RANDOM_STATE:
        raise InvalidArgument(
            f"seed: scikit-learn's random numbers take at most {MOST_OF_RANDOM_STATE:,}, found {seed:,}"
        )
    return np.random.RandomState(seed)


def after_drawing(network: Network, seed: int) -> np.random.RandomState:
    """Return the generator as scikit-learn has it once it has drawn all initial weights and biases."""
    generator = random_state(seed)
    generator.random_sample(network.parameter_count)
    return generator


def _matrix(given: Any, shape: tuple[int, ...], place: str) -> Array:
    """Return a weight matrix; refuse one of another shape."""
    matrix = numbers(given, f"{place}: expected rows of numbers, all of the same length")
    if matrix.shape != shape:
        transposed = "; it looks transposed" if matrix.shape == shape[::-1] else ""
        raise InvalidArgument(
            f"{place}: expected shape {shape}, one row per unit and one column per input of the layer, "
            f"found {matrix.shape}{transposed}"
        )
    return matrix
