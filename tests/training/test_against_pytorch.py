"""Training agrees with PyTorch: 50 steps in float64, every optimizer, clipping, penalty and schedule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pytest

import clearprop as cp
from clearprop.rules.optimizers import OPTIMIZERS as KNOWN_OPTIMIZERS
from clearprop.rules.optimizers import optimizer
from clearprop.rules.schedules import schedule
from clearprop.types import Array

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed: training is not compared with it")

RNG = np.random.default_rng(7)
X = RNG.normal(size=(12, 3))
Y = RNG.uniform(0.1, 0.9, size=(12, 2))
ASIDE = X[:5], 1 - Y[:5]  # what is learnt makes these worse
ASIDE_AT = np.array([1, 5, 8, 12, 16])
NETWORK = cp.Network(3, [cp.Dense(5, "tanh"), cp.Dense(2, "logistic")], "half_squared_error")
STEPS = 50
SEED = 3

OPTIMIZERS: list[tuple[str, str, dict[str, Any]]] = [
    ("sgd", "SGD", {"lr": 0.3}),
    ("sgd", "SGD", {"lr": 0.3, "weight_decay": 0.05}),
    ("sgd", "SGD", {"lr": 0.1, "momentum": 0.9}),
    ("sgd", "SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("sgd", "SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    ("sgd", "SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("sgd", "SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
    ("sgd", "SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.02}),
    ("rmsprop", "RMSprop", {"lr": 0.01}),
    ("rmsprop", "RMSprop", {"lr": 0.01, "centered": True}),
    ("rmsprop", "RMSprop", {"lr": 0.01, "momentum": 0.7}),
    ("rmsprop", "RMSprop", {"lr": 0.01, "weight_decay": 0.1}),
    ("rmsprop", "RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.5, "alpha": 0.9, "weight_decay": 0.01}),
    ("adagrad", "Adagrad", {"lr": 0.01}),
    ("adagrad", "Adagrad", {"lr": 0.1, "lr_decay": 0.05}),
    ("adagrad", "Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.1}),
    ("adagrad", "Adagrad", {"lr": 0.1, "weight_decay": 0.05}),
    ("adagrad", "Adagrad", {"lr": 0.1, "lr_decay": 0.05, "initial_accumulator_value": 0.1}),
    ("adam", "Adam", {"lr": 0.001}),
    ("adam", "Adam", {"lr": 0.05, "weight_decay": 0.1}),
    ("adam", "Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    ("adamw", "AdamW", {"lr": 0.05}),
    ("adamw", "AdamW", {"lr": 0.05, "weight_decay": 0.0}),
    ("adamw", "AdamW", {"lr": 0.05, "weight_decay": 0.2}),
    ("adamw", "AdamW", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.2}),
    ("adam", "Adam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("adadelta", "Adadelta", {"lr": 1.0}),
    ("adadelta", "Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1}),
    ("nadam", "NAdam", {"lr": 0.01}),
    ("nadam", "NAdam", {"lr": 0.01, "betas": (0.8, 0.95), "momentum_decay": 0.1, "weight_decay": 0.1}),
    ("nadam", "NAdam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("adamax", "Adamax", {"lr": 0.01}),
    ("adamax", "Adamax", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
]
FORMS_OF_OTHERS = {"correction_in_rate", "rate_in_velocity", "eps_in_sqrt", "eps_in_max", "decoupled_weight_decay"}
"""Settings that PyTorch lacks, all or for some optimizers: ``tests/rules/test_conventions_of_others.py``."""

SCHEDULES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("step", "StepLR", {"size": 7, "gamma": 0.5}, {"step_size": 7, "gamma": 0.5}),
    ("exponential", "ExponentialLR", {"gamma": 0.95}, {"gamma": 0.95}),
    ("cosine", "CosineAnnealingLR", {"epochs": 60, "minimum": 0.01}, {"T_max": 60, "eta_min": 0.01}),
    (
        "plateau",
        "ReduceLROnPlateau",
        {"factor": 0.5, "patience": 2, "threshold": 0.05, "minimum": 0.01},
        {"factor": 0.5, "patience": 2, "threshold": 0.05, "min_lr": 0.01},
    ),
]


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    """What NAdam keeps of its steps has the usual precision, whatever that of the weights."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@dataclass(frozen=True)
class Batching:
    """How the examples come: all at once unless ``size`` says how many make a step."""

    size: int | None = None
    shuffle: bool = False

    @property
    def epochs(self) -> int:
        """As many as make at least so many steps."""
        return -(-STEPS // len(self.order(0)))

    def order(self, epoch: int) -> list[Array]:
        """The rows of each step of an epoch."""
        size = self.size or len(X)
        rows = np.random.default_rng([SEED, 1, epoch]).permutation(len(X)) if self.shuffle else np.arange(len(X))
        return [rows[start : start + size] for start in range(0, len(X), size)]

    def __str__(self) -> str:
        return f"{'shuffled ' if self.shuffle else ''}{self.size or 'all'}"


ALL, THIRDS, HALVES, UNEVEN = Batching(), Batching(4), Batching(6), Batching(5, shuffle=True)


def ours(
    chosen: Any,
    batching: Batching = ALL,
    penalty: cp.Penalty | None = None,
    aside: bool = False,
    loss: Literal["batches", "exact"] = "batches",
) -> cp.Fit:
    settings = cp.Settings(
        batching.epochs, batching.size, tolerance=0.0, dtype="float64", shuffle=batching.shuffle, seed=SEED, loss=loss
    )
    examples = with_rows_aside() if aside else cp.Examples(X, Y)
    penalty = penalty or cp.Penalty()
    return cp.train(cp.Problem(NETWORK, optimizer=chosen, penalty=penalty, examples=examples, settings=settings))


def with_rows_aside() -> cp.Examples:
    """The same rows to learn from, with others for validation between them."""
    count = len(X) + len(ASIDE_AT)
    learnt = np.setdiff1d(np.arange(count), ASIDE_AT)
    inputs, targets = np.empty((count, 3)), np.empty((count, 2))
    inputs[learnt], targets[learnt] = X, Y
    inputs[ASIDE_AT], targets[ASIDE_AT] = ASIDE
    return cp.Examples(inputs, targets, training=learnt, validation=ASIDE_AT)


class Theirs:
    """The same network in PyTorch, trained on the same batches."""

    def __init__(self, kind: str, options: dict[str, Any], penalty: cp.Penalty | None = None) -> None:
        start = cp.Parameters.random(NETWORK, SEED)
        self.values = [
            torch.tensor(np.array(part), requires_grad=True)
            for layer in range(2)
            for part in (start.weights(layer), start.biases(layer))
        ]
        self.optimizer = getattr(torch.optim, kind)(self.values, foreach=False, **options)
        self.penalty = penalty or cp.Penalty()
        self.rates: list[float] = []

    def error(self, inputs: Array, targets: Array) -> Any:
        w1, b1, w2, b2 = self.values
        outputs = torch.sigmoid(torch.tanh(torch.tensor(inputs) @ w1.T + b1) @ w2.T + b2)
        return ((torch.tensor(targets) - outputs) ** 2 / 2).sum(1).mean()

    def loss(self, rows: Any = slice(None)) -> Any:
        weights = self.values[0], self.values[2]
        squares = sum((weight**2).sum() for weight in weights)
        sizes = sum(weight.abs().sum() for weight in weights)
        return self.error(X[rows], Y[rows]) + self.penalty.l2 / 2 * squares + self.penalty.l1 * sizes

    def train(
        self,
        batching: Batching = ALL,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        scheduler: Any = None,
        warmup: Any = None,
        aside: bool = False,
        exact: bool = False,
    ) -> None:
        for epoch in range(batching.epochs):
            met = 0.0
            for rows in batching.order(epoch):
                self.optimizer.zero_grad()
                loss = self.loss(rows)
                loss.backward()
                met += loss.item() * len(rows) / len(X)
                if clip_value is not None:
                    torch.nn.utils.clip_grad_value_(self.values, clip_value)
                if clip_norm is not None:
                    torch.nn.utils.clip_grad_norm_(self.values, clip_norm)
                rate = float(self.optimizer.param_groups[0]["lr"])
                self.optimizer.step()
                if warmup is not None:
                    warmup.step()
            self.rates.append(rate)
            if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                scheduler.step(self.error(*ASIDE).item() if aside else self.shown(batching, met, exact))
            elif scheduler is not None:
                scheduler.step()

    def shown(self, batching: Batching, met: float, exact: bool) -> float:
        """The loss of an epoch: that of its batches as they were met, or exact, as it is where one holds all rows."""
        return self.loss().item() if exact or batching.size is None else met

    def scheduler(self, kind: str, options: dict[str, Any]) -> Any:
        return getattr(torch.optim.lr_scheduler, kind)(self.optimizer, **options)

    def agrees_with(self, fit: cp.Fit) -> None:
        assert fit.steps >= STEPS
        vector = np.concatenate([value.detach().numpy().ravel() for value in self.values])
        start = cp.Parameters.random(NETWORK, SEED).vector
        assert np.max(np.abs(vector - start)) > 1e-3  # both have moved
        np.testing.assert_allclose(fit.problem.parameters.vector, vector, rtol=0, atol=1e-10)
        np.testing.assert_allclose(fit.history.rate, self.rates, rtol=1e-12, atol=0)
        assert fit.loss_after == pytest.approx(self.loss().item(), rel=1e-10)
        if fit.validation_loss is not None:
            assert fit.validation_loss == pytest.approx(self.error(*ASIDE).item(), rel=1e-10)


def renamed(options: dict[str, Any]) -> dict[str, Any]:
    """PyTorch's options as ours: only the rate is called otherwise."""
    return {"learning_rate" if key == "lr" else key: value for key, value in options.items()}


# --- optimizers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "options"), OPTIMIZERS, ids=[" ".join([name, *given]) for name, _, given in OPTIMIZERS]
)
def test_optimizers(name: str, kind: str, options: dict[str, Any]) -> None:
    """On batches; on all rows at once, in ``test_defaults``."""
    theirs = Theirs(kind, options)
    theirs.train(UNEVEN)
    theirs.agrees_with(ours(optimizer(name, **renamed(options)), UNEVEN))


