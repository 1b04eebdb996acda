"""What a network looks like: its inputs, layers and loss. Frozen, and without numbers.

>>> net = Network(inputs=2, layers=[Dense(16, "relu"), Dense(3, "softmax")])
>>> net.sizes, net.loss.rule.name
((2, 16, 3), 'categorical_cross_entropy')
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal, get_args

from clearprop.display import Displayable
from clearprop.errors import Fault, InvalidArgument, InvalidNetwork
from clearprop.fields import boolean, check_fields, either, share
from clearprop.messages import abridged
from clearprop.network.notation import NOTATIONS, PENALTY, vocabulary
from clearprop.rules.activations import AnyActivation, activation
from clearprop.rules.fused import FUSED, AnyFused
from clearprop.rules.initializers import initializer
from clearprop.rules.losses import Loss, loss

MAX_UNITS = 1_000_000
MAX_LAYERS = 1_000
MAX_PARAMETERS = 200_000_000
NAME = re.compile(r"[A-Za-z0-9_]{1,200}")

BiasPolicy = Literal["unit", "shared", "none"]


@dataclass(frozen=True)
class Dense:
    """A fully connected layer: every unit sees every output of the layer before.

    ``units`` is a number or the units' names; ``activation`` a name, an expression in z or a
    rule; ``bias`` one per ``"unit"``, one ``"shared"`` by the layer, or ``"none"`` (also
    ``False``). ``weight_names`` has one row per unit. ``train_bias=False`` keeps biases as
    they are; ``dropout`` is the share of this layer's outputs dropped in training.

    Raises:
        RequestError: an unknown activation or initializer, or a value that makes no sense.
    """

    units: int | tuple[str, ...]
    activation: AnyActivation | str = "identity"
    bias: BiasPolicy | bool = "unit"
    weight_names: tuple[tuple[str, ...], ...] | None = None
    bias_names: str | tuple[str, ...] | None = None
    train_bias: Annotated[bool, boolean] = True
    init: str | None = None
    dropout: Annotated[float, share] = 0.0

    def __post_init__(self) -> None:
        rule = activation(self.activation) if isinstance(self.activation, str) else self.activation
        set_field = object.__setattr__
        set_field(self, "activation", rule)
        set_field(self, "units", _count_or_names(self.units, "units"))
        if isinstance(self.bias, bool):
            set_field(self, "bias", "unit" if self.bias else "none")
        if self.bias not in ("unit", "shared", "none"):
            raise InvalidArgument(f'bias: expected "unit", "shared" or "none" (or False), found {self.bias!r}')
        if self.weight_names is not None:
            set_field(self, "weight_names", tuple(tuple(row) for row in self.weight_names))
        if self.bias_names is not None and not isinstance(self.bias_names, str):
            set_field(self, "bias_names", tuple(self.bias_names))
        set_field(self, "init", initializer(self.init or rule.init).name)
        check_fields(self)

    @property
    def rule(self) -> AnyActivation:
        """The activation, as a rule."""
        assert not isinstance(self.activation, str)
        return self.activation

    @property
    def size(self) -> int:
        """How many units."""
        return self.units if isinstance(self.units, int) else len(self.units)

    @property
    def biases(self) -> int:
        """How many biases: one per unit, one for all, or none."""
        return {"unit": self.size, "shared": 1, "none": 0}[str(self.bias)]


Reduction = Literal["sum", "mean"]


@dataclass(frozen=True)
class Objective:
    """The loss of one output, and how outputs and examples are put together."""

    rule: Loss
    over_outputs: Annotated[Reduction, either(*get_args(Reduction))] = "sum"
    over_examples: Annotated[Reduction, either(*get_args(Reduction))] = "mean"

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Network(Displayable):
    """Inputs, layers and loss.

    ``inputs`` is a number or the inputs' names. The loss may be a name, an expression in y
    and t, a rule, or an ``Objective`` with its reductions; left out, it is
    ``categorical_cross_entropy`` after softmax and ``half_squared_error`` otherwise.

    Raises:
        InvalidNetwork: everything that is wrong with it, at once.
    """

    inputs: int | tuple[str, ...]
    layers: tuple[Dense, ...]
    loss: Objective = field(default=None)  # type: ignore[assignment]

    def __init__(
        self,
        inputs: int | Sequence[str],
        layers: Sequence[Dense],
        loss: str | Loss | Objective | None = None,
    ) -> None:
        set_field = object.__setattr__
        set_field(self, "inputs", _count_or_names(inputs, "inputs"))
        set_field(self, "layers", tuple(layers))
        set_field(self, "loss", _objective(loss, self.layers))
        problems = list(self._problems())
        if problems:
            raise InvalidNetwork(problems)

    # --- shape -----------------------------------------------------------------------

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of inputs, then of the units of each layer."""
        inputs = self.inputs if isinstance(self.inputs, int) else len(self.inputs)
        return (inputs, *(layer.size for layer in self.layers))

    @property
    def depth(self) -> int:
        """How many layers have weights."""
        return len(self.layers)

    @cached_property
    def parameter_count(self) -> int:
        """All weights and biases."""
        shapes = zip(self.sizes, self.layers, strict=False)
        return sum(layer.size * inputs + layer.biases for inputs, layer in shapes)

    @property
    def fused(self) -> AnyFused | None:
        """The loss and the output activation as one function, where they are a known pair."""
        return FUSED.get((self.loss.rule.name, self.layers[-1].rule.name))

    # --- names -----------------------------------------------------------------------

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """``x1, x2, …`` unless named."""
        if isinstance(self.inputs, int):
            return tuple(f"x{i + 1}" for i in range(self.inputs))
        return self.inputs

    @cached_property
    def unit_names(self) -> tuple[tuple[str, ...], ...]:
        """Per layer; ``h1_1`` (layer, unit), in the last layer ``y1``, unless named."""
        names = []
        for index, layer in enumerate(self.layers):
            if not isinstance(layer.units, int):
                names.append(layer.units)
            elif index == self.depth - 1:
                names.append(tuple(f"y{j + 1}" for j in range(layer.units)))
            else:
                names.append(tuple(f"h{index + 1}_{j + 1}" for j in range(layer.units)))
        return tuple(names)

    @cached_property
    def weights_before(self) -> tuple[int, ...]:
        """How many weights stand before each layer: weights are numbered through."""
        counts = [0]
        for inputs, units in zip(self.sizes, self.sizes[1:], strict=False):
            counts.append(counts[-1] + inputs * units)
        return tuple(counts)

    def weight_name(self, layer: int, unit: int, source: int) -> str:
        """The weight from ``source`` of the layer before to ``unit``: ``w1, w2, …`` row by row,
        layer by layer, unless named."""
        names = self.layers[layer].weight_names
        if names is not None:
            return names[unit][source]
        return f"w{self.weights_before[layer] + unit * self.sizes[layer] + source + 1}"

    def bias_name(self, layer: int, index: int) -> str:
        """``b_<unit>``, or ``b1, b2, …`` one per layer where shared, unless named."""
        dense = self.layers[layer]
        if dense.bias_names is not None:
            return dense.bias_names if isinstance(dense.bias_names, str) else dense.bias_names[index]
        return f"b{layer + 1}" if dense.bias == "shared" else f"b_{self.unit_names[layer][index]}"

    # --- checks ----------------------------------------------------------------------

    def _problems(self) -> Iterator[Fault]:
        sound = True
        for problem in self._shape_problems():
            sound = False
            yield problem
        if sound:
            yield from self._name_problems()
            misfit = self.loss.rule.misfit(self.layers[-1].rule)
            if misfit:
                yield Fault("loss", misfit)

    def _shape_problems(self) -> Iterator[Fault]:
        if not self.layers:
            yield Fault("layers", "a network needs at least one layer, found none")
            return
        if len(self.layers) > MAX_LAYERS:
            yield Fault("layers", f"at most {MAX_LAYERS} layers, found {len(self.layers)}")
        places = ["inputs", *(f"layers[{index + 1}].units" for index in range(self.depth))]
        for place, size in zip(places, self.sizes, strict=True):
            if not 1 <= size <= MAX_UNITS:
                what = "inputs" if place == "inputs" else "units"
                yield Fault(place, f"expected 1 to {MAX_UNITS:,} {what}, found {size:,}")
        if self.parameter_count > MAX_PARAMETERS:
            yield Fault(
                "layers",
                f"{self.parameter_count:,} weights and biases are more than the {MAX_PARAMETERS:,} "
                "that fit; use fewer units",
            )
        for index, layer in enumerate(self.layers):
            rows = layer.weight_names
            expected = f"{layer.size} rows of {self.sizes[index]} names"
            if rows is not None and (len(rows) != layer.size or any(len(row) != self.sizes[index] for row in rows)):
                found = f"{len(rows)} rows of {', '.join(sorted({str(len(row)) for row in rows}))}"
                yield Fault(f"layers[{index + 1}].weight_names", f"expected {expected}, found {found}")
            yield from self._bias_name_problems(index, layer)

    def _bias_name_problems(self, index: int, layer: Dense) -> Iterator[Fault]:
        names, place = layer.bias_names, f"layers[{index + 1}].bias_names"
        if names is None:
            return
        if layer.bias == "none":
            yield Fault(place, "the layer has no bias to name; remove bias_names, or give it a bias")
        elif layer.bias == "shared" and not isinstance(names, str):
            yield Fault(place, f"the layer shares one bias: expected one name, found {len(names)} in a list")
        elif layer.bias == "unit" and isinstance(names, str):
            yield Fault(place, f'expected a list of {layer.size} names, found the single name "{names}"')
        elif layer.bias == "unit" and len(names) != layer.size:
            yield Fault(place, f"expected {layer.size} names, one per unit, found {len(names)}")

    def _name_problems(self) -> Iterator[Fault]:
        units = [("inputs", self.input_names if not isinstance(self.inputs, int) else ())]
        units += [
            (f"layers[{index + 1}].units", layer.units)
            for index, layer in enumerate(self.layers)
            if not isinstance(layer.units, int)
        ]
        parameters: list[tuple[str, tuple[str, ...]]] = []
        for index, layer in enumerate(self.layers):
            if layer.weight_names is not None:
                flat = tuple(name for row in layer.weight_names for name in row)
                parameters.append((f"layers[{index + 1}].weight_names", flat))
            if layer.bias_names is not None:
                names = (layer.bias_names,) if isinstance(layer.bias_names, str) else layer.bias_names
                parameters.append((f"layers[{index + 1}].bias_names", names))
        for place, names in units + parameters:
            for name in names:
                if not NAME.fullmatch(name):
                    yield Fault(
                        place,
                        f'"{abridged(name)}" is not a name: expected 1 to 200 letters (a to z), digits and _',
                    )
        yield from self._duplicates("unit", units, self._default_unit_names())
        yield from self._duplicates("parameter", parameters, self._default_parameter_names())
        if not parameters:
            return  # default names are never reserved, and a wide network has millions of the others
        reserved = self._reserved_names()
        named = {name for _, names in parameters for name in names} | set(self._default_parameter_names_if_few())
        for place, names in parameters:
            for name in dict.fromkeys(names):
                for new in NOTATIONS.values():
                    old = name.removeprefix(new.new_prefix).removesuffix(new.new_suffix)
                    if old != name and old in named:
                        reserved[name] = f"the updated {old}"
                if name in reserved:
                    yield Fault(place, f'"{name}" is reserved: it is what {reserved[name]} is called; choose another')

    def _duplicates(
        self, kind: str, named: list[tuple[str, tuple[str, ...]]], others: Iterator[str]
    ) -> Iterator[Fault]:
        places: dict[str, list[str]] = {}
        for place, names in named:
            for name in names:
                places.setdefault(name, []).append(place)
        counts = Counter({name: len(found) for name, found in places.items()})
        if places:
            for name in others:
                if name in places:
                    counts[name] += 1
                    places[name].append("a default name")
        for name, count in counts.items():
            if count > 1:
                where = ", ".join(dict.fromkeys(places[name]))
                yield Fault(where, f'the {kind} name "{abridged(name)}" is used {count} times; names are unique')

    def _default_unit_names(self) -> Iterator[str]:
        if isinstance(self.inputs, int):
            yield from self.input_names
        for layer, names in zip(self.layers, self.unit_names, strict=True):
            if isinstance(layer.units, int):
                yield from names

    def _default_parameter_names(self) -> Iterator[str]:
        for index, layer in enumerate(self.layers):
            if layer.weight_names is None:
                first = self.weights_before[index] + 1
                yield from (f"w{n}" for n in range(first, self.weights_before[index + 1] + 1))
            if layer.bias_names is None:
                yield from (self.bias_name(index, j) for j in range(layer.biases))

    def _default_parameter_names_if_few(self) -> Iterator[str]:
        if any(layer.weight_names is not None or layer.bias_names is not None for layer in self.layers):
            yield from self._default_parameter_names()

    def _reserved_names(self) -> dict[str, str]:
        """Return what the quantities of this network are called, in every notation."""
        reserved = {**dict.fromkeys(vocabulary(["total_error"]), "the total error"), PENALTY: "the penalty"}
        named = {"sum": "the weighted sum", "output": "the output", "signal": "the error signal"}
        for word, role in vocabulary(named).items():
            for names in self.unit_names:
                reserved |= {f"{word}_{unit}": f"{named[role]} of {unit}" for unit in names}
        for word, role in vocabulary(["error", "target"]).items():
            reserved |= {f"{word}_{k}": f"{role} {k}" for k in range(1, self.sizes[-1] + 1)}
        return reserved


def _count_or_names(given: Any, what: str) -> int | tuple[str, ...]:
    """A whole number of any type, or names."""
    if isinstance(given, Iterable) and not isinstance(given, str):
        return tuple(given)
    try:
        return operator.index(given)
    except TypeError:
        raise InvalidArgument(f"{what}: expected a whole number or a list of names, found {given!r}") from None


def _objective(given: str | Loss | Objective | None, layers: Sequence[Dense]) -> Objective:
    if isinstance(given, Objective):
        return given
    if given is None:
        last = layers[-1].rule.name if layers else ""
        given = "categorical_cross_entropy" if last == "softmax" else "half_squared_error"
    return Objective(loss(given) if isinstance(given, str) else given)
