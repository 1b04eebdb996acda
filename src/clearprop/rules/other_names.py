"""Names that other frameworks have for the same rules: PyTorch's, Keras's and scikit-learn's.

A name is understood, in any case, with or without ``_``, where it is certain what it means; where it means something
slightly different here, the answer says what to write. ``docs/other-names.md`` is the table for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from clearprop.errors import InvalidArgument, RequestError, UnknownName
from clearprop.messages import abridged

ACTIVATIONS: Mapping[str, str] = {
    "linear": "identity", "sigmoid": "logistic", "swish": "silu", "exponential": "exp", "hard_silu": "hard_swish",
    "tanh_shrink": "tanhshrink", "soft_shrink": "softshrink", "hard_shrink": "hardshrink", "gelu_new": "gelu_tanh",
}  # fmt: skip
INITIALIZERS: Mapping[str, str] = {
    "xavier_uniform": "glorot_uniform",
    "xavier_normal": "glorot_normal",
    "kaiming_uniform": "he_uniform",
    "kaiming_normal": "he_normal",
}
SCHEDULES: Mapping[str, str] = {
    "StepLR": "step",
    "ExponentialLR": "exponential",
    "CosineAnnealingLR": "cosine",
    "ReduceLROnPlateau": "plateau",
    "ConstantLR": "constant",
    "PolynomialLR": "polynomial",
    "InverseTimeDecay": "inverse",
}
SETTINGS: Mapping[str, str] = {
    "lr": "learning_rate",
    "rate": "learning_rate",
    "learning_rate_init": "learning_rate",
    "beta": "betas",
    "beta_1": "betas",
    "beta_2": "betas",
    "epsilon": "eps",
    "rho": "alpha",
    "step_size": "size",
    "T_max": "epochs",
    "eta_min": "minimum",
    "min_lr": "minimum",
    "negative_slope": "slope",
    "max_iter": "epochs",
    "tol": "tolerance",
    "random_state": "seed",
    "n_iter_no_change": "patience",
    "max_norm": "clip_norm",
    "power_t": "power",
}
"""Keys of a network file, whichever table they stand in."""
EXPRESSIONS: Mapping[str, str] = {
    "poisson": "y - t * log(y)",
    "poisson_nll": "exp(y) - t * y",
    "kl_div": "t * log(t / y)",
    "hinge": "max(0, 1 - t * y)",
    "squared_hinge": "max(0, 1 - t * y)**2",
    "log_cosh": "log((exp(y - t) + exp(t - y)) / 2)",
}
"""Rules that are no names here, as expressions."""

Over = Literal["sum", "mean"]


class Meant(NamedTuple):
    """A loss by its name here, and how it treats several outputs, if the other name says that."""

    name: str
    over_outputs: Over | None = None


OF_ONE_OUTPUT: Mapping[str, str] = {
    **dict.fromkeys(("mse", "mse_loss", "mean_squared_error"), "squared_error"),
    **dict.fromkeys(("mae", "l1", "l1_loss", "mean_absolute_error"), "absolute_error"),
    **dict.fromkeys(("huber_loss", "smooth_l1", "smooth_l1_loss"), "huber"),
    **dict.fromkeys(("bce", "bce_loss", "binary_crossentropy"), "binary_cross_entropy"),
}
"""Losses whose frameworks take the mean over the outputs."""
OF_CLASSES = (
    "cross_entropy",
    "cross_entropy_loss",
    "crossentropy",
    "log_loss",
    "nll",
    "nll_loss",
    "softmax_cross_entropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
)
WITH_LOGITS = ("bce_with_logits", "bce_with_logits_loss", "binary_cross_entropy_with_logits")


def plain(name: str) -> str:
    """Return a name without what frameworks write differently: LeakyReLU, leaky-relu and leaky_relu are one.

    >>> plain("LeakyReLU"), plain("leaky_relu")
    ('leakyrelu', 'leakyrelu')
    """
    return "".join(character for character in name.lower() if character not in "_- ")


def own_name(name: Any, known: Iterable[str], others: Mapping[str, str] | None = None) -> Any:
    """Return the known name that a text means, or what was given where it means none."""
    known = tuple(known)
    if not isinstance(name, str) or name in known:
        return name
    spelt = {plain(each): own for each, own in (others or {}).items()} | {plain(each): each for each in known}
    return spelt.get(plain(name), name)


class UnknownSetting(UnknownName):
    """A setting that a rule does not have.

    >>> print(UnknownSetting("sgd", "lr", ["learning_rate", "momentum"]))
    sgd has no setting "lr"; did you mean "learning_rate"?
    """

    def __init__(self, of: str, key: str, known: Iterable[str]) -> None:
        known = tuple(known)
        own = SETTINGS.get(key)
        super().__init__("setting", key, (own,) if own in known else known)
        hint = f'did you mean "{own}"?' if own in known else str(self).partition("; ")[2]
        self.args = (f'{of} has no setting "{abridged(key)}"; {hint}',)


def unknown_rule(kind: str, name: str, known: Iterable[str]) -> RequestError:
    """Return the error for a rule that does not exist: its expression, where it has one."""
    own = {plain(each): formula for each, formula in EXPRESSIONS.items() if ("z" in formula) == (kind == "activation")}
    expression = own.get(plain(name)) or own.get(plain(name).removesuffix("loss"))
    if expression is None:
        meant = {plain(each): loss for each, loss in OF_ONE_OUTPUT.items()}.get(plain(name)) if kind == "loss" else None
        error = UnknownName(kind, name, known)
        if meant is not None:
            error.args = (f'unknown {kind} "{abridged(name)}"; did you mean "{meant}"?',)
        return error
    return InvalidArgument(f'unknown {kind} "{name}"; write it as an expression: "{expression}"')


def loss_meant(name: str, last: str, outputs: int, known: Iterable[str]) -> Meant:
    """Return the loss that a name means for a network whose last layer has this activation and number of outputs.

    Raises:
        InvalidArgument: the name means nothing certain there; says what to write.
    """
    known = tuple(known)
    if name.lower() in known:
        return Meant(name.lower())
    short = plain(name)
    if (of_one := {plain(each): own for each, own in OF_ONE_OUTPUT.items()}.get(short)) is not None:
        if of_one == "binary_cross_entropy" and last == "softmax":
            raise InvalidArgument(f"{name} is for outputs that are each yes or no; after softmax use {CATEGORICAL}")
        return Meant(of_one, "mean")
    if short in map(plain, WITH_LOGITS):
        raise InvalidArgument(
            f'{name} is binary_cross_entropy after activation = "logistic" in the last layer; write both: they '
            "are computed as one function, so that no digits are lost"
        )
    if short not in map(plain, OF_CLASSES):
        return Meant(own_name(name, known))
    if last == "softmax":
        return Meant(CATEGORICAL)
    if last == "logistic" and short in ("crossentropy", "crossentropyloss", "logloss"):
        if outputs == 1:
            return Meant("binary_cross_entropy")
        raise InvalidArgument(
            f"{name}: for outputs that are each yes or no use binary_cross_entropy; for classes that exclude each "
            f'other {CATEGORICAL} after activation = "softmax"'
        )
    raise InvalidArgument(
        f'{name} is {CATEGORICAL} after activation = "softmax" in the last layer, found {last}; write both: '
        "here the outputs themselves are the probabilities"
    )


CATEGORICAL = "categorical_cross_entropy"
