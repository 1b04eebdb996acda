"""``clearprop train``: what is printed, what is saved, and the exit code."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support import EachEpoch, command

import clearprop as cp
from clearprop.cli import train as room
from clearprop.cli.train import run_train
from clearprop.errors import InvalidArgument, Unwritable


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_train("lecture") == 0
    shown = capsys.readouterr()
    lines = shown.out.split("\n")
    fit = cp.train(cp.load("lecture"))
    assert lines[0] == "Converged: the loss changed by at most 1e-8 in each of the last 10 epochs."
    assert lines[1].startswith(f"{fit.epochs:,} epochs, {fit.steps:,} steps, ")
    assert lines[2].startswith("E_total: 0.249090 before, 2.878085e-6 after")
    assert lines[3] == "training: RMSE 0.001696"
    assert max(map(len, lines)) <= 80
    assert shown.err.startswith(
        "lecture: 1 example\nlayer  activation  weights (units x inputs)  biases  parameters\n    1  logistic    2 x 2"
    )
    assert "\nloss half_squared_error; sgd, learning rate 0.6; batches of 1; seed 0; float32\nepoch 1 of" in shown.err


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_train("xor", epochs=3, batch_size=2, format="json") == 0
    found = json.loads(capsys.readouterr().out)
    seconds = found.pop("seconds")
    fit = cp.train(cp.load("xor"), epochs=3, batch_size=2)
    assert seconds >= 0
    assert found == {
        "status": "epoch_limit",
        "reason": "the limit of 3 epochs was reached before the loss converged",
        "epochs": 3,
        "steps": 6,
        "loss": {"before": fit.loss_before, "after": fit.loss_after},
        "training": {"loss": fit.loss_after, "accuracy": 0.5, "confusion": [[0, 2], [0, 2]]},
        "validation": None,
        "notes": list(fit.notes),
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


NETWORK = """\
[inputs]
count = 2
[[layers]]
units = {units}
activation = "softmax"
[data]
file = "rows.csv"
target = "kind"
[training]
epochs = 3
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A network file with a table of two inputs and three classes beside it."""
    lines = [f"{k % 7},{k % 3 - k % 5},{'abc'[k % 3]}" for k in range(60)]
    (tmp_path / "rows.csv").write_text("p,q,kind\n" + "\n".join(lines) + "\n")
    (tmp_path / "net.toml").write_text(NETWORK.format(units=3))
    return tmp_path / "net.toml"


def test_the_result_in_json(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_train(str(net), format="json", quiet=True) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    fit = cp.train(cp.load(net))
    training, validation = fit.metrics(), fit.metrics("validation")
    assert training is not None
    assert validation is not None
    assert shown.err == ""
    assert (training.rows, validation.rows) == (48, 12)
    assert found["classes"] == ["a", "b", "c"]
    assert found["training"]["loss"] == found["loss"]["after"] == fit.loss_after
    assert found["training"]["accuracy"] == training.accuracy
    assert found["validation"]["loss"] == fit.validation_loss
    assert sum(map(sum, found["validation"]["confusion"])) == 12


def test_the_result_as_text(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_train(str(net)) == 0
    shown = capsys.readouterr()
    lines = shown.out.split("\n")
    assert lines[0] == "The limit of 3 epochs was reached before the loss converged."
    assert lines[3] == "L of each epoch: measured batch by batch, each before its update"
    assert lines[4].startswith("training: accuracy ")
    assert lines[4].endswith(" of 48)")
    assert lines[5].startswith("validation: loss ")
    assert lines[6].startswith("Note: Nothing was learnt: L is ")
    start = lines.index("predicted, of the validation rows")
    assert lines[start : start + 2] == ["predicted, of the validation rows", "true  a  b  c"]
    assert max(map(len, lines)) <= 80
    columns = "numbers: p, q\ntarget: kind, 3 classes (a, b, c)\n"
    assert shown.err.startswith(f"{net.name}: 48 examples, 12 more for validation\n{columns}layer  activation")
    assert "\nepoch 3 of 3: loss " in shown.err


def test_numbers_get_their_own_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_train("penguins", epochs=2, format="json", quiet=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["training"]) == set(found["validation"]) == {"loss", "r2", "rmse"}
    assert "classes" not in found


def test_many_classes_are_left_to_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.csv").write_text("p,q,kind\n" + "".join(f"{k},{-k},{k % 13}\n" for k in range(60)))
    (tmp_path / "net.toml").write_text(NETWORK.format(units=13))
    assert run_train(str(tmp_path / "net.toml"), quiet=True) == 0
    assert "The confusion matrix of 13 classes is in --format json." in capsys.readouterr().out


def test_data_and_target_take_the_place_of_the_file_s(net: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "other.csv"
    other.parent.mkdir()
    other.write_text("p,q,kind,sort\n" + "".join(f"{k},{k % 4},old,{'xyz'[k % 3]}\n" for k in range(30)))
    run = command("train", str(net), "--data", str(other), "--target", "sort", "--format", "json", "--epochs", "1")
    # All columns but the target are inputs, and one of them is text.
    assert run.returncode == 1
    assert "inputs: 3 columns become 3 inputs (p, q, kind: 1), but the network has 2" in run.stderr
    other.write_text("p,q,sort\n" + "".join(f"{k},{k % 4},{'xyz'[k % 3]}\n" for k in range(30)))
    run = command("train", str(net), "--data", str(other), "--target", "sort", "--format", "json", "--epochs", "1")
    assert (run.returncode, json.loads(run.stdout)["classes"]) == (0, ["x", "y", "z"])
    run = command("train", str(net), "--data", str(other), "--target", "nope")
    assert (run.returncode, run.stderr) == (
        2, f'clearprop: {other}: unknown column "nope"; known: p, q, sort\n'
    )  # fmt: skip


def test_a_network_without_a_table_can_be_given_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b,out\n" + "".join(f"{k % 2},{k % 3 // 2},{(k % 2) ^ (k % 3 // 2)}\n" for k in range(24)))
    run = command("train", "xor", "--data", str(path), "--epochs", "2")
    assert run.returncode == 2
    assert run.stderr == (
        f"clearprop: {path}: which column is the target? Name it with --target; found a, b, out; "
        f"type: clearprop train xor --data {path} --epochs 2 --target out\n"
    )
    run = command("train", "xor", "--data", str(tmp_path / "none.csv"))
    assert (run.returncode, run.stderr) == (2, f"clearprop: {tmp_path / 'none.csv'}: no such file\n")
    run = command("train", "xor", "--data", str(path), "--target", "out", "--epochs", "2", "--quiet")
    assert (run.returncode, run.stderr) == (0, "")
    run = command("train", "xor", "--target", "out")
    assert (run.returncode, run.stderr) == (
        2, "clearprop: --target names a column of a table; give the table with --data\n"
    )  # fmt: skip
    both = tmp_path / "both.toml"
    both.write_text(cp.write(cp.load("xor")) + '\n[data]\nfile = "rows.csv"\ntarget = "out"\n')
    run = command("train", str(both))
    assert (run.returncode, run.stderr) == (
        2, f"clearprop: {both}: found both [[examples]] and [data]; leave one of them out\n"
    )  # fmt: skip


def test_the_seed_is_that_of_weights_split_and_order(net: Path) -> None:
    one, again, other = (cp.load(net, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.examples is not None
    assert other.examples is not None
    assert one.parameters != other.parameters
    assert one.examples.learnt.tolist() != other.examples.learnt.tolist()


def test_models_and_resuming_from_the_command_line(net: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    assert command("train", str(net), "--epochs", "4", "--output", str(whole), "--quiet").returncode == 0
    for epochs in ("2", "4", "4"):
        run = command("train", str(net), "--epochs", epochs, "--output", str(parts), "--resume")
        assert run.returncode == 0
    assert "resumed after epoch 4\n" in run.stderr
    assert whole.read_bytes() == parts.read_bytes()
    run = command("train", str(net), "--epochs", "4", "--output", str(parts), "--resume", "--batch-size", "7")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.endswith(
        f"clearprop: {parts}: cannot be resumed, because the training would differ:\n"
        "  training.batch_size: not given then, 7 now\nUndo the change, or train again without --resume.\n"
    )
    assert whole.read_bytes() == parts.read_bytes()
    run = command("train", str(net), "--resume")
    assert (run.returncode, run.stderr) == (
        2, "clearprop: --resume continues the model named by --output, found no --output\n"
    )  # fmt: skip


def test_the_picture_and_the_log(net: Path, tmp_path: Path) -> None:
    picture, log, model = tmp_path / "loss.svg", tmp_path / "log.jsonl", tmp_path / "m.safetensors"
    run = command("train", str(net), "--plot", str(picture), "--log", str(log), "--metrics", "--output", str(model))
    assert run.returncode == 0
    assert picture.read_text().startswith("<?xml")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    keys = {"epoch", "loss", "learning_rate", "validation_loss", "accuracy", "validation_accuracy"}
    assert all(set(line) == keys for line in lines)
    # Going on keeps the lines up to there; what came after a lost checkpoint is written anew.
    log.write_text(log.read_text() + '{"epoch": 4, "loss": 9}\nbroken')
    more = ["--log", str(log), "--output", str(model), "--resume", "--epochs", "5", "--metrics"]
    assert command("train", str(net), *more).returncode == 0
    again = [json.loads(line) for line in log.read_text().splitlines()]
    assert again[:3] == lines
    assert [line["epoch"] for line in again] == [1, 2, 3, 4, 5]
    assert command("train", str(net), "--plot", "loss.gif").returncode == 2


def test_the_learning_rate_is_checked(net: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"^learning_rate: expected a finite number, found inf$"):
        run_train(str(net), learning_rate=float("inf"), quiet=True)


def test_a_network_file_cannot_hold_what_was_fitted(net: Path, tmp_path: Path) -> None:
    run = command("train", str(net), "--output", str(tmp_path / "out.toml"))
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "clearprop: --output: a network file cannot hold what was fitted on a table; name a model, such as "
        f"{tmp_path / 'out'}.safetensors\n"
    )
    assert not (tmp_path / "out.toml").exists()
    run = command("predict", str(net), "--data", str(tmp_path / "rows.csv"))
    assert (run.returncode, run.stderr) == (
        2,
        f"clearprop: {net}: a network file does not say what was fitted on its table; save a model with "
        "train … --output MODEL, and predict with that\n",
    )
