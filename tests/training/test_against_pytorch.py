"""Training agrees with PyTorch: 50 steps in float64, every optimizer, clipping and schedule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.rules.optimizers import optimizer
from clearprop.rules.schedules import schedule

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed: training is not compared with it")

RNG = np.random.default_rng(7)
X = RNG.normal(size=(12, 3))
Y = RNG.uniform(0.1, 0.9, size=(12, 2))
NETWORK = cp.Network(3, [cp.Dense(5, "tanh"), cp.Dense(2, "logistic")], "half_squared_error")
STEPS = 50

OPTIMIZERS: list[tuple[str, str, dict[str, Any]]] = [
    ("sgd", "SGD", {"lr": 0.3}),
    ("sgd", "SGD", {"lr": 0.1, "momentum": 0.9}),
    ("sgd", "SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("sgd", "SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.02}),
    ("rmsprop", "RMSprop", {"lr": 0.01}),
    ("rmsprop", "RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.5, "alpha": 0.9, "weight_decay": 0.01}),
    ("adagrad", "Adagrad", {"lr": 0.01}),
    ("adagrad", "Adagrad", {"lr": 0.1, "lr_decay": 0.05, "initial_accumulator_value": 0.1}),
    ("adam", "Adam", {"lr": 0.001}),
    ("adam", "Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    ("adamw", "AdamW", {"lr": 0.05, "weight_decay": 0.2}),
]


def ours(chosen: Any, batch_size: int | None = None) -> cp.Fit:
    epochs = STEPS if batch_size is None else STEPS * batch_size // len(X)
    settings = cp.Settings(epochs=epochs, tolerance=0.0, dtype="float64", batch_size=batch_size, shuffle=False, seed=3)
    return cp.train(cp.Problem(NETWORK, optimizer=chosen, examples=cp.Examples(X, Y), settings=settings))


class Theirs:
    """The same network in PyTorch, trained on the same batches."""

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        start = cp.Parameters.random(NETWORK, 3)
        self.values = [
            torch.tensor(np.array(part), requires_grad=True)
            for layer in range(2)
            for part in (start.weights(layer), start.biases(layer))
        ]
        self.optimizer = getattr(torch.optim, kind)(self.values, foreach=False, **options)

    def loss(self, rows: slice) -> Any:
        w1, b1, w2, b2 = self.values
        outputs = torch.sigmoid(torch.tanh(torch.tensor(X[rows]) @ w1.T + b1) @ w2.T + b2)
        return ((torch.tensor(Y[rows]) - outputs) ** 2 / 2).sum(1).mean()

    def train(
        self,
        batch_size: int = len(X),
        clip_norm: float | None = None,
        clip_value: float | None = None,
        scheduler: Any = None,
    ) -> None:
        per_epoch = len(X) // batch_size
        for step in range(STEPS // per_epoch * per_epoch):
            at = step % per_epoch * batch_size
            self.optimizer.zero_grad()
            self.loss(slice(at, at + batch_size)).backward()
            if clip_value is not None:
                torch.nn.utils.clip_grad_value_(self.values, clip_value)
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(self.values, clip_norm)
            self.optimizer.step()
            if scheduler is not None and (step + 1) % per_epoch == 0:
                if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                    scheduler.step(self.loss(slice(None)).item())
                else:
                    scheduler.step()

    def agrees_with(self, fit: cp.Fit) -> None:
        vector = np.concatenate([value.detach().numpy().ravel() for value in self.values])
        start = cp.Parameters.random(NETWORK, 3).vector
        assert np.max(np.abs(vector - start)) > 1e-3  # both have moved
        np.testing.assert_allclose(fit.problem.parameters.vector, vector, rtol=0, atol=1e-10)
        assert fit.loss_after == pytest.approx(self.loss(slice(None)).item(), rel=1e-10)


@pytest.mark.parametrize(("name", "kind", "options"), OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [None, 4])
def test_optimizers(name: str, kind: str, options: dict[str, Any], batch_size: int | None) -> None:
    theirs = Theirs(kind, options)
    theirs.train(batch_size or len(X))
    given = {"learning_rate" if key == "lr" else key: value for key, value in options.items()}
    theirs.agrees_with(ours(optimizer(name, **given), batch_size))


@pytest.mark.parametrize("name_and_kind", [("rmsprop", "RMSprop"), ("adagrad", "Adagrad"), ("adam", "Adam")])
def test_defaults(name_and_kind: tuple[str, str]) -> None:
    theirs = Theirs(name_and_kind[1], {})
    theirs.train()
    theirs.agrees_with(ours(optimizer(name_and_kind[0])))


@pytest.mark.parametrize("clip", [{"clip_norm": 0.02}, {"clip_value": 0.01}, {"clip_norm": 0.02, "clip_value": 0.01}])
def test_clipping(clip: dict[str, float]) -> None:
    theirs = Theirs("SGD", {"lr": 0.5, "momentum": 0.5})
    theirs.train(clip_norm=clip.get("clip_norm"), clip_value=clip.get("clip_value"))
    theirs.agrees_with(ours(replace(cp.SGD(0.5, momentum=0.5), **clip)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("chosen", "kind", "options"),
    [
        (schedule("step", size=7, gamma=0.5), "StepLR", {"step_size": 7, "gamma": 0.5}),
        (schedule("exponential", gamma=0.95), "ExponentialLR", {"gamma": 0.95}),
        (schedule("cosine", epochs=60, minimum=0.01), "CosineAnnealingLR", {"T_max": 60, "eta_min": 0.01}),
        (
            schedule("plateau", factor=0.5, patience=2, threshold=0.05, minimum=0.01),
            "ReduceLROnPlateau",
            {"factor": 0.5, "patience": 2, "threshold": 0.05, "min_lr": 0.01},
        ),
    ],
)
@pytest.mark.parametrize("batch_size", [None, 6])
def test_schedules(chosen: Any, kind: str, options: dict[str, Any], batch_size: int | None) -> None:
    theirs = Theirs("SGD", {"lr": 0.4})
    scheduler = getattr(torch.optim.lr_scheduler, kind)(theirs.optimizer, **options)
    theirs.train(batch_size or len(X), scheduler=scheduler)
    fit = ours(replace(cp.SGD(0.4), schedule=chosen), batch_size)
    theirs.agrees_with(fit)
    assert fit.history.rate[-1] < 0.4


def test_every_rate_of_a_plateau_until_it_stays() -> None:
    """PyTorch leaves alone a rate that would change by 1e-8 or less; so do we."""
    fit = ours(replace(cp.SGD(0.4), schedule=schedule("plateau", factor=0.01, patience=0, threshold=0.9)))
    theirs = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, factor=0.01, patience=0, threshold=0.9)
    for epoch, loss in enumerate(fit.history.loss[1:]):
        assert fit.history.rate[epoch] == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-12, abs=0)
        scheduler.step(loss)
    assert 1e-9 < fit.history.rate[-1] < 1e-6
