"""The program: everything that is compiled for a problem.

A program is made of rules, not of sizes: networks with the same rules share their code; the number of
units of a layer is given to it when it runs (``calling.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from clearprop.cached import cached_property
from clearprop.engine.kernels.update import Rule
from clearprop.engine.numbers import Numbers
from clearprop.engine.panels import Panel
from clearprop.network.description import Network
from clearprop.rules.activations import AnyActivation
from clearprop.rules.fused import AnyFused
from clearprop.rules.losses import Loss
from clearprop.rules.optimizers import Optimizer
from clearprop.rules.penalties import Penalty


@dataclass(frozen=True)
class Tile:
    """The sizes of the tiles that stay in registers: examples, inputs, and vectors of units."""

    rows: int
    inputs: int
    vectors: int


@dataclass(frozen=True)
class Program:
    """The rules of a problem and everything else that is fixed in its code.

    ``fused`` is the loss and the output activation as one function, where that is how it is computed;
    with dropout on the outputs, training computes them apart.
    """

    numbers: Numbers
    tile: Tile
    triple: str
    x86: bool
    widths: tuple[int, ...]
    """The numbers of vectors that panels of units have: the last of a layer may be narrower."""
    hidden: tuple[AnyActivation, ...]
    """The rules of all layers but the last, each once."""
    last: AnyActivation
    loss: Loss
    fused: AnyFused | None
    optimizer: Optimizer
    penalty: Penalty
    weighted: bool = False
    """Whether examples count more or less than once."""
    dropped: bool = False
    """Whether a layer has dropout."""
    outputs_dropped: bool = False
    shared: bool = False
    """Whether a bias that a layer shares is trained."""
    whole_gradient: bool = False
    alone: bool = False
    """Whether examples are computed one by one in training: in batches that would hardly fill a tile."""
    single: Network | None = None
    """The network for whose single examples steps are made with all weights in registers."""

    @cached_property
    def shape(self) -> Panel:
        """The shape of a panel."""
        return Panel(self.numbers, self.tile.vectors)

    @property
    def kernels(self) -> tuple[str, ...]:
        """The names of the kernels that know no rule: all programs of such numbers, tiles and widths share them."""
        sums = [f"{name}_{vectors}" for name in (f"product_{self.tile.rows}", "gradient") for vectors in self.widths]
        return ("gather", "times", "bias_gradient", "transpose", "barrier", *sums)

    @cached_property
    def activations(self) -> tuple[AnyActivation, ...]:
        """The rules of all layers, each once: their numbers in the table of layers."""
        return each_once((*self.hidden, self.last))

    @property
    def fused_in_training(self) -> AnyFused | None:
        """The loss and the output activation as one function, in training."""
        return None if self.outputs_dropped else self.fused

    @cached_property
    def rule(self) -> Rule:
        """The optimizer's rule."""
        return Rule.of(self.optimizer)

    @property
    def clips(self) -> bool:
        """Whether the optimizer clips by a norm, for which the whole gradient is needed."""
        return self.optimizer.clip_norm is not None

    @property
    def clips_variables(self) -> bool:
        """Whether it clips the weights and the biases of each layer by their own norms."""
        return self.optimizer.clip_norm_per == "variable"


T = TypeVar("T")


def each_once(rules: Sequence[T]) -> tuple[T, ...]:
    """The different ones among these, in the order of their first appearance."""
    found: list[T] = []
    for rule in rules:
        if rule not in found:
            found.append(rule)
    return tuple(found)
