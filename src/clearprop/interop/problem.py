"""A problem made of a chain: what a file does not say is assumed, and noted for the head of explanations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from clearprop.errors import DamagedModel, InvalidArgument
from clearprop.interop.chain import Chain, Layer
from clearprop.messages import abridged, brief, counted
from clearprop.network.data import Column, Fitted, Label
from clearprop.network.description import Network, Objective, is_share, objective, usual_loss
from clearprop.network.layer import Dense
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem, Settings
from clearprop.rules.activations import AnyActivation, Softmax, activation
from clearprop.rules.optimizers import SGD, Optimizer, optimizer
from clearprop.rules.other_names import WITH_LOGITS, plain
from clearprop.rules.penalties import Penalty

OF_LOGITS = {
    **dict.fromkeys(map(plain, WITH_LOGITS), "logistic"),
    **dict.fromkeys(map(plain, ("cross_entropy", "cross_entropy_loss", "crossentropy")), "softmax"),
}
"""Losses that frameworks compute from the sums, and the activation that they contain."""
OF_LOSS = " of the loss into the last layer: its outputs are probabilities"


@dataclass(frozen=True)
class Told:
    """What the request says of a file, in place of or beside what it says itself."""

    activations: tuple[str, ...] | None = None
    loss: str | Objective | None = None
    optimizer: str | Optimizer | None = None

    def __bool__(self) -> bool:
        return any(each is not None for each in (self.activations, self.loss, self.optimizer))


@dataclass
class Found:
    """What a reader found: the layers, and as far as the file says them how they are trained and what they tell
    apart. ``names`` is what clearprop wrote of the table beside it.
    ``logits`` is the activation that the file's loss contains, to be put after the last layer."""

    layers: list[Layer]
    chain: Chain
    framework: str
    loss: Objective | None = None
    optimizer: Optimizer | None = None
    penalty: Penalty = field(default_factory=Penalty)
    classes: tuple[Label, ...] | None = None
    columns: tuple[str, ...] = ()
    names: Fitted | None = None
    logits: str = ""
    stated: bool = True
    """Whether the file says the activations."""


def damaged(shown: str, what: str) -> DamagedModel:
    """Return the error for a file whose bytes contradict themselves."""
    return DamagedModel(f"{shown}: a damaged file: {what}; use another copy, or save the model again")


def shown_path(path: object) -> str:
    """Return a path for a message."""
    return abridged(str(path), 200)


class Stated(InvalidArgument):
    """What the request says of a file that says it itself."""


