"""The training loop: cycle after cycle, until the loss converges, a limit is reached, or it diverges."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from clearprop.errors import InvalidArgument
from clearprop.fields import accepted, boolean, optional, path, suggests_options
from clearprop.network.data import Missing
from clearprop.network.description import Network
from clearprop.network.problem import Convergence, EpochLoss, Precision, Problem, Shuffle
from clearprop.rules.optimizers import Optimizer
from clearprop.training.arguments import UNCHANGED, requested
from clearprop.training.callbacks import Callback, Listeners
from clearprop.training.engines import EngineName, engine_for
from clearprop.training.fit import Fit
from clearprop.training.under_way import UnderWay

CHECKPOINT_SECONDS = 10.0
"""The default interval between two checkpoints."""

OF_THE_OPTIMIZER = "the learning rate is the optimizer's: optimizer=SGD(learning_rate=0.1), say"

OF_OTHERS = {
    "validation_split": "split",
    "test_size": "split",
    "validation_fraction": "split",
    "sample_weight": "weights",
    "class_weight": "class_weights",
    "n_epochs": "epochs",
    "max_iter": "epochs",
    "tol": "tolerance",
    "random_state": "seed",
    "n_iter_no_change": "patience",
    "num_epochs": "epochs",
    "callback": "callbacks",
    "verbose": "callbacks",
    "device": "threads",
    "n_jobs": "threads",
    "solver": "optimizer",
}
"""Options that other frameworks call otherwise."""
ELSEWHERE = {name: f'unknown option "{name}"; did you mean "{own}"?' for name, own in OF_OTHERS.items()}


@suggests_options(**ELSEWHERE | dict.fromkeys(("learning_rate", "lr", "learning_rate_init"), OF_THE_OPTIMIZER))
def train(
    problem: Problem | Network,
    inputs: Any = None,
    targets: Any = None,
    *,
    optimizer: Optimizer | None = None,
    weights: Any = None,
    epochs: int | None = UNCHANGED,
    batch_size: int | None = UNCHANGED,
    tolerance: float = UNCHANGED,
    patience: int = UNCHANGED,
    seed: int = UNCHANGED,
    shuffle: Shuffle = UNCHANGED,
    dtype: Precision = UNCHANGED,
    target_loss: float | None = UNCHANGED,
    time_limit: float | None = UNCHANGED,
    gradient_tolerance: float = UNCHANGED,
    early_stopping: bool = UNCHANGED,
    convergence: Convergence = UNCHANGED,
    loss: EpochLoss = UNCHANGED,
    columns: str | Sequence[str] | None = UNCHANGED,
    categorical: str | Sequence[str] = UNCHANGED,
    standardize: bool = UNCHANGED,
    standardize_target: bool | None = UNCHANGED,
    split: float = UNCHANGED,
    missing: Missing = UNCHANGED,
    class_weights: Literal["balanced"] | Mapping[Any, float] | None = UNCHANGED,
    weight_column: str | None = UNCHANGED,
    exclude: str | Sequence[str] = UNCHANGED,
    na: Sequence[str] = UNCHANGED,
    callbacks: Sequence[Callback] = (),
    metrics: bool = False,
    output: str | os.PathLike[str] | None = None,
    checkpoint: float = CHECKPOINT_SECONDS,
    resume: bool = False,
    threads: int | None = None,
    engine: EngineName = "compiled",
) -> Fit:
    """Train a problem, or a network on rows of inputs and targets, until it converges.

    An option that is left out keeps the problem's value; for a network, the default given here.

    A divergence keeps the parameters of the last epoch whose loss was finite; an interrupt (Ctrl-C) keeps
    those of the last step. The result is the same to the bit with any number of threads. Where the compiled
    engine cannot be used, a ``SlowerEngine`` warning says why, and the reference in NumPy does the same work.

    Args:
        problem: a problem, such as ``load`` returns, or a network.
        inputs: an array of shape (rows, inputs), or a data frame of any common library.
        targets: an array of shape (rows, outputs), a class or number per row, or names of columns.
        optimizer: such as ``Adam(0.01)``; default ``SGD(0.1)``.
        weights: how much each row of an array counts.
        epochs: maximum number of epochs, in total; default 10,000 (also for None).
        batch_size: examples per update; default 32 for rows in a call or a table, else all (also for None).
        tolerance: converged once the loss changes by at most this in ``patience`` epochs; default 1e-8. For
            rows in a call or a table it is relative to the loss before training.
        patience: number of epochs that ``tolerance`` and ``early_stopping`` look at; default 10.
        seed: seed of initial weights, split, shuffling and dropout; default 0.
        shuffle: whether each epoch takes the examples in another order, or ``"sklearn"`` for that of scikit-learn's
            MLPs; default
            True.
        dtype: precision of the training, ``"float32"`` (default) or ``"float64"``.
        target_loss: stop once the loss is at most this; default None.
        time_limit: stop after this many seconds; default None.
        gradient_tolerance: converged once the norm of the gradient is at most this; default 0 (never).
        early_stopping: stop once the validation loss does not improve, and keep the best weights; default True.
        convergence: ``"change"`` (default), as above; or ``"improvement"``: the loss, or the validation loss, has not
            been lower than the lowest so far by ``tolerance`` for ``patience`` epochs.
        loss: of an epoch: ``"batches"`` (default), measured batch by batch, each before its update; or ``"exact"``,
            computed over all rows after the epoch. The loss before and after is always exact.
        columns: input columns of a table; default None, all that have no other use.
        categorical: columns that are read as text although they hold numbers; default none.
        standardize: scale numeric inputs to mean 0 and deviation 1; default False.
        standardize_target: the same for numeric targets; default None: for data frames, where outputs can be any
            number; not for arrays.
        split: share of rows set aside for validation; default 0 (under ``[data]`` of a file 0.2).
        missing: what to do about empty cells, ``"refuse"`` (default), ``"mean"`` or ``"drop"``.
        class_weights: a weight for each class, or ``"balanced"``; default None.
        weight_column: column that says how much each row counts; default None.
        exclude: columns that are not used; default none.
        na: words in columns of text that mean a missing value; default ``Data.na``.
        callbacks: objects to call after each epoch; one that returns True ends the training.
        metrics: whether callbacks also get accuracy, or R² and RMSE.
        output: model file to write every ``checkpoint`` seconds, and at the end.
        checkpoint: seconds between two checkpoints.
        resume: continue the training saved at ``output``, to the same bits as without interruption.
        threads: number of threads; default None (chosen automatically).
        engine: ``"compiled"`` or ``"reference"``.

    Raises:
        InvalidArgument: no examples, rows of the wrong length, an unknown option, an impossible value, or
            a resumed training that was changed.
        InvalidNetwork: examples that are not finite or do not fit the loss.
        UnknownName: a column that the call names and the table lacks.
        UnfitTable: a table that does not fit the network.
        Unwritable: nothing can be written at ``output``; raised before the first step.

    >>> import clearprop as cp
    >>> train(cp.load("lecture"))
    Fit(converged: 1,686 epochs, loss 2.9e-6)
    """
    problem = requested(**locals())  # every option by its name
    output = accepted(optional(path), output, "output")
    resume, metrics = accepted(boolean, resume, "resume"), accepted(boolean, metrics, "metrics")
    listeners = Listeners(callbacks)
    if resume and output is None:
        raise InvalidArgument("resume: name the model to continue with output")
    checkpoints, progress = None, None
    if output is not None:
        from clearprop.training.checkpoint import Checkpoints, resumed

        checkpoints = Checkpoints(output, problem, checkpoint)
        progress = resumed(checkpoints) if resume else None
    with np.errstate(all="ignore"):
        start = progress.position.present if progress is not None else None
        chosen = engine_for(problem, start, name=engine, threads=threads)
        return UnderWay(problem, chosen, listeners, checkpoints, progress, metrics).fit()
