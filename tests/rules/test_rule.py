"""What all rules have in common: a source, and clear messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from clearprop.errors import ClearpropError, InvalidArgument, UnknownName
from clearprop.rules.activations import ACTIVATIONS, activation
from clearprop.rules.initializers import INITIALIZERS, initializer
from clearprop.rules.losses import LOSSES, loss
from clearprop.rules.optimizers import OPTIMIZERS, SGD, Adam, optimizer
from clearprop.rules.schedules import schedule


def test_every_rule_has_a_source() -> None:
    for rule in (*ACTIVATIONS.values(), *LOSSES.values(), *INITIALIZERS.values()):
        assert rule.source
    assert all(optimizer(name).source for name in OPTIMIZERS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: activation("logistc"), 'unknown activation "logistc"; did you mean "logistic"?'),
        (lambda: activation("relu", slope=1.0), 'relu has no constants, found "slope"; remove it'),
        (lambda: activation("elu", alhpa=1.0), 'unknown constant of elu "alhpa"; did you mean "alpha"?'),
        (lambda: loss("huberr"), 'unknown loss "huberr"; did you mean "huber"?'),
        (lambda: optimizer("adm"), 'unknown optimizer "adm"; did you mean "adam"?'),
        (lambda: optimizer("sgd", momentun=1), 'sgd has no setting "momentun"; did you mean "momentum"?'),
        (lambda: SGD(nesterov=True), "sgd: nesterov needs a momentum above 0 and a dampening of 0"),
        (lambda: SGD(-1.0), "learning_rate: expected a number of at least 0, found -1.0"),
        (lambda: Adam(betas=(0.9, 1.0)), "betas: entry 2: expected a number of at least 0 and below 1, found 1.0"),
        (lambda: optimizer("sgd", clip_norm=0), "clip_norm: expected a number above 0, found 0"),
        (lambda: initializer("he"), 'unknown initializer "he"; known: glorot_uniform, glorot_normal'),
        (lambda: schedule("cosin"), 'unknown schedule "cosin"; did you mean "cosine"?'),
    ],
)
def test_errors_say_what_was_meant(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ClearpropError) as error:
        make()
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: activation("rellu"), UnknownName, 'unknown activation "rellu"; did you mean "relu"?'),
        (lambda: activation("sigmod"), UnknownName, 'unknown activation "sigmod"; did you mean "sigmoid"?'),
        (lambda: activation("qqq"), UnknownName, 'unknown activation "qqq"; known: identity, logistic, '),
        (lambda: loss("mse"), UnknownName, 'unknown loss "mse"; did you mean "squared_error"?'),
        (lambda: loss("qqq"), UnknownName, 'unknown loss "qqq"; known: half_squared_error, squared_error'),
        (lambda: loss("squared_eror"), UnknownName, 'unknown loss "squared_eror"; did you mean "squared_error"?'),
        (lambda: optimizer("SGDD"), UnknownName, 'unknown optimizer "SGDD"; did you mean "sgd"?'),
        (lambda: initializer("glorot"), UnknownName, 'unknown initializer "glorot"; did you mean "glorot_'),
        (lambda: schedule("step", siz=3), UnknownName, 'the schedule step has no setting "siz"; did you mean'),
        (
            lambda: schedule("step", size=0),
            InvalidArgument,
            "size: expected a whole number of at least 1, found 0",
        ),
        (
            lambda: schedule("step", size=1.5),
            InvalidArgument,
            "size: expected a whole number, found 1.5",
        ),
        (
            lambda: schedule("cosine", epochs=float("inf")),
            InvalidArgument,
            "epochs: expected a whole number, found inf",
        ),
        (
            lambda: schedule("constant", warmup=float("inf")),
            InvalidArgument,
            "warmup: expected a whole number, found inf",
        ),
        (
            lambda: schedule("plateau", factor=2),
            InvalidArgument,
            "factor: expected a number of at least 0 and below 1, found 2",
        ),
        (
            lambda: schedule("exponential", gamma=-1),
            InvalidArgument,
            "gamma: expected a number of at least 0, found -1",
        ),
        (lambda: loss("squared_error", delta=1.0), InvalidArgument, 'squared_error has no constants, found "delta"'),
        (
            lambda: optimizer("rmsprop", alpha=1.0),
            InvalidArgument,
            "alpha: expected a number of at least 0 and below 1, found 1.0",
        ),
        (lambda: optimizer("adagrad", eps=-1), InvalidArgument, "eps: expected a number of at least 0, found -1"),
        (lambda: optimizer("adam", betas=(0.9,)), InvalidArgument, "betas: expected two numbers, found a list of 1"),
        (
            lambda: optimizer("sgd", learning_rate=math.nan),
            InvalidArgument,
            "learning_rate: expected a finite number, found nan",
        ),
        (
            lambda: optimizer("adamw", lr=1),
            UnknownName,
            'adamw has no setting "lr"; did you mean "learning_rate"?',
        ),
    ],
)
def test_messages(make: Any, kind: type[ClearpropError], message: str) -> None:
    with pytest.raises(kind) as error:
        make()
    assert str(error.value).startswith(message)
    assert error.value.exit_code == 2
