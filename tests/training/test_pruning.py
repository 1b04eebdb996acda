"""Optuna's pruner ends a training, also where two processes share a study."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support import HANG

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.training.pruning import Pruning

optuna = pytest.importorskip("optuna", reason="Optuna is not installed")


class Trial:
    """What ``Pruning`` needs of a trial."""

    def __init__(self, most: float) -> None:
        self.most, self.reported = most, {}  # type: ignore[var-annotated]

    def report(self, value: float, step: int) -> None:
        self.reported[step] = value

    def should_prune(self) -> bool:
        return len(self.reported) == self.most


def test_each_epoch_is_reported_and_the_pruner_ends_the_training() -> None:
    trial = Trial(3)
    with pytest.raises(optuna.TrialPruned, match=r"^pruned after epoch 3$"):
        cp.train(cp.load("xor"), epochs=10, callbacks=[Pruning(trial, "loss")])
    history = cp.train(cp.load("xor"), epochs=3).history
    assert trial.reported == {1: history.loss[1], 2: history.loss[2], 3: history.loss[3]}


def test_a_number_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidArgument, match=r'^watch: expected one of loss, learning_rate, found "validation_loss"$'):
        cp.train(cp.load("xor"), epochs=2, callbacks=[Pruning(Trial(9))])


SCRIPT = """
import sys, clearprop as cp, optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from clearprop.training.pruning import Pruning

def objective(trial):
    rate = trial.suggest_float("rate", 0.01, 10.0, log=True)
    return cp.train(cp.load("xor"), optimizer=cp.SGD(rate), epochs=5, callbacks=[Pruning(trial, "loss")]).loss_after

study = optuna.create_study(study_name="xor", storage=JournalStorage(JournalFileBackend(sys.argv[1])),
                            load_if_exists=True, pruner=optuna.pruners.MedianPruner(n_startup_trials=1))
study.optimize(objective, n_trials=4)
"""


def test_two_processes_share_a_study_in_a_journal(tmp_path: Path) -> None:
    journal = tmp_path / "journal.log"
    command: list[Any] = [sys.executable, "-W", "ignore", "-c", SCRIPT, journal]
    workers = [subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [worker.wait(timeout=HANG) for worker in workers] == [0, 0]
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal)))
    trials = optuna.load_study(study_name="xor", storage=storage).trials
    assert len(trials) == 8
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "PRUNED"}
