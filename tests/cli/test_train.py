"""``clearprop train``: what is printed, what is saved, and the exit code."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support import EachEpoch

import clearprop as cp
from clearprop.cli import train as room
from clearprop.cli.train import run_train
from clearprop.errors import InvalidArgument, Unwritable


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_train("lecture") == 0
    shown = capsys.readouterr()
    lines = shown.out.split("\n")
    fit = cp.train(cp.load("lecture"))
    assert lines[0] == "Converged: the loss changed by at most 1e-08 in each of the last 10 epochs."
    assert lines[1].startswith(f"{fit.epochs:,} epochs, {fit.steps:,} steps, ")
    assert lines[2].startswith("E_total: 0.249090 before, 0.000003 after")
    assert lines[3] == "training: RMSE 0.001696"
    assert max(map(len, lines)) <= 80
    assert shown.err.startswith(
        "lecture: 1 example\nlayer  activation  weights  biases  parameters\n    1  logistic    2 x 2"
    )
    assert "\nloss half_squared_error; sgd, learning rate 0.6; batches of 1; seed 0; float32\nepoch 1 of" in shown.err


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_train("xor", epochs=3, batch_size=2, format="json") == 0
    found = json.loads(capsys.readouterr().out)
    seconds = found.pop("seconds")
    fit = cp.train(cp.load("xor"), epochs=3, batch_size=2)
    assert 0 <= seconds < 60
    assert found == {
        "status": "epoch_limit",
        "reason": "the limit of 3 epochs was reached before the loss converged",
        "epochs": 3,
        "steps": 6,
        "loss": {"before": fit.loss_before, "after": fit.loss_after},
        "training": {"loss": fit.loss_after, "accuracy": 0.5, "confusion": [[0, 2], [0, 2]]},
        "validation": None,
        "classes": ["0", "1"],
    }


@pytest.mark.parametrize(
    ("settings", "status"),
    [({"target_loss": 0.2}, "target_loss"), ({"time_limit": 1e-9}, "time_limit"), ({"epochs": 0}, "epoch_limit")],
)
def test_limits_end_with_zero(
    settings: dict[str, Any], status: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cp.save(replace(cp.load("lecture"), settings=cp.Settings(**settings)), tmp_path / "net.toml")
    assert run_train(str(tmp_path / "net.toml"), format="json") == 0
    assert json.loads(capsys.readouterr().out)["status"] == status


def test_divergence_ends_with_one_and_json_stays_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = cp.Network(1, [cp.Dense(1, "exp(z)")], "squared_error")
    examples = cp.Examples.of([[1.0]], [[0.0]])
    problem = cp.Problem(network, cp.Parameters.of(network, [[[1000.1]]]), examples=examples)
    cp.save(problem, tmp_path / "net.toml")
    assert run_train(str(tmp_path / "net.toml"), format="json", output=str(tmp_path / "out.toml")) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["loss"]) == ("diverged", {"before": None, "after": None})
    assert cp.load(tmp_path / "out.toml") == problem
    assert run_train(str(tmp_path / "net.toml")) == 1
    assert capsys.readouterr().out.startswith("Diverged before the first step: a_y1 is inf; layer 1, example 1;")


def test_an_interrupt_ends_with_130_and_saves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(problem: cp.Problem, **settings: Any) -> cp.Fit:
        def stop(epoch: int, logs: object) -> None:
            if epoch == 40:
                raise KeyboardInterrupt

        return cp.train(problem, **{**settings, "callbacks": [*settings["callbacks"], EachEpoch(stop)]})

    monkeypatch.setattr(room, "train", interrupted)
    assert run_train("lecture", output=str(tmp_path / "out.toml")) == 130
    shown = capsys.readouterr().out
    assert shown.startswith("Interrupted: what was learnt so far is kept.\n40 epochs, 40 steps, ")
    assert shown.endswith("/out.toml\n")
    expected = cp.train(cp.load("lecture"), epochs=40).problem.parameters
    assert cp.load(tmp_path / "out.toml").parameters == expected


def test_options_take_the_place_of_the_file_s(tmp_path: Path) -> None:
    out = tmp_path / "out.toml"
    run_train("xor", epochs=2, batch_size=1, learning_rate=0.25, seed=9, output=str(out))
    saved, xor = cp.load(out), cp.load("xor")
    assert saved.optimizer == replace(xor.optimizer, learning_rate=0.25)
    assert saved.settings == replace(xor.settings, epochs=2, batch_size=1, seed=9)
    with pytest.raises(InvalidArgument, match=r"^learning_rate: expected a finite number, found nan$"):
        run_train("xor", learning_rate=float("nan"))


def test_the_seed_draws_anew_what_the_file_does_not_give(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    text = cp.write(cp.load("lecture"))
    second = text.index("weights = [[0.5")
    path.write_text(text[:second] + text[text.index("\n", second) + 1 :])
    run_train(str(path), epochs=0, seed=5, output=str(tmp_path / "out.toml"))
    saved = cp.load(tmp_path / "out.toml").parameters
    assert saved.weights(0).tolist() == [[0.1, 0.3], [0.2, 0.4]]
    assert saved.weights(1).tolist() == cp.Parameters.random(cp.load("lecture").network, 5).weights(1).tolist()
    assert saved.biases(1).tolist() == [0.35]


@pytest.mark.parametrize("name", ["out.toml", "out.safetensors"])
def test_where_nothing_can_be_written_is_said_before_the_work(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Unwritable, match="there is no folder"):
        run_train("lecture", epochs=2, output=str(tmp_path / "none" / name))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["out.toml", "out.safetensors"])
def test_the_result_is_printed_even_if_it_cannot_be_saved(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Unwritable, match=r"cannot be written: No space left on device; what was there before is"):
        run_train("lecture", epochs=2, output=str(tmp_path / name))
    shown = capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    assert shown.startswith("The limit of 2 epochs was reached before the loss converged.")
    assert "saved" not in shown


def test_the_same_run_saves_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run_train("ring", epochs=5, batch_size=4, output=str(tmp_path / name))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_outside_the_main_thread() -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(run_train("lecture", epochs=2)))
    thread.start()
    thread.join()
    assert codes == [0]


def test_progress_goes_to_a_terminal_s_stderr_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    run_train("lecture", epochs=50)
    loud = capsys.readouterr()
    assert "epoch 50 of 50" in loud.err
    run_train("lecture", epochs=50, quiet=True)
    still = capsys.readouterr()
    assert still.err == ""
    assert still.out.split("\n")[3:] == loud.out.split("\n")[3:]
