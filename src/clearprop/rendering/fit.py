"""A training as a document and as a structure: why it ended, its losses and metrics, its loss curve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clearprop.expressions import Expression, Number
from clearprop.messages import abridged, counted
from clearprop.models.history import keeps_best
from clearprop.network.data import shown_label
from clearprop.prediction.classes import class_labels
from clearprop.prediction.metrics import Metrics
from clearprop.rendering.document import Block, Curve, Document, Grid, Lines, Paragraph, View, shown_number
from clearprop.rendering.formats import Result
from clearprop.training.as_met import shows_batches
from clearprop.training.fit import Fit
from clearprop.training.stopping import Status

METRICS = {"accuracy": "accuracy", "r2": "R²", "rmse": "RMSE"}
"""The format of each metric."""
MAX_CLASSES = 12
"""With more classes the confusion matrix does not fit a terminal; JSON has it all the same."""


def fit_result(fit: Fit, saved: str | None = None) -> Result:
    """Return a training to print. ``saved`` is the file that holds the model, if any."""
    view = View(fit.problem.names)
    return Result(fit.problem.heading, fit_document(fit, saved), view, lambda: fit_structure(fit))


def fit_document(fit: Fit, saved: str | None = None) -> Document:
    """Describe why a training ended and what it achieved, with its loss curve."""
    name = fit.problem.names.notation.total_error
    training, validation = fit.metrics(), fit.metrics("validation")
    lines = [
        f"{fit.reason[0].upper()}{fit.reason[1:]}.",
        f"{counted(fit.epochs, 'epoch')}, {counted(fit.steps, 'step')}, {fit.seconds:.2f} s",
        f"{name}: {shown_number(fit.loss_before, 6)} before, {shown_number(fit.loss_after, 6)} after",
    ]
    if fit.epochs and shows_batches(fit.problem):
        lines.append(f"{name} of each epoch: measured batch by batch, each before its update")
    if (best := _best(fit)) is not None:
        lines.append(f"weights: those of {best}, where the validation loss was lowest")
    if training is not None:
        lines.append(f"training: {shown_metrics(training)}")
    if validation is not None:
        lines.append(f"validation: {shown_metrics(validation, fit.validation_loss)}")
    part, metrics = ("training", training) if validation is None else ("validation", validation)
    confusion = () if metrics is None else _confusion(fit, metrics, part)
    ends = () if saved is None else (Lines((f"saved as {abridged(saved, 200)}",)),)
    notes = [Paragraph(f"Note: {note}") for note in fit.notes]
    return Lines(tuple(lines)), *notes, *confusion, loss_block(fit), *ends


def _best(fit: Fit) -> str | None:
    """Return the epoch whose weights are kept, if that is not the last one, and the reason does not say so."""
    history = fit.history
    if (
        fit.status is Status.EARLY_STOPPING
        or not keeps_best(fit.problem.settings, history)
        or history.best == fit.epochs
    ):
        return None
    return f"epoch {history.best:,}" if history.best else "the start"


def loss_block(fit: Fit) -> Curve:
    """Return the loss curve of a training."""
    return Curve(fit.problem.names.notation.total_error, tuple(fit.history.loss), tuple(fit.history.validation))


def shown_metrics(metrics: Metrics, loss: float | None = None) -> str:
    """Return the metrics as text, after the loss if it is given."""
    words = [] if loss is None else [f"loss {shown_number(loss, 6)}"]
    for name, value in metrics.numbers().items():
        if value is None:
            continue
        if name == "accuracy":
            right = round(value * metrics.rows)
            words.append(f"{METRICS[name]} {value:.2%} ({right:,} of {metrics.rows:,})")
        else:
            # An R² that is 0 but for rounding is shown as 0.
            shown = shown_number(round(value, 4) + 0.0, 4) if name == "r2" else shown_number(value, 6)
            words.append(f"{METRICS[name]} {shown}")
    return ", ".join(words)


def _confusion(fit: Fit, metrics: Metrics, part: str) -> Iterator[Block]:
    """Yield the confusion matrix: a row for each true class, a column for each predicted class."""
    if metrics.confusion is None:
        return
    labels = [abridged(shown_label(label), 12) for label in class_labels(fit.problem) or ()]
    if len(labels) > MAX_CLASSES:
        yield Lines((f"The confusion matrix of {len(labels)} classes is in --format json.",))
        return
    yield Lines((f"predicted, of the {part} rows",))
    counts: list[list[str | Expression]] = [[Number(float(n)) for n in row] for row in metrics.confusion.tolist()]
    yield Grid(("true", *labels), tuple((label, *row) for label, row in zip(labels, counts, strict=True)))


def fit_structure(fit: Fit) -> dict[str, Any]:
    """Return the training for ``train --format json``."""
    labels = class_labels(fit.problem)
    return {
        "status": fit.status.value,
        "reason": fit.reason,
        "epochs": fit.epochs,
        "steps": fit.steps,
        "seconds": round(fit.seconds, 3),
        "loss": {"before": fit.loss_before, "after": fit.loss_after},
        "training": _metrics_structure(fit.metrics(), fit.loss_after),
        "validation": _metrics_structure(fit.metrics("validation"), fit.validation_loss),
        "notes": list(fit.notes),
        **({"classes": [shown_label(label) for label in labels]} if labels is not None else {}),
    }


def _metrics_structure(metrics: Metrics | None, loss: float | None) -> dict[str, Any] | None:
    if metrics is None:
        return None
    confusion = {} if metrics.confusion is None else {"confusion": metrics.confusion.tolist()}
    return {"loss": loss, **metrics.numbers(), **confusion}