def test_no_optimizer_and_no_hyperparameter_is_left_out() -> None:
    compared: dict[str, set[str]] = {name: {"eps", *FORMS_OF_OTHERS} for name in KNOWN_OPTIMIZERS}
    for name, _, options in OPTIMIZERS:
        compared[name] |= set(renamed(options))
    for name, given in compared.items():
        assert set(optimizer(name).hyperparameters) <= given


@pytest.mark.parametrize("kind", ["RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "NAdam", "Adamax"])
def test_defaults(kind: str) -> None:
    theirs = Theirs(kind, {})
    theirs.train()
    theirs.agrees_with(ours(optimizer(kind.lower())))


# --- clipping and penalty --------------------------------------------------------------------------------


CLIPS: list[dict[str, Any]] = [
    {"clip_norm": 0.02},
    {"clip_norm": 0.2},  # some steps are within it
    {"clip_value": 0.01},
    {"clip_norm": 0.02, "clip_value": 0.01},
]


@pytest.mark.parametrize("clip", CLIPS, ids=str)
@pytest.mark.parametrize("batching", [ALL, UNEVEN], ids=str)
def test_clipping(clip: dict[str, Any], batching: Batching) -> None:
    theirs = Theirs("SGD", {"lr": 0.5, "momentum": 0.5})
    theirs.train(batching, **clip)
    theirs.agrees_with(ours(replace(cp.SGD(0.5, momentum=0.5), **clip), batching))


@pytest.mark.parametrize("clip", CLIPS, ids=str)
def test_clipping_before_the_moments(clip: dict[str, Any]) -> None:
    theirs = Theirs("Adam", {"lr": 0.02, "weight_decay": 0.05})
    theirs.train(THIRDS, **clip)
    theirs.agrees_with(ours(replace(cp.Adam(0.02, weight_decay=0.05), **clip), THIRDS))


@pytest.mark.parametrize("penalty", [cp.Penalty(l2=0.05), cp.Penalty(l1=0.02), cp.Penalty(0.03, 0.01)], ids=str)
@pytest.mark.parametrize("batching", [ALL, UNEVEN], ids=str)
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_penalties(penalty: cp.Penalty, batching: Batching, kind: str) -> None:
    theirs = Theirs(kind, {"lr": 0.05}, penalty)
    theirs.train(batching, clip_norm=0.3)
    theirs.agrees_with(ours(optimizer(kind.lower(), learning_rate=0.05, clip_norm=0.3), batching, penalty))


def test_the_l2_penalty_is_a_weight_decay_of_the_weights_alone() -> None:
    penalty = cp.Penalty(l2=0.05)
    theirs = Theirs("SGD", {"lr": 0.2})
    w1, b1, w2, b2 = theirs.values
    groups = [{"params": [w1, w2], "weight_decay": penalty.l2}, {"params": [b1, b2]}]
    theirs.optimizer = torch.optim.SGD(groups, lr=0.2, momentum=0.9)
    theirs.train(UNEVEN)
    theirs.penalty = penalty  # for the loss that is compared at the end
    theirs.agrees_with(ours(cp.SGD(0.2, momentum=0.9), UNEVEN, penalty))


# --- schedules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind", "constants", "options"), SCHEDULES, ids=[name for name, *_ in SCHEDULES])
@pytest.mark.parametrize("batching", [ALL, HALVES, UNEVEN], ids=str)
@pytest.mark.parametrize(("rule", "rate"), [("SGD", 0.4), ("Adam", 0.02)])
def test_schedules(
    name: str,
    kind: str,
    constants: dict[str, Any],
    options: dict[str, Any],
    batching: Batching,
    rule: str,
    rate: float,
) -> None:
    theirs = Theirs(rule, {"lr": rate})
    theirs.train(batching, scheduler=theirs.scheduler(kind, options))
    fit = ours(optimizer(rule.lower(), learning_rate=rate, schedule=schedule(name, **constants)), batching)
    theirs.agrees_with(fit)
    assert len(set(fit.history.rate)) > 1  # it does fall within so many steps


@pytest.mark.parametrize("batching", [ALL, UNEVEN], ids=str)
def test_a_constant_schedule_with_rows_set_aside(batching: Batching) -> None:
    theirs = Theirs("SGD", {"lr": 0.4})
    theirs.train(batching, scheduler=theirs.scheduler("ConstantLR", {"factor": 1.0}))
    theirs.agrees_with(ours(replace(cp.SGD(0.4), schedule=schedule("constant")), batching, aside=True))


@pytest.mark.parametrize("batching", [ALL, HALVES, UNEVEN], ids=str)
def test_a_plateau_of_the_validation_loss(batching: Batching) -> None:
    """Where rows are set aside the plateau looks at theirs; the penalty has no part in it."""
    constants = {"factor": 0.8, "patience": 2, "threshold": 0.01}
    penalty = cp.Penalty(l2=0.01)
    theirs = Theirs("SGD", {"lr": 0.4}, penalty)
    theirs.train(batching, scheduler=theirs.scheduler("ReduceLROnPlateau", constants), aside=True)
    chosen = replace(cp.SGD(0.4), schedule=schedule("plateau", **constants))
    fit = ours(chosen, batching, penalty, aside=True)
    theirs.agrees_with(fit)
    assert len(set(fit.history.rate)) > 2
    assert fit.history.rate != ours(chosen, batching, penalty).history.rate


@pytest.mark.parametrize("batching", [HALVES, UNEVEN], ids=str)
def test_a_plateau_of_the_exact_loss(batching: Batching) -> None:
    """It is another than that of the batches as they were met, and the rate falls at other times."""
    constants = {"factor": 0.5, "patience": 2, "threshold": 0.05}
    theirs = Theirs("SGD", {"lr": 0.4})
    theirs.train(batching, scheduler=theirs.scheduler("ReduceLROnPlateau", constants), exact=True)
    chosen = replace(cp.SGD(0.4), schedule=schedule("plateau", **constants))
    fit = ours(chosen, batching, loss="exact")
    theirs.agrees_with(fit)
    assert fit.history.rate != ours(chosen, batching).history.rate


def test_every_rate_of_a_plateau_until_it_stays() -> None:
    """PyTorch leaves alone a rate that would change by 1e-8 or less; so do we."""
    fit = ours(replace(cp.SGD(0.4), schedule=schedule("plateau", factor=0.01, patience=0, threshold=0.9)))
    theirs = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, factor=0.01, patience=0, threshold=0.9)
    for epoch, loss in enumerate(fit.history.loss[1:]):
        assert fit.history.rate[epoch] == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-12, abs=0)
        scheduler.step(loss)
    assert 1e-9 < fit.history.rate[-1] < 1e-6


