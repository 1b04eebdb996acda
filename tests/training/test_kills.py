"""Trainings killed at random calls: the model file is whole or not yet there, and resuming ends in the same bits.

One process imports clearprop, and forks a training for every kill, so that each costs little.
Each writes its model after every step, and ends before the n-th function that it calls, Python's or C's:
the moments are the same on every machine, busy or not. ``benchmarks/kills.py`` kills whole commands by the clock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support import HANG

KILLS = 40

# Prints what was seen. Kills come after a share of the calls that a whole run makes, in three of four cases of
# those that it makes while it writes, or only of those that write, flush and rename: there it matters.
SCRIPT = """
import json, os, random, signal, sys
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
        file.write(data[len(data) // 2 :])

if planted:
    checkpoint.write_atomically = in_place

generator = np.random.default_rng(0)
inputs = generator.normal(size=(23, 3))
network = cp.Network(3, [cp.Dense(6, "tanh", dropout=0.2), cp.Dense(1, "logistic")], "squared_error")
problem = cp.Problem(network, optimizer=cp.Adam(0.02))
settings = {"batch_size": 4, "epochs": 8, "tolerance": 0.0, "split": 0.2, "seed": 3}
targets = (inputs[:, 0] > 0).astype(float)

def run(path, resume=True):
    train(problem, inputs, targets, output=path, checkpoint=0, resume=resume, **settings)

calls = 0

def counted(work, limit=-1, writing=None):
    def counting(frame, event, argument):
        global calls
        if writing == "files":  # a temporary file is there
            calls += event == "c_call" and argument.__name__ in ("write", "fsync", "replace")
        else:
            calls += event in ("call", "c_call")
        if calls == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    real = checkpoint.write_atomically

    def write(path, data):
        sys.setprofile(counting)
        real(path, data)
        sys.setprofile(None)

    if writing:
        checkpoint.write_atomically = write
    else:
        sys.setprofile(counting)
    work()
    sys.setprofile(None)
    checkpoint.write_atomically = real

def forked(path, limit=-1, writing=None):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            counted(lambda: run(path), limit, writing)
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]

expected = folder / "undisturbed.safetensors"
run(expected)  # imports, too, what is imported late: not again in every fork
length = {}
for writing in (None, "calls", "files"):
    expected.unlink(missing_ok=True)
    counted(lambda: run(expected), writing=writing)
    length[writing], calls = calls, 0
seen = dict.fromkeys(["kills", "whole", "absent", "damaged", "midway", "finished", "equal"], 0)

def finished():
    seen["finished"] += 1
    seen["equal"] += path.read_bytes() == expected.read_bytes()
    seen["leftovers"] = len(list(folder.glob(".*")))
    path.unlink()

def kill_once():
    at_once = not path.exists() and chance.random() < 0.5
    writing = None if at_once else chance.choice([None, "calls", "calls", "files"])
    status = forked(path, 1 if at_once else chance.randrange(1, length[writing] // 6), writing)
    if status == 0:
        return finished()
    assert os.WIFSIGNALED(status), status
    seen["kills"] += 1
    seen["midway"] += any(folder.glob(".*"))
    if not path.exists():
        seen["absent"] += 1
        return
    try:
        assert read.read_model(path).progress is not None
        seen["whole"] += 1
    except ClearpropError:
        seen["damaged"] += 1
        path.unlink()

for part in (1, 2, 3):
    while seen["kills"] < kills * part / 3:
        kill_once()
    assert forked(path) == 0
    finished()
print(json.dumps(seen))
"""


def killed(folder: Path, kills: int, how: str = "") -> dict[str, Any]:
    """What a process saw that trained, killed and went on in a folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(folder), str(kills), how],
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        timeout=HANG,
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
    assert seen["midway"] >= KILLS / 20


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork, and no SIGKILL")
def test_a_writer_that_is_not_atomic_is_found_out(tmp_path: Path) -> None:
    assert "damaged" in faults(killed(tmp_path, 9, "planted"))
