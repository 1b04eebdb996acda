"""From the prompt to a fitted model: whole commands, each a process, taking turns.

``clearprop train NAME --quiet`` beside a short script for each of the others (benchmarks/prompts) that reads
the same table and trains the same network with the same optimizer for as many epochs. clearprop also computes
the loss of the rows set aside after every epoch, and stops by it; the scripts are told how many epochs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.entries import OURS, Entry
from benchmarks.measure import Failed, in_turns, process
from benchmarks.results import FEW, Result, Side

import clearprop as cp
from clearprop.training.batching import batch_size

SCRIPTS = {"PyTorch eager": "with_pytorch", "scikit-learn": "with_scikit_learn"}
ACCURACY = 0.85
"""Each of them must reach this on the rows set aside, or it has not done the work."""


def prompted(name: str, entries: Sequence[Entry], rounds: int, folder: Path) -> Result:
    """Measure a bundled example, from the prompt to a fitted model.

    Raises:
        Failed: clearprop itself failed, which says for how long the others are to train.
    """
    # A place for what is kept on disk that no earlier run has filled.
    places = {"XDG_CACHE_HOME": str(folder / "cache"), "CLEARPROP_CACHE_DIR": str(folder / "cache" / "code")}
    ours = [sys.executable, "-m", "clearprop", "train", name, "--quiet"]
    epochs = json.loads(process([*ours, "--format", "json"], places).printed)["epochs"]
    result, commands = Result(f"prompt {name}, {epochs} epochs", "run", []), []
    for entry in entries:
        if entry.name in SCRIPTS or (entry.name == OURS and entry.threads is None):
            script = f"benchmarks.prompts.{SCRIPTS.get(entry.name)}"
            line = ours if entry.ours else [sys.executable, "-m", script, json.dumps(asked(name, epochs))]
            result.sides.append(Side.of(entry))
            commands.append((result.sides[-1], line, places | entry.environment))
    # The first round brings files, and what was compiled, to hand.
    for number, (side, line, environment) in in_turns(commands, 1 + rounds):
        if side.failed is None and not (number > FEW and side in result.slow):
            seconds = once(side, line, environment)
            if number > 0 and side.failed is None:
                side.seconds.append(seconds)
    return result


def once(side: Side, line: list[str], environment: dict[str, str]) -> float:
    """Run a command; return its seconds, or note on its side what went wrong."""
    try:
        done = process(line, environment)
    except Failed as failure:
        side.failed = str(failure)
        return 0.0
    if side.peer and float(done.printed) < ACCURACY:
        side.failed = f"an accuracy of {float(done.printed):.3f}, expected at least {ACCURACY}"
    return done.seconds


def asked(name: str, epochs: int) -> dict[str, object]:
    """Return the settings of an example, as the scripts want them."""
    problem = cp.load(name)
    data = problem.data
    assert data is not None
    return {
        "file": str(Path(cp.__file__).parent / "examples" / data.file),
        "target": data.target[0],
        "aside": data.split,
        "standardize": data.standardize,
        "hidden": problem.network.sizes[1:-1],
        "rate": problem.optimizer.learning_rate,
        "l2": problem.penalty.l2,
        "batch": batch_size(problem),
        "epochs": epochs,
    }