# --- warm-up -------------------------------------------------------------------------------------------

WARMUP = 11
"""Steps in which the rate rises: not a whole number of epochs where an epoch has several."""


@pytest.mark.parametrize("batching", [ALL, HALVES, UNEVEN], ids=str)
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("LinearLR", {"start_factor": 1 / (WARMUP + 1), "total_iters": WARMUP}),
        ("LambdaLR", {"lr_lambda": lambda done: min(1.0, (done + 1) / (WARMUP + 1))}),
    ],
    ids=["LinearLR", "LambdaLR"],
)
def test_warm_up(kind: str, options: dict[str, Any], batching: Batching) -> None:
    theirs = Theirs("SGD", {"lr": 0.4, "momentum": 0.5})
    theirs.train(batching, warmup=theirs.scheduler(kind, options))
    chosen = replace(cp.SGD(0.4, momentum=0.5), schedule=schedule("constant", warmup=WARMUP))
    fit = ours(chosen, batching)
    theirs.agrees_with(fit)
    assert fit.history.rate[0] < 0.2 < fit.history.rate[-1]


@pytest.mark.parametrize(("name", "kind", "constants", "options"), SCHEDULES, ids=[name for name, *_ in SCHEDULES])
@pytest.mark.parametrize("batching", [ALL, UNEVEN], ids=str)
@pytest.mark.parametrize("aside", [False, True], ids=["no rows aside", "rows aside"])
def test_warm_up_times_a_schedule(
    name: str, kind: str, constants: dict[str, Any], options: dict[str, Any], batching: Batching, aside: bool
) -> None:
    # With a least rate the two are not a product in PyTorch: each of its schedulers goes on from the present rate.
    constants = {key: value for key, value in constants.items() if key != "minimum"}
    options = {key: value for key, value in options.items() if key not in ("min_lr", "eta_min")}
    theirs = Theirs("Adam", {"lr": 0.02})
    epochs = theirs.scheduler(kind, options)
    steps = theirs.scheduler("LinearLR", {"start_factor": 1 / (WARMUP + 1), "total_iters": WARMUP})
    theirs.train(batching, scheduler=epochs, warmup=steps, aside=aside)
    chosen = optimizer("adam", learning_rate=0.02, schedule=schedule(name, warmup=WARMUP, **constants))
    fit = ours(chosen, batching, aside=aside)
    theirs.agrees_with(fit)
    assert fit.history.rate[0] < max(fit.history.rate)
