"""Optimizers: how a weight w follows from its gradient g.

Each is an ordered list of assignments; later lines see the values that earlier ones gave.
The last one assigns the weight. State (moments, velocities) is what must be remembered from
step to step; a line whose target is not state is only a name for an intermediate value.
Hyperparameters, their names and their defaults are those of PyTorch. Three settings, false by default, give the forms
of Keras and scikit-learn: ``correction_in_rate``, ``rate_in_velocity`` and ``eps_in_sqrt``.
"""

from __future__ import annotations

from typing import Unpack

from clearprop.errors import InvalidArgument
from clearprop.expressions import Expression, Number, Symbol
from clearprop.expressions.tree import absolute, greater, maximum, sqrt, where
from clearprop.rules.optimizer import (
    OPTIMIZERS,
    Assignment,
    Limits,
    Made,
    Optimizer,
    entered,
    hyperparameter_check,
    optimizer,
    optimizer_keys,
)
from clearprop.rules.roles import g, rate, step, w

__all__ = [
    "OPTIMIZERS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Assignment", "NAdam", "Optimizer",
    "RMSprop", "hyperparameter_check", "optimizer", "optimizer_keys",
]  # fmt: skip


def _decayed(weight_decay: float, decoupled: bool = False) -> tuple[Expression, Expression]:
    """Return the gradient and the weight that an optimizer starts from: the decay is in the gradient, as that of an L2
    penalty is, or ``decoupled`` from it, taken from the weight itself."""
    decay = Symbol("weight_decay")
    if not weight_decay:
        return g, w
    return (g, w - rate * decay * w) if decoupled else (g + decay * w, w)


def _mean(of: Symbol, old_share: Expression, value: Expression) -> Assignment:
    """Return the assignment of a running mean: the old one, and this value for the rest."""
    return Assignment(of, old_share * of + (1 - old_share) * value)


def _velocity(b: Symbol, old: Expression, gain: Expression, rate_in_velocity: bool) -> list[Assignment]:
    """Return the assignments of momentum: the velocity adds up gains, or steps, which keep the rate of their time."""
    m = Symbol("momentum")
    if rate_in_velocity:
        return [Assignment(b, m * b - rate * gain), Assignment(w, old + b)]
    return [Assignment(b, m * b + gain), Assignment(w, old - rate * b)]


@entered
def SGD(
    learning_rate: float = 0.1,
    *,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    rate_in_velocity: bool = False,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    **limits: Unpack[Limits],
) -> Made:
    """Return w - rate * g; with momentum the velocity b takes the gradient's place.

    With ``rate_in_velocity`` it takes the place of the step: b = momentum * b - rate * g, and w + b, as in Keras and
    scikit-learn. The two differ where the rate changes.

    Source: the lecture (new_w5); momentum: Polyak 1964, Nesterov 1983 in PyTorch's form.

    >>> from clearprop.expressions import text
    >>> text(SGD(0.6).assignments[-1].expression)
    'w - rate * g'
    """
    gradient, old = _decayed(weight_decay, decoupled_weight_decay)
    b, m = Symbol("b"), Symbol("momentum")
    lines = [Assignment(w, old - rate * gradient)]
    if momentum:
        fresh = (1 - Symbol("dampening")) * gradient if dampening else gradient
        velocity, moved = _velocity(b, old, fresh, rate_in_velocity)
        if dampening:
            first = -(rate * gradient) if rate_in_velocity else gradient
            velocity = Assignment(b, where(greater(step, 1), velocity.expression, first))
        if nesterov:
            ahead = old + (m * b - rate * gradient) if rate_in_velocity else old - rate * (gradient + m * b)
            moved = Assignment(w, ahead)
        lines = [velocity, moved]
    source = "Polyak 1964; Sutskever et al. 2013" if momentum else "lecture: new_w5"
    if nesterov and (momentum <= 0 or dampening != 0):
        raise InvalidArgument("sgd: nesterov needs a momentum above 0 and a dampening of 0")
    return Made(source, lines)


@entered
def RMSprop(
    learning_rate: float = 0.01,
    *,
    alpha: float = 0.99,
    eps: float = 1e-8,
    eps_in_sqrt: bool = False,
    momentum: float = 0.0,
    rate_in_velocity: bool = False,
    centered: bool = False,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    **limits: Unpack[Limits],
) -> Made:
    """Return an optimizer that divides the gradient by the root of its running mean square v.

    Source: Hinton, lecture 6e (2012); ``eps_in_sqrt`` and ``rate_in_velocity`` are Keras's form.
    """
    a, v, mean = Symbol("alpha"), Symbol("v"), Symbol("m")
    gradient, old = _decayed(weight_decay, decoupled_weight_decay)
    lines = [_mean(v, a, gradient**2)]
    if centered:
        lines.append(_mean(mean, a, gradient))
    scaled = gradient / _root(v - mean**2 if centered else v, eps_in_sqrt)
    if momentum:
        lines += _velocity(Symbol("b"), old, scaled, rate_in_velocity)
    else:
        lines.append(Assignment(w, old - rate * scaled))
    return Made("Hinton 2012", lines)


def _root(square: Expression, eps_in_sqrt: bool) -> Expression:
    """Return the root that a gradient is divided by, kept away from 0."""
    eps = Symbol("eps")
    return sqrt(square + eps) if eps_in_sqrt else sqrt(square) + eps


