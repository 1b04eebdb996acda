"""Optuna: a trial whose loss is hopeless ends before its training does."""

from __future__ import annotations

from typing import Any

from clearprop.errors import InvalidArgument, MissingExtra
from clearprop.fields import accepted, string
from clearprop.training.callbacks import Callback, Logs


class Pruning(Callback):
    """Reports a number of each epoch to an Optuna trial, and ends the training where its pruner says so.

    - ``trial``: the trial, as Optuna hands it to the objective.
    - ``watch``: which of the numbers that callbacks get, such as ``"loss"``, ``"validation_loss"`` or, with
      ``metrics=True``, ``"validation_accuracy"``.
    """

    def __init__(self, trial: Any, watch: str = "validation_loss") -> None:
        try:
            from optuna import TrialPruned
        except ImportError:
            raise MissingExtra("Pruning", "optuna", "optuna") from None
        self.trial, self.watch, self.pruned = trial, accepted(string, watch, "watch"), TrialPruned

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.watch not in logs:
            raise InvalidArgument(f'watch: expected one of {", ".join(logs)}, found "{self.watch}"')
        self.trial.report(logs[self.watch], epoch)
        if self.trial.should_prune():
            raise self.pruned(f"pruned after epoch {epoch:,}")
