"""The log of a training."""

from __future__ import annotations

from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli.log import Log
from clearprop.errors import Unwritable


def test_a_log_that_cannot_go_on_does_not_stop_the_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unwritable, match="there is no folder"):
        Log(str(tmp_path / "none" / "log"))
    log = Log(str(tmp_path / "log"))
    log.on_train_begin(cp.load("lecture"), 0)
    log.on_epoch_end(1, {"loss": float("inf")})
    assert (tmp_path / "log").read_text() == '{"epoch": 1, "loss": null}\n'
    (tmp_path / "log").unlink()
    (tmp_path / "log").mkdir()
    log.on_epoch_end(2, {"loss": 1.0})
    log.on_epoch_end(3, {"loss": 1.0})
    assert capsys.readouterr().err == f"clearprop: {tmp_path / 'log'}: the log ends here: Is a directory\n"
