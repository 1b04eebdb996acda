"""The command as its users meet it: output, exit codes, messages, nothing lost."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from tests.support import command, process, signalled

import clearprop as cp


def test_explain_verify_and_train_in_one_breath(tmp_path: Path) -> None:
    shown = process("explain", "lecture", "--digits", "5", "--rounding", "truncate")
    assert shown.returncode == 0
    assert shown.stderr == ""
    assert "new_w5 = w5 - n * ∂E_total/∂w5 = 0.5 - 0.6 * 0.08020 = 0.45187" in shown.stdout
    for name in ("lecture", "xor", "deep", "ring"):
        run = command("verify", name)
        assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "all agree")
    run = command("train", "lecture", "--format", "json", "--output", str(tmp_path / "trained.toml"))
    found = json.loads(run.stdout)
    assert (run.returncode, found["status"], found["validation"]) == (0, "converged", None)
    assert found["loss"]["after"] < 1e-4
    assert set(found) == {"status", "reason", "epochs", "steps", "seconds", "loss", "training", "validation", "notes"}
    again = json.loads(command("explain", str(tmp_path / "trained.toml"), "--format", "json").stdout)
    assert again["values"]["E_total"] == pytest.approx(found["loss"]["after"], rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "lecture", "w55"], 'unknown name "w55"; did you mean "w5"?'),
        (["explain", "lectur"], '"lectur": no such file, and unknown example "lectur"; did you mean "lecture"?'),
        (["explain", "lecture", "--example", "2"], "example: expected 1, found 2"),
        (["explain", "lecture", "--example", "x"], '--example: expected a number from 1, or "all", found "x"'),
        (["explain", "lecture", "--fragment"], "--fragment is for --format latex or html, found text"),
        (["explain", "lecture", "E_1", "--paths", "3"], "paths: expected the name of a weight or bias, found E_1"),
        (
            ["explain", "lecture", "--digits", "99"],
            "invalid value for '--digits': expected a whole number of at most",
        ),
        (["explain", "lecture", "∂sum_o1/∂w1"], "∂sum_o1/∂w1 has no derivation; ask for a derivative of E_total or of"),
        (["explian"], "no such command 'explian'. Did you mean 'explain'?; try `clearprop --help`"),
        (
            ["explain", "lecture", "--digit", "3"],
            "no such option '--digit'. (Did you mean one of: '--data', '--digits'?)",
        ),
        (["examples", "lectur"], 'unknown example "lectur"; did you mean "lecture"?'),
        (["explain"], "missing argument 'NET'; try `clearprop explain --help`"),
    ],
)
def test_wrong_requests(arguments: list[str], message: str) -> None:
    run = command(*arguments)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith(f"clearprop: {message}")
    assert run.stderr.count("\n") == 1


def test_a_network_file_with_several_faults(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text('[inputs]\ncount = 2\n[[layers]]\nunits = 0\n[loss]\nname = "hubr"\n')
    run = process("explain", str(path))
    assert run.returncode == 2
    assert run.stderr == (
        f"clearprop: {path} has 2 problems:\n"
        "  layers[1].units: expected a whole number of at least 1, found 0\n"
        '  loss.name: unknown loss "hubr"; did you mean "huber"?\n'
    )


def test_work_that_fails_has_its_own_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(
        '[inputs]\ncount = 1\n[[layers]]\nunits = 1\nactivation = "exp(z)"\nweights = [[1]]\n'
        "[[examples]]\ninputs = [1000]\ntargets = [0]\n"
    )
    run = command("explain", str(path))
    assert (run.returncode, run.stderr) == (
        1,
        "clearprop: a_y1 is inf; layer 1, example 1; exp(z_y1) is not finite at z_y1 = 1000\n",
    )
    run = process("train", str(path))
    assert run.returncode == 1
    assert run.stdout.startswith("Diverged before the first step: a_y1 is inf; layer 1, example 1")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_saves_what_was_learnt(sent: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "long.toml"
    path.write_text(cp.write(cp.load("xor")).replace("tolerance = 1e-6", "tolerance = 0\nepochs = 100000000"))
    target = tmp_path / "learnt.toml"
    done = signalled("epochs", [sent], 5000, "train", str(path), "--output", str(target), cwd=tmp_path)
    assert done.returncode == 130
    assert "clearprop: " not in done.stderr
    assert done.stdout.startswith("Interrupted: what was learnt so far is kept.")
    assert cp.cycle(cp.load(str(target)), "all").error < 0.1


def test_debugging_shows_the_traceback() -> None:
    run = process("explain", "lecture", "w55", env={"CLEARPROP_DEBUG": "1"})
    assert "Traceback" in run.stderr
    assert run.stderr.endswith('clearprop: unknown name "w55"; did you mean "w5"?\n')
