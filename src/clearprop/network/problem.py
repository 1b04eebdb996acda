"""A problem: a network, its numbers, and how it is to be trained. What a network file holds.

``fitted`` is there once a table has been read for it, or a model that was trained on one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from clearprop.display import Displayable
from clearprop.errors import InvalidNetwork
from clearprop.network.data import Data, Fitted
from clearprop.network.description import Network
from clearprop.network.examples import Examples, example_faults
from clearprop.network.names import Names
from clearprop.network.notation import DEFAULT, notation
from clearprop.network.parameters import Parameters
from clearprop.rules.optimizers import SGD, Optimizer
from clearprop.rules.penalties import Penalty


@dataclass(frozen=True)
class Settings:
    """How training goes and when it stops: the ``[training]`` table.

    ``tolerance`` is the change of the loss per epoch below which, ``patience`` epochs in a
    row, training has converged, and ``gradient_tolerance`` the norm of the gradient below which
    it has. With ``early_stopping`` it also ends when the loss of the validation rows, if there
    are any, has not improved for ``patience`` epochs, and the best weights are kept. A
    ``tolerance`` of 0 never stops early.
    """

    epochs: int | None = None
    batch_size: int | None = None
    tolerance: float = 1e-8
    patience: int = 10
    seed: int = 0
    shuffle: bool = True
    dtype: Literal["float32", "float64"] = "float32"
    target_loss: float | None = None
    time_limit: float | None = None
    gradient_tolerance: float = 0.0
    early_stopping: bool = True


@dataclass(frozen=True)
class Problem(Displayable):
    """A network with its numbers, optimizer, penalty, examples and settings.

    Raises:
        InvalidNetwork: examples that do not fit the network or its loss.
    """

    network: Network
    parameters: Parameters = None  # type: ignore[assignment]  # drawn at random unless given
    optimizer: Optimizer = field(default_factory=SGD)
    penalty: Penalty = field(default_factory=Penalty)
    examples: Examples | None = None
    settings: Settings = field(default_factory=Settings)
    data: Data | None = None
    notation: str = DEFAULT
    name: str = field(default="the network", compare=False)
    fitted: Fitted | None = None

    def __post_init__(self) -> None:
        notation(self.notation)
        given: Parameters | None = self.parameters
        if given is None:
            object.__setattr__(self, "parameters", Parameters.random(self.network, self.settings.seed))
        if self.examples is not None:
            sizes, rule = self.network.sizes, self.network.loss.rule
            faults = list(example_faults(self.examples, sizes[0], sizes[-1], rule))
            if faults:
                raise InvalidNetwork(faults, self.name)

    @property
    def names(self) -> Names:
        """What its quantities are called."""
        return Names(self.network, notation(self.notation))
