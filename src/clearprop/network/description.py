"""The description of a network: inputs, layers, loss. Frozen, and without numbers.

>>> net = Network(inputs=2, layers=[Dense(16, "relu"), Dense(3, "softmax")])
>>> net
Network(2-16-3: relu, softmax)
>>> net.loss.rule.name
'categorical_cross_entropy'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Annotated, Literal, get_args

from clearprop.cached import cached_property
from clearprop.display import Displayable
from clearprop.errors import Fault, InvalidNetwork
from clearprop.fields import accepted, boolean, check_fields, either, list_of, of_kind, optional, suggests_options
from clearprop.messages import abridged, counted
from clearprop.network.layer import MAX_UNITS, Dense
from clearprop.network.layout import Layout
from clearprop.network.name_checks import (
    Meanings,
    Places,
    count_or_names,
    duplicate_faults,
    form_faults,
    reserved_faults,
)
from clearprop.rules.fused import FUSED, AnyFused
from clearprop.rules.losses import LOSSES, Loss, loss
from clearprop.rules.other_names import loss_meant

MAX_LAYERS = 1_000
MAX_PARAMETERS = 200_000_000

Reduction = Literal["sum", "mean"]
OverExamples = Literal["sum", "mean", "weighted_mean"]
AUTO: Literal["auto"] = "auto"
"""As many inputs as the columns of a table will make."""


@suggests_options()
@dataclass(frozen=True)
class Objective:
    """The error that training minimises.

    - ``rule``: the loss of one output.
    - ``over_outputs``: whether the errors of an example's outputs are summed or averaged.
    - ``over_examples``: whether the errors of a batch's examples are summed or averaged. Each is multiplied by the
      example's weight; the mean divides by the number of examples, ``"weighted_mean"`` by the sum of their weights.
    - ``named``: whether the rule was chosen; if not, it may follow from the classes of a table.
    """

    rule: Annotated[Loss, of_kind(Loss, 'a loss, such as loss("huber") gives')]
    over_outputs: Annotated[Reduction, either(*get_args(Reduction))] = "sum"
    over_examples: Annotated[OverExamples, either(*get_args(OverExamples))] = "mean"
    named: Annotated[bool, boolean] = field(default=True, compare=False)

    def __post_init__(self) -> None:
        check_fields(self)


def usual_loss(layers: Sequence[Dense], *, classes: bool = False) -> Loss:
    """Return the loss of a network that names none; whether its targets are ``classes``, a table says."""
    if layers and layers[-1].rule.name == "softmax":
        return loss("categorical_cross_entropy")
    return loss("binary_cross_entropy" if classes and is_share(layers) else "half_squared_error")


def is_share(layers: Sequence[Dense]) -> bool:
    """Return whether the one output is between 0 and 1, as the share of a class is."""
    return bool(layers) and layers[-1].size == 1 and layers[-1].rule.bounds == (0.0, 1.0)


@suggests_options()
@dataclass(frozen=True, init=False, repr=False)
class Network(Displayable):
    """Inputs, layers and loss.

    - ``inputs``: the number of inputs, their names, or ``"auto"``: as many as the columns of a table make.
    - ``layers``: the layers, from the first hidden one to the outputs.
    - ``loss``: a name, an expression in y and t, a rule, or an ``Objective`` with its reductions; by default
      ``categorical_cross_entropy`` after softmax, ``binary_cross_entropy`` where one output between 0 and 1
      learns the two classes of a table, and ``half_squared_error`` otherwise.

    Raises:
        InvalidNetwork: everything that is wrong with it, at once.
    """

    inputs: int | tuple[str, ...] | Literal["auto"]
    layers: tuple[Dense, ...]
    loss: Objective

    def __init__(
        self,
        inputs: int | Sequence[str] | Literal["auto"],
        layers: Sequence[Dense],
        loss: str | Loss | Objective | None = None,
    ) -> None:
        layers = accepted(list_of(of_kind(Dense, "a layer, such as Dense(3)"), "layers"), layers, "layers")
        vars(self).update(  # a frozen object is filled once, here
            inputs=AUTO if isinstance(inputs, str) and inputs == AUTO else count_or_names(inputs, "inputs"),
            layers=tuple(layers),
            loss=_objective(loss, layers),
        )
        faults = list(self._shape_faults()) or list(self._meaning_faults())
        if faults:
            raise InvalidNetwork(faults)

    def __repr__(self) -> str:
        rules = ", ".join(layer.rule.name for layer in self.layers)
        return f"Network({'-'.join(map(str, self.sizes))}: {rules})"

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of inputs, then of the units of each layer."""
        inputs = self.inputs if isinstance(self.inputs, int) else 0 if self.inputs == AUTO else len(self.inputs)
        return (inputs, *(layer.size for layer in self.layers))

    @property
    def depth(self) -> int:
        """The number of layers that have weights."""
        return len(self.layers)

    @cached_property
    def parameter_count(self) -> int:
        """The number of weights and biases."""
        shapes = zip(self.sizes, self.layers, strict=False)
        return sum(layer.size * inputs + layer.biases for inputs, layer in shapes)

    @cached_property
    def layout(self) -> Layout:
        """The place and name of every weight and bias in the flat vector."""
        return Layout(self.layers, (self.input_names, *self.unit_names))

    @property
    def fused(self) -> AnyFused | None:
        """The loss and the output activation as one function, where they are a known pair."""
        return FUSED.get((self.loss.rule.name, self.layers[-1].rule.name))

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs: ``x1, x2, …`` unless given."""
        if isinstance(self.inputs, int):
            return tuple(f"x{i + 1}" for i in range(self.inputs))
        return () if isinstance(self.inputs, str) else self.inputs

    @cached_property
    def unit_names(self) -> tuple[tuple[str, ...], ...]:
        """The names of each layer's units: ``h1_1`` (layer, unit), in the last layer ``y1``, unless given."""
        letters = [*(f"h{number}_" for number in range(1, self.depth)), "y"]
        return tuple(
            tuple(f"{letter}{j + 1}" for j in range(layer.units)) if isinstance(layer.units, int) else layer.units
            for letter, layer in zip(letters, self.layers, strict=True)
        )

    @property
    def meanings(self) -> Meanings:
        """The meanings of the names of its quantities."""
        return Meanings(chain(*self.unit_names), lambda name: self.layout.find(name) is not None, self.sizes[-1])

    def _meaning_faults(self) -> Iterator[Fault]:
        yield from self._name_faults()
        if misfit := self.loss.rule.misfit(self.layers[-1].rule):
            yield Fault("loss", misfit)

    def _shape_faults(self) -> Iterator[Fault]:
        if not self.layers:
            yield Fault("layers", "a network needs at least one layer, found none")
            return
        if len(self.layers) > MAX_LAYERS:
            yield Fault("layers", f"at most {MAX_LAYERS} layers, found {len(self.layers)}")
        if not 1 <= self.sizes[0] <= MAX_UNITS and self.inputs != AUTO:
            yield Fault("inputs", f"expected 1 to {MAX_UNITS:,} inputs, found {self.sizes[0]:,}")
        if self.parameter_count > MAX_PARAMETERS:
            most = f"the {MAX_PARAMETERS:,} that fit; use fewer units"
            yield Fault("layers", f"{self.parameter_count:,} weights and biases are more than {most}")
        for index, layer in enumerate(self.layers):
            rows = layer.weight_names
            expected = f"{counted(layer.size, 'row')} of {counted(self.sizes[index], 'name')} (one row per unit)"
            if rows is not None and (len(rows) != layer.size or any(len(row) != self.sizes[index] for row in rows)):
                found = f"{counted(len(rows), 'row')} of {', '.join(sorted({str(len(row)) for row in rows}))}"
                yield Fault(f"layers[{index + 1}].weight_names", f"expected {expected}, found {found}")
            yield from self._bias_name_faults(index, layer)

    def _bias_name_faults(self, index: int, layer: Dense) -> Iterator[Fault]:
        names, place = layer.bias_names, f"layers[{index + 1}].bias_names"
        if names is None:
            return
        if layer.bias == "none":
            yield Fault(place, "the layer has no bias to name; remove bias_names, or give it a bias")
        elif layer.bias == "shared" and not isinstance(names, str):
            yield Fault(place, f"the layer shares one bias: expected one name, found {len(names)} in a list")
        elif layer.bias == "unit" and isinstance(names, str):
            yield Fault(place, f'expected a list of {layer.size} names, found the single name "{abridged(names)}"')
        elif layer.bias == "unit" and len(names) != layer.size:
            yield Fault(place, f"expected {layer.size} names, one per unit, found {len(names)}")

    def _name_faults(self) -> Iterator[Fault]:
        units: Places = [("inputs", self.inputs)] if isinstance(self.inputs, tuple) else []
        parameters: Places = []
        default_units = [] if isinstance(self.inputs, tuple) else [self.input_names]
        default_parameters: list[Iterable[str]] = []
        for index, layer in enumerate(self.layers):
            place = f"layers[{index + 1}]"
            if isinstance(layer.units, int):
                default_units.append(self.unit_names[index])
            else:
                units.append((f"{place}.units", layer.units))
            for kind, given, names in (
                ("weight_names", layer.weight_names, self.layout.weight_names(index)),
                ("bias_names", layer.bias_names, self.layout.bias_names(index)),
            ):
                if given is None:
                    default_parameters.append(names)
                else:
                    parameters.append((f"{place}.{kind}", tuple(names)))
        yield from form_faults(units + parameters)
        yield from duplicate_faults("unit", units, chain(*default_units))
        yield from duplicate_faults("parameter", parameters, chain(*default_parameters))
        if parameters or units:  # names that nobody gave are never reserved
            meanings, explicit = self.meanings, {name for _, names in parameters for name in names}
            yield from reserved_faults(parameters, meanings.__getitem__)
            # An input and a weight may both be given the same name, as a course may do.
            yield from reserved_faults(
                units[:1] if units and units[0][0] == "inputs" else [],
                lambda name: meanings[name] if name in explicit else meanings.of_input(name),
            )


def _objective(given: str | Loss | Objective | None, layers: Sequence[Dense]) -> Objective:
    accepted(optional(of_kind((str, Loss, Objective), "a name, an expression in y and t, or a loss")), given, "loss")
    if isinstance(given, Objective):
        return given
    if given is None:
        return Objective(usual_loss(layers), named=False)
    return objective(given, layers) if isinstance(given, str) else Objective(given)


def objective(name: str, layers: Sequence[Dense], **constants: float) -> Objective:
    """Return the loss of that name for a network of these layers; names of other frameworks are understood.

    Raises:
        UnknownName: no such loss or constant.
        InvalidArgument: a name that means something else for this network; says what to write.
        InvalidExpression: the text is neither a name nor an expression.
    """
    last = layers[-1] if layers else None
    meant = loss_meant(name, last.rule.name if last else "nothing", last.size if last else 1, LOSSES)
    return Objective(loss(meant.name, **constants), meant.over_outputs or "sum")
