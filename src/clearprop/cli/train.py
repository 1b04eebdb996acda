"""``clearprop train``"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from clearprop.atomic_write import require_writable, write_atomically
from clearprop.cli.log import Log
from clearprop.cli.notices import notices
from clearprop.cli.output import deliver
from clearprop.cli.progress import display
from clearprop.cli.signals import Interrupts
from clearprop.errors import ClearpropError, InvalidArgument, Unwritable
from clearprop.loading import load
from clearprop.messages import abridged, counted
from clearprop.network.data import shown_label
from clearprop.network.write import save
from clearprop.prediction.metrics import Metrics, class_labels
from clearprop.rendering.as_json import dumps
from clearprop.rendering.curves import curve, plot, require_plot
from clearprop.rendering.document import shown_number
from clearprop.training.callbacks import Callback
from clearprop.training.loop import CHECKPOINT_SECONDS, Fit, train

MAX_CLASSES = 12
"""A confusion matrix of more classes does not fit a terminal; JSON has it all the same."""


def run_train(
    net: str,
    *,
    data: str | None = None,
    target: tuple[str, ...] = (),
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    threads: int | None = None,
    output: str | None = None,
    checkpoint: float = CHECKPOINT_SECONDS,
    resume: bool = False,
    plot: str | None = None,
    log: str | None = None,
    metrics: bool = False,
    format: str = "text",
    quiet: bool = False,
) -> int:
    """Train, say why it stopped, and save what was learnt if ``output`` is given; the exit code.

    Raises:
        RequestError: a file that cannot be read, or an option that makes no sense.
        Unwritable: what was learnt cannot be saved; how the training went is printed all the same.
    """
    plot_format = require_plot(plot) if plot is not None else None
    model = output if output is not None and not output.endswith(".toml") else None
    for path in (output, plot):
        if path is not None:
            require_writable(path)
    if resume and model is None:
        found = "a network file" if output is not None else "no --output"
        raise InvalidArgument(f"--resume goes on with the model named by --output, found {found}")
    given = {"epochs": epochs, "batch_size": batch_size}
    settings: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    with Interrupts() as interrupts, notices(quiet), display(quiet) as shown:
        problem = load(net, data=data, target=target or None, seed=seed, progress=shown.reading if shown else None)
        if learning_rate is not None:
            if not 0 <= learning_rate < math.inf:
                raise InvalidArgument(f"--learning-rate: expected a finite number of at least 0, found {learning_rate}")
            problem = replace(problem, optimizer=replace(problem.optimizer, learning_rate=learning_rate))
        if problem.fitted is not None and output is not None and model is None:
            raise InvalidArgument(
                f"--output: a network file cannot hold what was fitted on a table; name a model, such as "
                f"{abridged(output.removesuffix('.toml'), 200)}.safetensors"
            )
        listening: list[Callback | None] = [interrupts, shown, Log(log) if log is not None else None]
        fit = train(
            problem,
            callbacks=[each for each in listening if each is not None],
            metrics=metrics,
            output=model,
            checkpoint=checkpoint,
            resume=resume,
            threads=threads,
            **settings,
        )
        failures = _written(fit, output, model, plot, plot_format)
    unsaved = fit.unsaved is not None or any(path == output for path, _ in failures)
    saved = None if unsaved else output
    deliver(dumps(structure(fit)) if format == "json" else text(fit, saved), None)
    if fit.unsaved is not None:
        raise fit.unsaved
    if failures:
        raise failures[0][1]
    return fit.status.exit_code


def _written(
    fit: Fit, output: str | None, model: str | None, picture: str | None, format: str | None
) -> list[tuple[str, ClearpropError]]:
    """Write what is not a model, which training itself has saved; what could not be written, and why."""
    failures: list[tuple[str, ClearpropError]] = []
    if output is not None and model is None:
        try:
            save(fit.problem, output)
        except ClearpropError as error:
            failures.append((output, error))
    if picture is not None and format is not None:
        total = fit.problem.names.notation.total_error
        title = abridged(fit.problem.name)
        try:
            drawn = plot(fit.history.loss, fit.history.validation, title=title, total=total, format=format)
            write_atomically(picture, drawn)
        except Unwritable as error:
            failures.append((picture, error))
    return failures


def structure(fit: Fit) -> dict[str, Any]:
    """The result for ``--format json``."""
    labels = class_labels(fit.problem)
    return {
        "status": fit.status.value,
        "reason": fit.reason,
        "epochs": fit.epochs,
        "steps": fit.steps,
        "seconds": round(fit.seconds, 3),
        "loss": {"before": fit.loss_before, "after": fit.loss_after},
        "training": _part(fit.loss_after, fit.metrics()),
        "validation": _part(fit.validation_loss, fit.metrics("validation")),
        **({"classes": [shown_label(label) for label in labels]} if labels is not None else {}),
    }


def _part(loss: float | None, metrics: Metrics | None) -> dict[str, Any] | None:
    if metrics is None:
        return None
    part: dict[str, Any] = {"loss": loss, **metrics.numbers()}
    if metrics.confusion is not None:
        part["confusion"] = metrics.confusion.tolist()
    return part


# --- the result as text ---------------------------------------------------------------------------------


def text(fit: Fit, output: str | None) -> str:
    """The result as lines of text."""
    name = fit.problem.names.notation.total_error
    lines = [f"{fit.reason[0].upper()}{fit.reason[1:]}."]
    lines.append(f"{counted(fit.epochs, 'epoch')}, {counted(fit.steps, 'step')}, {fit.seconds:.2f} s")
    lines.append(f"{name}: {shown_number(fit.loss_before, 6)} before, {shown_number(fit.loss_after, 6)} after")
    parts = {"training": fit.metrics(), "validation": fit.metrics("validation")}
    losses = {"training": None, "validation": fit.validation_loss}
    lines += [
        f"{part}: {shown_metrics(metrics, losses[part])}" for part, metrics in parts.items() if metrics is not None
    ]
    shown = parts["validation"] or parts["training"]
    if shown is not None and shown.confusion is not None:
        lines += ["", *confusion(fit, shown, "validation" if parts["validation"] else "training")]
    if drawn := curve(fit.history.loss, fit.history.validation):
        lines += ["", *drawn]
    if output is not None:
        lines += ["", f"saved as {abridged(output, 200)}"]
    return "\n".join(lines).rstrip() + "\n"


def shown_metrics(metrics: Metrics, loss: float | None) -> str:
    """The metrics of some rows, in words."""
    words = [] if loss is None else [f"loss {shown_number(loss, 6)}"]
    if metrics.accuracy is not None:
        right = round(metrics.accuracy * metrics.rows)
        words.append(f"accuracy {metrics.accuracy:.2%} ({right:,} of {metrics.rows:,})")
    if metrics.r2 is not None:
        words.append(f"R² {metrics.r2:.4f}")
    if metrics.rmse is not None:
        words.append(f"RMSE {shown_number(metrics.rmse, 6)}")
    return ", ".join(words)


def confusion(fit: Fit, metrics: Metrics, part: str) -> list[str]:
    """The confusion matrix, a line per true class, a column per predicted one."""
    labels = [abridged(shown_label(label), 12) for label in class_labels(fit.problem) or ()]
    if metrics.confusion is None or len(labels) > MAX_CLASSES:
        return [f"The confusion matrix of {len(labels)} classes is in --format json."]
    table = metrics.confusion.tolist()
    cells = [max(len(label), *(len(f"{row[place]:,}") for row in table)) for place, label in enumerate(labels)]
    head = max(len("true"), *map(len, labels))
    lines = [f"predicted, of the {part} rows"]
    lines.append("  ".join(["true".ljust(head), *(label.rjust(cells[place]) for place, label in enumerate(labels))]))
    for label, row in zip(labels, table, strict=True):
        lines.append(
            "  ".join([label.ljust(head), *(f"{count:,}".rjust(cells[place]) for place, count in enumerate(row))])
        )
    return lines
