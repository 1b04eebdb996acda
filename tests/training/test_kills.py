"""Killed at random moments: the model file is whole or not yet there, and going on ends in the same bits.

One process imports clearprop, and forks a training for every kill: that is what makes hundreds of them
cheap. What is killed writes its model after every step. ``benchmarks/kills.py`` kills whole commands.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLS = 200

# Prints what was seen. Delays are shares of what the run takes undisturbed, on whatever machine.
SCRIPT = """
import json, os, random, signal, sys, time
from pathlib import Path
import numpy as np
import clearprop as cp
from clearprop.errors import ClearpropError
from clearprop.models import read
from clearprop.training import checkpoint
from clearprop.training.loop import train  # now, not in every fork

folder, kills, planted = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "planted"
path, chance = folder / "model.safetensors", random.Random(2)

def in_place(path, data):
    with open(path, "wb") as file:
        file.write(data[: len(data) // 2])
        file.flush()
        time.sleep(0.002)
        file.write(data[len(data) // 2 :])

if planted:
    checkpoint.write_atomically = in_place

generator = np.random.default_rng(0)
inputs = generator.normal(size=(23, 3))
network = cp.Network(3, [cp.Dense(6, "tanh", dropout=0.2), cp.Dense(1, "logistic")], "squared_error")
problem = cp.Problem(network, optimizer=cp.Adam(0.02))
settings = {"batch_size": 4, "epochs": 12, "tolerance": 0.0, "split": 0.2, "seed": 3}
targets = (inputs[:, 0] > 0).astype(float)

def run(path, resume=True):
    train(problem, inputs, targets, output=path, checkpoint=0, resume=resume, **settings)

def forked(path):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            run(path)
            code = 0
        finally:
            os._exit(code)
    return pid

def killed(delay):
    pid = forked(path)
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]

expected = folder / "undisturbed.safetensors"
run(expected)  # imports, too, what is imported late: not again in every fork
expected.unlink()
started = time.monotonic()
assert os.waitpid(forked(expected), 0)[1] == 0
length = time.monotonic() - started
seen = dict.fromkeys(["kills", "whole", "absent", "damaged", "midway", "finished", "equal"], 0)

def finished():
    seen["finished"] += 1
    seen["equal"] += path.read_bytes() == expected.read_bytes()
    seen["leftovers"] = len(list(folder.glob(".*")))
    path.unlink()

def kill_once():
    at_once = not path.exists() and chance.random() < 0.5
    status = killed(0 if at_once else chance.uniform(0, length / 6))
    if status == 0:
        return finished()
    assert os.WIFSIGNALED(status), status
    seen["kills"] += 1
    seen["midway"] += any(folder.glob(".*"))
    if not path.exists():
        seen["absent"] += 1
        return
    try:
        assert read.load_model(path).progress is not None
        seen["whole"] += 1
    except ClearpropError:
        seen["damaged"] += 1
        path.unlink()

# However slow the machine has become since the delays were chosen, three runs end.
for part in (1, 2, 3):
    while seen["kills"] < kills * part / 3:
        kill_once()
    assert os.waitpid(forked(path), 0)[1] == 0
    finished()
seen["seconds"] = time.monotonic() - started
print(json.dumps(seen))
"""


def killed(folder: Path, kills: int, how: str = "") -> dict[str, Any]:
    """What a process saw that trained, killed and went on in a folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(folder), str(kills), how],
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def faults(seen: dict[str, Any]) -> list[str]:
    """What must not be, in what was seen."""
    wrong = [key for key in ("damaged", "leftovers") if seen[key]]
    return wrong + (["equal"] if seen["equal"] != seen["finished"] else [])


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork, and no SIGKILL")
def test_whenever_it_is_killed_the_model_is_whole_and_ends_in_the_same_bits(tmp_path: Path) -> None:
    seen = killed(tmp_path, KILLS)
    print(seen)
    assert faults(seen) == []
    assert seen["kills"] >= KILLS
    assert seen["whole"] + seen["absent"] == seen["kills"]
    # The kills came at all kinds of moments, or this shows nothing.
    assert seen["whole"] >= KILLS / 4
    assert seen["absent"] >= 1
    assert seen["midway"] >= 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork, and no SIGKILL")
def test_a_writer_that_is_not_atomic_is_found_out(tmp_path: Path) -> None:
    assert "damaged" in faults(killed(tmp_path, 40, "planted"))
