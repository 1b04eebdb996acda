"""The program: what is compiled for a problem, and what the native functions are given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from clearprop.engine.block import Numbers
from clearprop.engine.kernels.update import Rule
from clearprop.engine.panels import Panels
from clearprop.network.problem import Problem
from clearprop.rules.activations import Softmax

EXAMPLES = 128
"""Examples that go through a panel of weights together: what they give fits the innermost cache."""

FIELDS = (
    "bounds",  # where the examples of each step begin in the order, and where the last ends
    "keys",  # per step a hash for each layer with dropout
    "parts",  # per step the parts of the optimizer's rule
    "part_bytes",  # from step to step; none where they stay the same
    "steps",
    "order",  # numbers of examples
    "examples",  # how many to predict
    "inputs",
    "targets",
    "weights",  # how much each example counts
    "parameters",
    "transposed",
    "gradient",  # the whole gradient, where it is asked for
    "squares",
    "activations",
    "rows",  # how many examples a panel of activations has
    "scratch",  # of each worker
    "outputs",  # or the errors
    "arrivals",  # how many workers have arrived at barriers so far
    "stop",  # whether the rest of the work is to be left undone
)
"""What the native functions are given, in this order: one word of eight bytes each."""


@dataclass(frozen=True)
class Tile:
    """The sizes of the tiles that stay in registers."""

    rows: int
    inputs: int
    vectors: int
    panels: int


@dataclass(frozen=True)
class Program:
    """What is compiled for a problem: its rules, and everything that the code takes as given."""

    problem: Problem
    numbers: Numbers
    tile: Tile
    triple: str
    x86: bool
    whole_gradient: bool = False
    single: bool = False
    """Steps on single examples, with all weights in registers."""
    blanks: bool = False
    """The optimizer's rule does not leave zero what fills up a panel: it is made zero after each update."""
    stops: bool = False
    """A step takes so long that it can be stopped before its end."""

    @cached_property
    def panels(self) -> Panels:
        """How activations and weights stand in memory."""
        return Panels(self.problem.network, self.numbers, self.tile.vectors)

    @cached_property
    def rule(self) -> Rule:
        """The optimizer's rule."""
        return Rule.of(self.problem)

    @property
    def clips(self) -> bool:
        """Whether the norm of the whole gradient is asked for."""
        return self.problem.optimizer.clip_norm is not None

    @property
    def dropped(self) -> tuple[int, ...]:
        """The layers with dropout, counted from 1."""
        return tuple(index + 1 for index, layer in enumerate(self.problem.network.layers) if layer.dropout)

    @cached_property
    def aside(self) -> int:
        """How many panels softmax layers need beside activations and signals."""
        network = self.problem.network
        layers = [index + 1 for index, layer in enumerate(network.layers) if isinstance(layer.rule, Softmax)]
        return max((self.panels.count(layer) for layer in layers), default=0)

    @property
    def training_panels(self) -> int:
        """The panels of activations, signals and what stands aside, in training."""
        starts = self.panels.activation_starts()
        return starts[-1] + (starts[-1] - starts[1]) + self.aside

    @property
    def tiles(self) -> int:
        """The tiles of the whole gradient, one more per panel of units for the biases, one per layer
        for a bias that is shared."""
        panels, depth = self.panels, self.problem.network.depth
        return sum(panels.count(layer) * (panels.count(layer - 1) + 1) + 1 for layer in range(1, depth + 1))