class NoActivations(InvalidArgument):
    """A file of tensors alone, without the activations between its layers; the command line completes the message
    with the command to type."""

    def __init__(self, shown: str, layers: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> None:
        self.count = len(shapes)
        found = ", ".join(f"{abridged(n, 40)} ({s[1]} to {s[0]})" for n, s in zip(layers[:8], shapes, strict=False))
        more = f" and {len(layers) - 8} more" if len(layers) > 8 else ""
        super().__init__(
            f"{shown}: holds weights but not the activations between them; found {counted(len(layers), 'layer')}: "
            f"{found}{more}; name the activation of each, or two: of the hidden layers and of the last"
        )

    @property
    def example(self) -> str:
        """An example of the option."""
        return ",".join(["relu"] * (self.count - 1) + ["identity"]) if self.count < 5 else "relu,identity"


def activations_for(told: Sequence[str], count: int) -> list[AnyActivation]:
    """Return the activation of each of ``count`` layers: one each, or one for the hidden layers and one for the last.

    Raises:
        InvalidArgument: another number of them.
    """
    given = list(told)
    if len(given) == 2 and count != 2:
        given = [given[0]] * (count - 1) + [given[1]]
    if len(given) != count:
        of = (
            f"{count} names, one per layer, or 2: hidden, last"
            if count > 2
            else ("1 name", "2 names, one per layer")[count - 1]
        )
        raise InvalidArgument(f"--activations: expected {of}; found {len(given)}")
    return [activation(name) for name in given]


def made(found: Found, name: str, told: Told) -> Problem:
    """Return the problem; everything that the file leaves open is assumed and noted.

    Raises:
        Stated: what is told, the file says.
        DamagedModel: a number is not finite.
    """
    if told.activations is not None and found.stated:
        raise Stated(f"{name}: says its activations itself; leave out --activations")
    assumed: list[str] = []
    layers = found.layers
    if isinstance(told.loss, str) and (inside := OF_LOGITS.get(plain(told.loss))):
        if layers[-1].rule.name == "identity":
            found.logits, told = inside, replace(told, loss=str(told.loss))
        if plain(str(told.loss)) in map(plain, WITH_LOGITS) and (found.logits or layers[-1].rule.name == "logistic"):
            told = replace(told, loss="bce")
    if found.logits:
        layers = [*layers[:-1], replace(layers[-1], rule=activation(found.logits))]
        assumed.append(f"folded: {found.logits}{OF_LOSS}")
    dense = [Dense(len(each.weights), each.rule, each.bias is not None, dropout=each.dropout) for each in layers]
    chosen = _loss(found, dense, told, assumed)
    network = Network(layers[0].weights.shape[1], dense, chosen)
    parameters = Parameters(network.layout, np.zeros(network.layout.size))
    for index, each in enumerate(layers):
        parameters.weights(index)[:] = each.weights
        if each.bias is not None:
            parameters.biases(index)[:] = each.bias
    unfit = np.flatnonzero(~np.isfinite(parameters.vector))
    if unfit.size:
        raise damaged(name, f"{parameters.layout.name(int(unfit[0]))} is not a finite number")
    by = _optimizer(found, told, assumed)
    folded = any(each.startswith("folded: ") and " into the weights " in each for each in found.chain.remarks)
    if folded and (found.penalty or by.hyperparameters.get("weight_decay")):
        found.chain.note("assumed: the penalty, or weight decay, is that of the folded weights, not of the file's own")
    fitted = _fitted(found, network)
    settings = Settings() if found.chain.single else Settings(dtype="float64")
    remarks = (f"from: {found.framework}", *assumed, *found.chain.remarks)
    problem = Problem(
        network, parameters, by, found.penalty, settings=settings, name=name, fitted=fitted,
        remarks=remarks,
    )  # fmt: skip
    return problem


def _loss(found: Found, dense: Sequence[Dense], told: Told, assumed: list[str]) -> Objective:
    if isinstance(told.loss, Objective):
        return told.loss
    if told.loss is not None:
        return objective(told.loss, dense)
    if found.loss is not None:
        return found.loss
    tells = found.classes is not None or (found.names is not None and found.names.classes is not None)
    rule = usual_loss(dense, classes=tells or is_share(dense))
    assumed.insert(0, f"assumed: loss {rule.name}, its sum over the outputs, the mean over the examples")
    return Objective(rule)


def _optimizer(found: Found, told: Told, assumed: list[str]) -> Optimizer:
    if isinstance(told.optimizer, Optimizer):
        return told.optimizer
    if told.optimizer is not None:
        return optimizer(told.optimizer)
    if found.optimizer is not None:
        return found.optimizer
    assumed.append(f"assumed: optimizer {SGD().name}, learning rate {brief(SGD().learning_rate)}")
    return SGD()


def _fitted(found: Found, network: Network) -> Fitted | None:
    """Return the classes that the file names, or their numbers; and the columns that it names."""
    if found.names is not None:
        if found.names.fits(network.sizes[0], network.sizes[-1]):
            return found.names
        found.chain.note("left out: the file's column and class names, which do not fit its layers")
    tells = network.loss.rule.task == "classes" and (network.sizes[-1] > 1) == isinstance(
        network.layers[-1].rule, Softmax
    )
    classes = found.classes
    if classes is None and tells:
        classes = tuple(map(float, range(max(2, network.sizes[-1]))))
    if classes is None and not found.columns:
        return None
    columns = tuple(map(Column, found.columns or network.input_names))
    return Fitted(columns, ("class",) if classes is not None else network.unit_names[-1], classes)
