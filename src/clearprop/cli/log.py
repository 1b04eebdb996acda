"""A log of a training: one line of JSON for each epoch."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from clearprop.atomic_write import require_writable, write_atomically
from clearprop.messages import abridged, reason
from clearprop.network.problem import Problem
from clearprop.training.callbacks import Callback, Logs


class Log(Callback):
    """A line for each epoch, as soon as it is done: ``{"epoch": 1, "loss": …, "learning_rate": …}``."""

    def __init__(self, path: str) -> None:
        require_writable(path)
        self.path, self.broken = Path(path), False

    def on_train_begin(self, problem: Problem, epochs: int) -> None:
        """Start the file; a resumed training keeps the lines of the epochs before it."""
        kept = []
        if epochs and self.path.is_file():
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
            kept = [line for line in lines if 0 < _epoch(line) <= epochs]
        write_atomically(self.path, "".join(f"{line}\n" for line in kept))

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write a line; if that fails, the log ends and training continues."""
        if self.broken:
            return
        numbers = {key: value if math.isfinite(value) else None for key, value in logs.items()}
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"epoch": epoch, **numbers}) + "\n")
        except OSError as error:
            self.broken = True
            shown = abridged(str(self.path), 200)
            print(f"clearprop: {shown}: the log ends here: {reason(error)}", file=sys.stderr, flush=True)


def _epoch(line: str) -> int:
    """Return the epoch of a line; 0 if it is no line of a log."""
    try:
        epoch = json.loads(line)["epoch"]
    except (ValueError, KeyError, TypeError):
        return 0
    return epoch if isinstance(epoch, int) else 0
