"""From the prompt to a fitted model: whole commands, each a process, taking turns.

``clearprop train NAME --quiet`` beside a short script for each of the others (benchmarks/prompts) that reads
the same table and trains the same network with the same optimizer for as many epochs. clearprop also computes
the loss of all rows, those set aside too, after every epoch, and stops by it; the scripts are told how many epochs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.comparison.result import FEW, Result, Side
from benchmarks.comparison.rounds import Length, rotated
from benchmarks.contenders.entry import Entry

import clearprop as cp
from clearprop.training.batching import batch_size

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = {"PyTorch eager": "with_pytorch", "scikit-learn": "with_scikit_learn"}
ACCURACY = 0.85
"""What every one of them must reach on the rows set aside, or it has not done the work."""


PATIENCE = 300.0
"""Seconds until a command is given up."""


class Unmeasured(Exception):
    """clearprop itself did not do what it was asked."""


@dataclass
class Command:
    """A command line, the environment that it runs in, and what it took."""

    side: Side
    line: list[str]
    environment: dict[str, str]

    def run(self) -> float:
        """Seconds of one run."""
        started = time.perf_counter()
        try:
            done = subprocess.run(
                self.line, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            self.side.failed = f"not done within {PATIENCE:.0f} s"
            return PATIENCE
        seconds = time.perf_counter() - started
        if done.returncode:
            self.side.failed = _last(done)
        elif not self.side.ours and float(done.stdout) < ACCURACY:
            self.side.failed = f"an accuracy of {float(done.stdout):.3f}, expected at least {ACCURACY}"
        return seconds


def prompted(name: str, entries: Sequence[Entry], length: Length, folder: Path) -> Result:
    """A bundled example, from the prompt to a fitted model.

    Raises:
        Unmeasured: clearprop itself failed, which says for how long the others are to train.
    """
    epochs, accuracy = standard(name, folder)
    settings = json.dumps(asked(name, epochs))
    commands = [command(name, entry, settings, folder) for entry in entries if takes_part(entry)]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    result = Result(f"prompt {name}, {epochs} epochs", "run", [each.side for each in commands], load=load)
    print(f"  clearprop trains {epochs} epochs, to an accuracy of {accuracy:.3f}", file=sys.stderr, flush=True)
    for each in commands:
        each.run()  # from now on its files, and what it compiled, are at hand
    for number in range(length.rounds):
        hopeless = result.slow if number >= FEW else []
        for each in rotated(commands, number):
            if each.side.failed is None and each.side not in hopeless:
                each.side.seconds.append(each.run())
    return result


def takes_part(entry: Entry) -> bool:
    """clearprop as it is used, and whoever has a script."""
    return entry.threads is None if entry.ours else entry.name in SCRIPTS


def command(name: str, entry: Entry, settings: str, folder: Path) -> Command:
    """What is typed at the prompt."""
    environment = environment_in(folder) | entry.environment
    if entry.ours:
        line = [sys.executable, "-m", "clearprop", "train", name, "--quiet"]
    else:
        line = [sys.executable, "-m", f"benchmarks.prompts.{SCRIPTS[entry.name]}", settings]
    return Command(Side.of(entry), line, environment)


def environment_in(folder: Path) -> dict[str, str]:
    """This one, with a place for what is kept on disk that no earlier run has filled."""
    return {
        **os.environ,
        "XDG_CACHE_HOME": str(folder / "cache"),
        "CLEARPROP_CACHE_DIR": str(folder / "cache" / "code"),
    }


def standard(name: str, folder: Path) -> tuple[int, float]:
    """For how many epochs clearprop trains, and the accuracy that it reaches on the rows set aside.

    Raises:
        Unmeasured: it did not train.
    """
    line = [sys.executable, "-m", "clearprop", "train", name, "--quiet", "--format", "json"]
    done = subprocess.run(line, env=environment_in(folder), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unmeasured(_last(done))
    found = json.loads(done.stdout)
    return found["epochs"], found["validation"]["accuracy"]


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200]


def asked(name: str, epochs: int) -> dict[str, object]:
    """The settings of an example, as the scripts want them."""
    problem = cp.load(name)
    data, examples = problem.data, problem.examples
    assert data is not None
    assert examples is not None
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
