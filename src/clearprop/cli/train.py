"""``clearprop train``"""

from __future__ import annotations

import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from clearprop.cli.output import deliver
from clearprop.errors import InvalidArgument, Unwritable, abridged
from clearprop.network.description import Network
from clearprop.network.file import load
from clearprop.network.parameters import Parameters
from clearprop.network.write import save
from clearprop.rendering.document import shown_number
from clearprop.rendering.structure import dumps
from clearprop.training.loop import EPOCHS, Fit, train
from clearprop.training.stopping import counted


def run_train(
    net: str,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    output: str | None = None,
    format: str = "text",
    quiet: bool = False,
) -> int:
    """Train, say why it stopped, and save what was learnt if ``output`` is given; the exit code.

    Raises:
        RequestError: a file that cannot be read, or an option that makes no sense.
        Unwritable: what was learnt cannot be saved; how the training went is printed all the same.
    """
    problem = load(net)
    if learning_rate is not None:
        if not 0 <= learning_rate < math.inf:
            raise InvalidArgument(f"--learning-rate: expected a finite number of at least 0, found {learning_rate}")
        problem = replace(problem, optimizer=replace(problem.optimizer, learning_rate=learning_rate))
    given = {"epochs": epochs, "batch_size": batch_size, "seed": seed}
    settings: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if seed is not None and seed != problem.settings.seed:
        # Weights that the file does not give follow the seed.
        problem = replace(problem, parameters=_reseeded(problem.parameters, problem.settings.seed, seed))
    limit = epochs if epochs is not None else problem.settings.epochs
    with _progress(EPOCHS if limit is None else limit, quiet) as on_epoch_end:
        fit = train(problem, on_epoch_end=on_epoch_end, **settings)
    unsaved: Unwritable | None = None
    if output is not None:
        try:
            save(fit.problem, output)
        except Unwritable as error:
            unsaved = error
    saved = output if unsaved is None else None
    deliver(dumps(structure(fit)) if format == "json" else text(fit, saved), None)
    if unsaved is not None:
        raise unsaved
    return fit.status.exit_code


def _reseeded(parameters: Parameters, old: int, new: int) -> Parameters:
    """The parameters with every layer that was drawn at random drawn again."""
    network: Network = parameters.layout.network
    drawn, again = Parameters.random(network, old), Parameters.random(network, new)
    changed = parameters.with_vector(parameters.vector.copy())
    for layer in range(network.depth):
        if (parameters.weights(layer) == drawn.weights(layer)).all():
            changed.weights(layer)[:] = again.weights(layer)
    return changed


def structure(fit: Fit) -> dict[str, Any]:
    """The result for ``--format json``."""
    return {
        "status": fit.status.value,
        "reason": fit.reason,
        "epochs": fit.epochs,
        "steps": fit.steps,
        "seconds": round(fit.seconds, 3),
        "loss": {"before": fit.loss_before, "after": fit.loss_after},
        "training": {"loss": fit.loss_after},
        "validation": None,
    }


def text(fit: Fit, output: str | None) -> str:
    """The result as lines of text."""
    name = fit.problem.names.notation.total_error
    lines = [f"{fit.reason[0].upper()}{fit.reason[1:]}."]
    lines.append(f"{counted(fit.epochs, 'epoch')}, {counted(fit.steps, 'step')}, {fit.seconds:.2f} s")
    lines.append(f"{name}: {shown_number(fit.loss_before, 6)} before, {shown_number(fit.loss_after, 6)} after")
    if drawn := curve(fit.history.loss):
        lines += ["", *drawn]
    if output is not None:
        lines += ["", f"saved as {abridged(output, 200)}"]
    return "\n".join(lines).rstrip() + "\n"


BLOCKS = " ▁▂▃▄▅▆▇█"


def curve(losses: Sequence[float], width: int = 64, height: int = 8) -> list[str]:
    """The loss against the epoch, on a logarithmic scale, as a few lines of text."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    positive = [loss for loss in finite if loss > 0]
    if len(positive) < 2 or min(positive) == max(positive):
        return []
    low, high = math.log10(min(positive)), math.log10(max(positive))
    columns = min(width, len(finite))
    picked = [finite[round(k * (len(finite) - 1) / max(1, columns - 1))] for k in range(columns)]
    levels = [0.0 if loss <= 0 else (math.log10(loss) - low) / (high - low) * (height * 8 - 1) + 1 for loss in picked]
    lines = []
    for row in reversed(range(height)):
        cells = "".join(BLOCKS[max(0, min(8, math.floor(level - 8 * row)))] for level in levels)
        label = {height - 1: f"{10**high:9.2e}", 0: f"{10**low:9.2e}"}.get(row, " " * 9)
        lines.append(f"{label} ┤{cells}".rstrip())
    lines.append(" " * 10 + "└" + "─" * columns)
    lines.append(" " * 11 + "0" + f"epoch {len(losses) - 1:,}".rjust(columns - 1))
    return lines


@contextmanager
def _progress(limit: int, quiet: bool) -> Iterator[Callable[[int, Mapping[str, float]], object] | None]:
    """A progress bar on a terminal's stderr, nothing elsewhere; SIGTERM ends training like Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    # Python lets only the main thread say what a signal does.
    main = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGTERM, interrupt) if main else None
    try:
        if quiet or not sys.stderr.isatty():
            yield None
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("epoch {task.completed:,.0f} of {task.total:,.0f}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.6g}  rate {task.fields[rate]:.3g}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=limit, loss=float("nan"), rate=float("nan"))

            def show(epoch: int, logs: Mapping[str, float]) -> None:
                progress.update(task, completed=epoch, loss=logs["loss"], rate=logs["learning_rate"])

            yield show
    finally:
        if main:
            signal.signal(signal.SIGTERM, previous)
