"""``clearprop train``"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clearprop.atomic_write import require_writable, write_atomically
from clearprop.cli.log import Log
from clearprop.cli.net import opened
from clearprop.cli.notices import notices
from clearprop.cli.output import deliver, refuse_document
from clearprop.cli.progress import display
from clearprop.cli.signals import Interrupts
from clearprop.errors import ClearpropError, InvalidArgument, Unwritable
from clearprop.messages import abridged
from clearprop.network.write import save
from clearprop.rendering.fit import fit_result, loss_block
from clearprop.rendering.plot import plot, require_plot
from clearprop.training.callbacks import Callback
from clearprop.training.fit import Fit
from clearprop.training.loop import train

SETTINGS = ("epochs", "batch_size", "threads", "checkpoint", "metrics")
"""Options that are those of ``train``."""


def run_train(
    net: str,
    *,
    learning_rate: float | None = None,
    seed: int | None = None,
    output: str | None = None,
    resume: bool = False,
    plot: str | None = None,
    log: str | None = None,
    format: str = "text",
    quiet: bool = False,
    **more: Any,
) -> int:
    """Train, print why training stopped, save the model if ``output`` is given; return the exit code.

    ``more`` are options of ``train``, and of ``load``. A model that cannot be saved is a failure once the result is
    printed.
    """
    refuse_document(
        output,
        "train saves a model (.safetensors) or a network file (.toml)",
        "for the result as a document use --format and > FILE",
    )
    if output == "-":
        raise InvalidArgument("--output: a model is a file; name it, such as model.safetensors")
    plot_format = require_plot(plot) if plot is not None else None
    model = output if output is not None and not output.endswith(".toml") else None
    for path in (output, plot):
        if path is not None:
            require_writable(path)
    if resume and model is None:
        found = "a network file" if output is not None else "no --output"
        raise InvalidArgument(f"--resume continues the model named by --output, found {found}")
    with Interrupts() as interrupts, notices(quiet), display(quiet) as shown:
        settings = {name: value for name in SETTINGS if (value := more.pop(name, None)) is not None}
        problem = opened(net, **more, seed=seed, progress=shown.reading if shown else None)
        if learning_rate is not None:
            problem = replace(problem, optimizer=replace(problem.optimizer, learning_rate=learning_rate))
        if problem.fitted is not None and output is not None and model is None:
            raise InvalidArgument(
                f"--output: a network file cannot hold what was fitted on a table; name a model, such as "
                f"{abridged(output.removesuffix('.toml'), 200)}.safetensors"
            )
        listening: list[Callback | None] = [interrupts, shown, Log(log) if log is not None else None]
        callbacks = [each for each in listening if each is not None]
        fit = train(problem, callbacks=callbacks, output=model, resume=resume, **settings)
        failures = _written(fit, output, model, plot, plot_format)
    unsaved = fit.unsaved is not None or any(path == output for path, _ in failures)
    deliver(fit_result(fit, None if unsaved else output), format)
    if fit.unsaved is not None:
        raise fit.unsaved
    if failures:
        raise failures[0][1]
    return fit.status.exit_code


def _written(
    fit: Fit, output: str | None, model: str | None, picture: str | None, format: str | None
) -> list[tuple[str, ClearpropError]]:
    """Write the network file and the plot (training itself saves a model); return the files that could not be
    written, and why."""
    failures: list[tuple[str, ClearpropError]] = []
    if output is not None and model is None:
        try:
            save(fit.problem, output)
        except ClearpropError as error:
            failures.append((output, error))
    if picture is not None and format is not None:
        try:
            write_atomically(picture, plot(loss_block(fit), title=abridged(fit.problem.heading), kind=format))
        except Unwritable as error:
            failures.append((picture, error))
    return failures