@entered
def Adagrad(
    learning_rate: float = 0.01,
    *,
    lr_decay: float = 0.0,
    eps: float = 1e-10,
    eps_in_sqrt: bool = False,
    initial_accumulator_value: float = 0.0,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    **limits: Unpack[Limits],
) -> Made:
    """Return an optimizer that divides the gradient by the root of the sum s of its squares.

    Source: Duchi, Hazan and Singer 2011; ``eps_in_sqrt`` is Keras's form.
    """
    s = Symbol("s")
    decayed = rate / (1 + (step - 1) * Symbol("lr_decay")) if lr_decay else rate
    gradient, old = _decayed(weight_decay, decoupled_weight_decay)
    lines = [Assignment(s, s + gradient**2), Assignment(w, old - decayed * (gradient / _root(s, eps_in_sqrt)))]
    return Made("Duchi, Hazan and Singer 2011", lines, {"s": initial_accumulator_value})


@entered
def Adadelta(
    learning_rate: float = 1.0,
    *,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    **limits: Unpack[Limits],
) -> Made:
    """Return an optimizer whose steps are as large as its steps before: the root of their mean square d, over the root
    of the mean square v of the gradients.

    Source: Zeiler 2012.
    """
    v, d, delta, eps_symbol = Symbol("v"), Symbol("d"), Symbol("delta"), Symbol("eps")
    gradient, old = _decayed(weight_decay, decoupled_weight_decay)
    lines = [
        _mean(v, Symbol("rho"), gradient**2),
        Assignment(delta, sqrt(d + eps_symbol) / sqrt(v + eps_symbol) * gradient),
        _mean(d, Symbol("rho"), delta**2),
        Assignment(w, old - rate * delta),
    ]
    return Made("Zeiler 2012", lines)


@entered
def Adam(
    learning_rate: float = 0.001,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    correction_in_rate: bool = False,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    **limits: Unpack[Limits],
) -> Made:
    """Return an optimizer with running means m of the gradient and v of its square, both corrected
    for their start at zero.

    With ``correction_in_rate`` the rate is corrected instead, and eps is added to the root of v as it is, as in Keras
    and scikit-learn.

    Source: Kingma and Ba 2014; ``correction_in_rate`` is the form at the end of their section 2.
    """
    lines = _adam(*_decayed(weight_decay, decoupled_weight_decay), correction_in_rate)
    return Made("Kingma and Ba 2014", lines)


@entered
def AdamW(
    learning_rate: float = 0.001,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    correction_in_rate: bool = False,
    weight_decay: float = 0.01,
    **limits: Unpack[Limits],
) -> Made:
    """Return Adam with weight decay applied to the weight directly, not through the gradient.

    Source: Loshchilov and Hutter 2017.
    """
    lines = _adam(*_decayed(weight_decay, decoupled=True), correction_in_rate)
    return Made("Loshchilov and Hutter 2017", lines)


def _adam(gradient: Expression, old: Expression, correction_in_rate: bool) -> list[Assignment]:
    """Return the assignments of Adam: means of this gradient, and the step from the old weight."""
    beta1, beta2, eps = Symbol("beta1"), Symbol("beta2"), Symbol("eps")
    m, v, m_hat, v_hat = Symbol("m"), Symbol("v"), Symbol("m_hat"), Symbol("v_hat")
    means = [_mean(m, beta1, gradient), _mean(v, beta2, gradient**2)]
    if correction_in_rate:
        corrected = rate * (sqrt(1 - beta2**step) / (1 - beta1**step))
        return [*means, Assignment(w, old - corrected * (m / (sqrt(v) + eps)))]
    return [
        *means,
        Assignment(m_hat, m / (1 - beta1**step)),
        Assignment(v_hat, v / (1 - beta2**step)),
        Assignment(w, old - rate * (m_hat / (sqrt(v_hat) + eps))),
    ]


@entered
def NAdam(
    learning_rate: float = 0.002,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    momentum_decay: float = 4e-3,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    **limits: Unpack[Limits],
) -> Made:
    """Return Adam with Nesterov's momentum: mu is the share of the mean m in the step, which rises towards beta1, and p
    the product of all mu so far.

    Source: Dozat 2016 in PyTorch's form; Keras's has a ``momentum_decay`` of 1.
    """
    beta1, beta2, rise = Symbol("beta1"), Symbol("beta2"), Symbol("momentum_decay")
    m, v, v_hat, p = Symbol("m"), Symbol("v"), Symbol("v_hat"), Symbol("p")
    gradient, old = _decayed(weight_decay, decoupled_weight_decay)
    mu, ahead = (beta1 * (1 - Number(0.96) ** (each * rise) / 2) for each in (step, step + 1))
    lines = [
        Assignment(p, mu * p),
        _mean(m, beta1, gradient),
        _mean(v, beta2, gradient**2),
        Assignment(v_hat, v / (1 - beta2**step)),
        Assignment(
            w,
            old
            - rate * (((1 - mu) / (1 - p) * gradient + ahead / (1 - p * ahead) * m) / (sqrt(v_hat) + Symbol("eps"))),
        ),
    ]
    return Made("Dozat 2016", lines, {"p": 1.0})


@entered
def Adamax(
    learning_rate: float = 0.002,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    eps_in_max: bool = True,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    **limits: Unpack[Limits],
) -> Made:
    """Return Adam with u, a decaying maximum of the gradient's size, in place of the root of the mean square.

    Source: Kingma and Ba 2014, section 7.1; Keras adds eps to u itself: ``eps_in_max`` false.
    """
    beta1, beta2, eps_symbol = Symbol("beta1"), Symbol("beta2"), Symbol("eps")
    m, u = Symbol("m"), Symbol("u")
    gradient, old = _decayed(weight_decay, decoupled_weight_decay)
    size = absolute(gradient)
    lines = [
        _mean(m, beta1, gradient),
        Assignment(u, maximum(beta2 * u, size + eps_symbol if eps_in_max else size)),
        Assignment(w, old - rate / (1 - beta1**step) * (m / (u if eps_in_max else u + eps_symbol))),
    ]
    return Made("Kingma and Ba 2014", lines)
