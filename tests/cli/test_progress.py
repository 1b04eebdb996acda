"""Progress of a training."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli.progress import Display, shown_logs
from clearprop.cli.train import run_train


def test_plain_lines_come_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("clearprop.cli.progress.time.monotonic", lambda: clock[0])
    display = Display(stream := io.StringIO())
    for done in (10, 20, 30):
        display.reading(done, 40)
        clock[0] += 0.6
    display.on_train_begin(cp.load("lecture"), 2)
    for epoch in range(3, 8):
        display.on_epoch_end(epoch, {"loss": 1 / epoch, "learning_rate": 0.5})
        clock[0] += 0.4
    display.on_train_end({})
    lines = stream.getvalue().splitlines()
    assert lines[0] == "reading: 75% of 0.0 MB"
    assert [line for line in lines if line.startswith("epoch")] == [
        "epoch 3 of 10,000: loss 0.3333, rate 0.5",
        "epoch 6 of 10,000: loss 0.1667, rate 0.5",
        "epoch 7 of 10,000: loss 0.1429, rate 0.5",
    ]
    assert "resumed after epoch 2" in lines


def test_text_from_a_file_is_never_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    path = tmp_path / "[red]net.toml"
    path.write_text(cp.write(cp.load("lecture")))
    assert run_train(str(path), epochs=2) == 0
    assert "[red]net.toml: 1 example" in capsys.readouterr().err.replace("\n", "")


def test_logs_are_shown_in_words() -> None:
    logs = {"validation_accuracy": 0.5, "r2": 0.25, "loss": 1.0, "learning_rate": 1e-5}
    assert shown_logs(logs) == "loss 1, rate 1e-5, validation accuracy 0.5, R² 0.25"
