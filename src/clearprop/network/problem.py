"""A problem: a network, its parameters, and how to train it; the content of a network file.

``fitted`` is set once a table has been read for it, or a model that was trained on one.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import numpy as np

from clearprop.display import Displayable
from clearprop.errors import InvalidArgument, InvalidNetwork
from clearprop.fields import (
    BOOLEANS,
    Unexpected,
    above_zero,
    at_least_zero,
    boolean,
    check_fields,
    either,
    integer,
    number,
    of_kind,
    one_of,
    optional,
    string,
    suggests_options,
)
from clearprop.messages import counted
from clearprop.network.data import Data, Fitted, class_names
from clearprop.network.description import Network
from clearprop.network.examples import Examples, example_faults
from clearprop.network.notation import DEFAULT, NOTATIONS, notation
from clearprop.network.parameters import Parameters
from clearprop.rules.optimizers import SGD, Optimizer
from clearprop.rules.penalties import Penalty
from clearprop.takes_examples import TakesExamples

AN_OPTIMIZER = "an optimizer, such as Adam(0.01)"
EXAMPLES = "Examples, such as Examples.of(inputs, targets) gives"
Precision = Literal["float32", "float64"]
EpochLoss = Literal["batches", "exact"]
Convergence = Literal["change", "improvement"]
if TYPE_CHECKING:
    from clearprop.network.names import Names

    Shuffle = bool | Literal["sklearn"] | np.random.RandomState
else:
    Shuffle = Any  # fields are checked by what their types say: numpy.random is not loaded to say it


def shuffling(value: Any) -> Shuffle:
    """Accept whether examples are shuffled, or ``"sklearn"``: as scikit-learn does it. From Python, its generator too,
    in the state in which it draws the first order."""
    if isinstance(value, BOOLEANS):
        return bool(value)
    if isinstance(value, str) and value == "sklearn":
        return "sklearn"
    if isinstance(value, np.random.RandomState):
        return value
    raise Unexpected('true, false or "sklearn"')


@suggests_options()
@dataclass(frozen=True)
class Settings:
    """Settings of training and of its end: the ``[training]`` table.

    Training has converged once the loss changes by at most ``tolerance`` (for a table, times the loss
    before training) in each of ``patience`` epochs, or once the norm of the gradient is at most
    ``gradient_tolerance``. With ``early_stopping`` it also ends when the validation loss has not improved for
    ``patience`` epochs, and keeps the best weights. A ``tolerance`` of 0 never stops early.

    With the convergence ``"improvement"`` both are one: training ends once the loss (of the rows set aside, if any)
    has not been lower than the lowest so far by ``tolerance`` for ``patience`` epochs, as in scikit-learn.

    ``shuffle`` draws a new order of the examples for each epoch; ``"sklearn"`` the orders that scikit-learn's MLPs have
    with ``random_state`` as the seed.

    The loss of an epoch is measured over its ``"batches"``, each before its update; or the
    ``"exact"`` one, computed over all examples after it. Where one batch holds all examples it is always exact.

    Raises:
        InvalidArgument: an impossible value, naming the field.

    >>> Settings(epochs=-3)
    Traceback (most recent call last):
    clearprop.errors.InvalidArgument: epochs: expected a whole number of at least 0, found -3
    """

    epochs: Annotated[int | None, optional(integer(0))] = None
    batch_size: Annotated[int | None, optional(integer(1))] = None
    tolerance: Annotated[float, at_least_zero] = 1e-8
    patience: Annotated[int, integer(1)] = 10
    seed: Annotated[int, integer(0)] = 0
    shuffle: Annotated[Shuffle, shuffling] = True
    dtype: Annotated[Precision, either(*get_args(Precision))] = "float32"
    target_loss: Annotated[float | None, optional(number)] = None
    time_limit: Annotated[float | None, optional(above_zero)] = None
    gradient_tolerance: Annotated[float, at_least_zero] = 0.0
    early_stopping: Annotated[bool, boolean] = True
    convergence: Annotated[Convergence, either(*get_args(Convergence))] = "change"
    loss: Annotated[EpochLoss, either(*get_args(EpochLoss))] = "batches"

    def __post_init__(self) -> None:
        check_fields(self)


@suggests_options()
@dataclass(frozen=True, repr=False)
class Problem(Displayable, TakesExamples):
    """A network with its parameters, optimizer, penalty, examples and settings.

    Raises:
        InvalidNetwork: examples that do not fit the network or its loss.
    """

    network: Annotated[Network, of_kind(Network, "a Network")]
    # Drawn at random unless given.
    parameters: Annotated[Parameters, optional(of_kind(Parameters, "Parameters"))] = None  # type: ignore[assignment]
    optimizer: Annotated[Optimizer, of_kind(Optimizer, AN_OPTIMIZER)] = field(default_factory=SGD)
    penalty: Annotated[Penalty, of_kind(Penalty, "a Penalty, such as Penalty(l2=0.1)")] = field(default_factory=Penalty)
    examples: Annotated[Examples | None, optional(of_kind(Examples, EXAMPLES))] = None
    settings: Annotated[Settings, of_kind(Settings, "Settings")] = field(default_factory=Settings)
    data: Annotated[Data | None, optional(of_kind(Data, "Data"))] = None
    notation: Annotated[str, one_of("notation", NOTATIONS)] = DEFAULT
    name: Annotated[str, string] = field(default="the network", compare=False)
    fitted: Annotated[Fitted | None, optional(of_kind(Fitted, "Fitted"))] = None
    title: Annotated[str, string] = ""
    # What was assumed or folded where it was read from another framework's file, also by a model here that was made
    # of one; at the head of explanations.
    remarks: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        check_fields(self)
        given: Parameters | None = self.parameters
        if given is None:
            object.__setattr__(self, "parameters", Parameters.random(self.network, self.settings.seed))
        elif given.layout.sizes != self.network.sizes or len(given) != self.network.parameter_count:
            found = "-".join(map(str, given.layout.sizes))
            raise InvalidArgument(f"parameters: expected those of {self.network!r}, found those of a network {found}")
        if self.examples is not None:
            sizes, rule = self.network.sizes, self.network.loss.rule
            faults = list(example_faults(self.examples, sizes[0], sizes[-1], rule))
            if faults:
                raise InvalidNetwork(faults, self.name)

    def with_parameters(self, parameters: Parameters) -> Problem:
        """Return the same problem with other parameters of its network; what is known to fit is not checked again."""
        found = copy(self)
        object.__setattr__(found, "parameters", parameters)
        return found

    @property
    def of_others(self) -> bool:
        """Whether it was read from another framework's file, not from a clearprop model made from one."""
        return self.remarks[:1] != () and self.remarks[0].startswith("from: ")

    def __repr__(self) -> str:
        examples = counted(0 if self.examples is None else len(self.examples), "example")
        return f"Problem({self.name}: {self.network!r}, {self.optimizer.name}, {examples})"

    @property
    def heading(self) -> str:
        """The heading of a page about it: its title in one line, else the name of its file without folders."""
        if title := " ".join("".join(c if c.isprintable() else " " for c in self.title).split()):
            return title
        path = PurePath(self.name)
        return path.name if path.suffix or path.is_absolute() else self.name

    @property
    def names(self) -> Names:
        """The names of its quantities."""
        from clearprop.network.names import Names  # not needed to train

        fitted, units = self.fitted, self.network.unit_names[-1]
        classes = None if fitted is None else fitted.classes
        of_classes = classes is not None and list(units) == class_names(classes)[-len(units) :]
        return Names(self.network, notation(self.notation), of_classes=of_classes)


a_problem = of_kind(Problem, "a Problem, such as load(path) gives")
