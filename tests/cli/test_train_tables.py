"""``clearprop train`` on tables: what one sees, what is written, and what is refused."""

from __future__ import annotations

import io
import json
import signal
import threading
from pathlib import Path

import pytest
from tests.support import command

import clearprop as cp
from clearprop.cli.log import Log
from clearprop.cli.progress import Display, shown_logs
from clearprop.cli.signals import Interrupts
from clearprop.cli.train import run_train
from clearprop.errors import InvalidArgument, Unwritable

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
    assert lines[3].startswith("training: accuracy ")
    assert lines[3].endswith(" of 48)")
    assert lines[4].startswith("validation: loss ")
    assert lines[6:8] == ["predicted, of the validation rows", "true  a  b  c"]
    assert max(map(len, lines)) <= 80
    assert shown.err.startswith(f"{net}: 48 examples, 12 more for validation\nlayer  activation")
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
    assert "inputs: the columns make 3 inputs (p, q, kind=old), but the network has 2" in run.stderr
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
    assert (run.returncode, run.stderr) == (
        2, "clearprop: xor: which column of the table is the target? Name it with --target\n"
    )  # fmt: skip
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


# --- the display ---------------------------------------------------------------------------------------


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
    assert shown_logs(logs) == "loss 1, rate 1e-05, validation accuracy 0.5, R² 0.25"


# --- interrupts ----------------------------------------------------------------------------------------


def test_the_first_interrupt_counts_and_then_no_other() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert interrupts.held
    assert signal.getsignal(signal.SIGTERM) is before
    with Interrupts() as interrupts:
        interrupts.on_train_end({})
        signal.raise_signal(signal.SIGINT)


def test_interrupts_outside_the_main_thread_are_left_alone() -> None:
    seen: list[bool] = []

    def enter() -> None:
        with Interrupts() as interrupts:
            seen.append(interrupts.main)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [False]


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
