"""A layer of a network: its units, its activation, its biases. Frozen, and without numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from clearprop.errors import InvalidArgument
from clearprop.fields import (
    BOOLEANS,
    accepted,
    boolean,
    check_fields,
    either,
    list_of,
    of_kind,
    optional,
    share,
    suggests_options,
)
from clearprop.network.name_checks import composed, count_or_names, names_of
from clearprop.rules import activations
from clearprop.rules.activations import AnyActivation
from clearprop.rules.initializers import initializer

MAX_UNITS = 1_000_000
BiasPolicy = Literal["unit", "shared", "none"]


RULES: tuple[type[Any], ...] = get_args(AnyActivation)


@suggests_options()
@dataclass(frozen=True, init=False, repr=False)
class Dense:
    """A fully connected layer: every unit sees every output of the layer before.

    - ``units``: the number of units, or their names.
    - ``activation``: a name, an expression in z, or a rule.
    - ``bias``: one per ``"unit"`` (or True), one ``"shared"`` by the layer, or ``"none"`` (or False).
    - ``weight_names``: one row per unit, one column per input of the layer, like the weights themselves.
    - ``bias_names``: one name for a shared bias, else one per unit.
    - ``train_bias``: False keeps the biases as they are.
    - ``init``: the initializer of the weights; by default the one that suits the activation.
    - ``dropout``: the share of this layer's outputs that training drops, at least 0 and below 1.

    Raises:
        RequestError: an unknown activation or initializer, or a value that makes no sense.

    >>> Dense(2, "relu"), Dense(("h1", "h2"), "logistic", bias="shared")
    (Dense(2, relu), Dense(2, logistic, bias shared))
    """

    units: int | tuple[str, ...]
    activation: AnyActivation
    bias: Annotated[BiasPolicy, either(*get_args(BiasPolicy))]
    weight_names: tuple[tuple[str, ...], ...] | None
    bias_names: str | tuple[str, ...] | None
    train_bias: Annotated[bool, boolean]
    init: str
    dropout: Annotated[float, share]

    def __init__(
        self,
        units: int | Sequence[str],
        activation: AnyActivation | str = "identity",
        bias: BiasPolicy | bool = "unit",
        weight_names: Sequence[Sequence[str]] | None = None,
        bias_names: str | Sequence[str] | None = None,
        train_bias: bool = True,
        init: str | None = None,
        dropout: float = 0.0,
    ) -> None:
        if isinstance(activation, str):
            activation = activations.activation(activation)
        rule = accepted(of_kind(RULES, "a name, an expression in z, or a rule"), activation, "activation")
        sized = count_or_names(units, "units")
        count = sized if isinstance(sized, int) else len(sized)
        if not 1 <= count <= MAX_UNITS:
            raise InvalidArgument(f"units: expected 1 to {MAX_UNITS:,} units, found {count:,}")
        if isinstance(bias_names, str):
            bias_names = composed(bias_names)
        elif bias_names is not None:
            bias_names = names_of(bias_names, "bias_names")
        rows = accepted(optional(list_of(lambda row: row, "rows of names")), weight_names, "weight_names")
        vars(self).update(  # a frozen object is filled once, here
            units=sized,
            activation=rule,
            bias=("unit" if bias else "none") if isinstance(bias, BOOLEANS) else bias,
            weight_names=None if rows is None else tuple(names_of(row, "weight_names") for row in rows),
            bias_names=bias_names,
            train_bias=train_bias,
            init=initializer(rule.init if init is None else init).name,
            dropout=dropout,
        )
        check_fields(self)

    def __repr__(self) -> str:
        said = [str(self.size), self.rule.name]
        said += [f"bias {self.bias}"] if self.bias != "unit" else []
        said += [] if self.train_bias else ["biases not trained"]
        said += [f"dropout {self.dropout:g}"] if self.dropout else []
        return f"Dense({', '.join(said)})"

    @property
    def rule(self) -> AnyActivation:
        """The activation."""
        return self.activation

    @property
    def size(self) -> int:
        """The number of units."""
        return self.units if isinstance(self.units, int) else len(self.units)

    @property
    def biases(self) -> int:
        """The number of biases: one per unit, one for all, or none."""
        return {"unit": self.size, "shared": 1, "none": 0}[self.bias]
