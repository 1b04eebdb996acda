"""The result of a training."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

from clearprop.display import Displayable
from clearprop.errors import Unwritable
from clearprop.fields import accepted, either
from clearprop.fields import path as path_of_file
from clearprop.messages import brief, counted
from clearprop.models.history import History
from clearprop.network.problem import Problem
from clearprop.prediction.metrics import Metrics, measured
from clearprop.training.notes import notes
from clearprop.training.stopping import Status
from clearprop.types import Array


@dataclass(frozen=True, repr=False)
class Fit(Displayable):
    """The result of a training: ``problem`` has the trained parameters, ``reason`` is a sentence.

    ``epochs`` counts complete ones. ``loss_after`` is E_total over all training examples with the parameters of
    ``problem``, ``validation_loss`` that of the validation examples. With early stopping the parameters are
    those of epoch ``history.best``. ``unsaved`` says why the model could not be written, if that failed.
    """

    problem: Problem
    status: Status
    reason: str
    history: History
    epochs: int
    steps: int
    seconds: float
    loss_after: float
    validation_loss: float | None = None
    unsaved: Unwritable | None = None

    def __repr__(self) -> str:
        noticed = f", {counted(len(self.notes), 'note')}" if self.notes else ""
        return (
            f"Fit({self.status.value}: {counted(self.epochs, 'epoch')}, loss {brief(self.loss_after, '.2g')}{noticed})"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on the training, a sentence or two each: nothing learnt, an end that came too early, dead units."""
        return notes(self.problem, self.status, self.history)

    @property
    def loss_before(self) -> float:
        """E_total over all training examples with the initial weights."""
        return self.history.loss[0]

    def predict(self, inputs: Any, *, classes: bool = False) -> Array:
        """Return the outputs for rows of inputs, shape (rows, outputs), or their classes; see ``clearprop.predict``.

        Raises:
            InvalidArgument: rows of the wrong length, or not finite.
            UnfitTable: a data frame that lacks a column, or holds a value that training never saw.
        """
        from clearprop.prediction.predict import predict

        return predict(self.problem, inputs, classes=classes)

    def metrics(self, part: Literal["training", "validation"] = "training") -> Metrics | None:
        """Return accuracy, or R² and RMSE, on the training or validation rows; None if there are none."""
        assert self.problem.examples is not None
        parts = {"training": self.problem.examples.learnt, "validation": self.problem.examples.validation}
        rows = parts[accepted(either(*parts), part, "part")]
        return None if rows is None else measured(self.problem, self.problem.parameters, rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trained network as a model file, whole or not at all.

        Raises:
            Unwritable: the file cannot be written; what was there is untouched.
        """
        from clearprop.models.model import Model, save_model

        save_model(Model(self.problem), accepted(path_of_file, path, "path"))
