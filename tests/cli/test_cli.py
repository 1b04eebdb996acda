"""The command as its users meet it: output, exit codes, messages, nothing lost."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from tests.support import command, signalled

import clearprop as cp

LECTURE = """\
notation = "lecture"            # or "standard", the default

[inputs]
names = ["i1", "i2"]            # or: count = 2
"""


def test_help_version_and_examples() -> None:
    shown = command("--help")
    assert shown.returncode == 0
    assert {"explain", "train", "predict", "verify", "examples"} <= set(
        re.findall(r"^  (\w+) ", shown.stdout, re.MULTILINE)
    )
    assert command("--version").stdout == f"clearprop {cp.__version__}\n"
    assert "..." not in shown.stdout.split("Commands:")[1]
    for name in ("explain", "train", "predict", "verify", "engine", "explore", "examples"):
        assert "Example: clearprop " in command(name, "--help").stdout
    listed = command("examples").stdout
    assert [line.split()[0] for line in listed.splitlines()] == [
        "lecture",
        "xor",
        "deep",
        "ring",
        "iris",
        "digits",
        "penguins",
    ]


def test_an_example_is_printed_byte_for_byte() -> None:
    run = subprocess.run([sys.executable, "-m", "clearprop", "examples", "lecture"], capture_output=True, check=True)
    assert run.stdout == (resources.files("clearprop.examples") / "lecture.toml").read_bytes()
    assert run.stdout.decode().startswith(LECTURE)


def test_explain_verify_and_train_in_one_breath(tmp_path: Path) -> None:
    shown = command("explain", "lecture", "--digits", "5", "--rounding", "truncate")
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
    assert set(found) == {"status", "reason", "epochs", "steps", "seconds", "loss", "training", "validation"}
    again = json.loads(command("explain", str(tmp_path / "trained.toml"), "--format", "json").stdout)
    assert again["values"]["E_total"] == pytest.approx(found["loss"]["after"], rel=1e-3)


def test_explaining_later_cycles_and_tables() -> None:
    found = json.loads(command("explain", "lecture", "--steps", "2", "--format", "json").stdout)
    assert found["values"]["E_total"] == pytest.approx(0.2407249054619, rel=1e-10)
    table = command("explain", "lecture", "--cycles", "2").stdout
    assert re.search(r"^ +1 +0\.24072 +0\.09934", table, re.MULTILINE)
    rows = json.loads(command("explain", "lecture", "--cycles", "3", "--format", "json").stdout)["cycles"]
    assert [row["cycle"] for row in rows] == [0, 1, 2, 3]
    later = json.loads(command("explain", "lecture", "--steps", "3", "--format", "json").stdout)
    assert rows[2]["E_total"] == pytest.approx(later["values"]["E_total"], rel=1e-14)
    assert rows[3]["parameters"] == pytest.approx(later["updated"], rel=1e-14)
    paths = command("explain", "deep", "w1", "--paths", "3").stdout
    assert len(re.findall(r"^w1 → output_f1 → ", paths, re.MULTILINE)) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "lecture", "w55"], 'unknown name "w55"; did you mean "w5"?'),
        (["explain", "lectur"], '"lectur": no such file, and unknown example "lectur"; did you mean "lecture"?'),
        (["explain", "lecture", "--example", "2"], "example: expected 1 to 1, found 2"),
        (["explain", "lecture", "--example", "x"], '--example: expected a number from 1, or "all", found "x"'),
        (["explain", "lecture", "--fragment"], "--fragment is for --format latex or html, found text"),
        (["explain", "lecture", "E_1", "--paths", "3"], "paths: expected the name of a weight or bias, found E_1"),
        (["explain", "lecture", "--digits", "99"], "invalid value for '--digits': 99 is not in the range 0<=x<=17"),
        (["explain", "lecture", "∂E_1/∂w5"], "∂E_1/∂w5 is not split off here; ask for ∂E_total/∂w5"),
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
    run = command("explain", str(path))
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
    run = command("train", str(path))
    assert run.returncode == 1
    assert run.stdout.startswith("Diverged before the first step: a_y1 is inf; layer 1, example 1")


def test_output_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    there = tmp_path / "paper.tex"
    there.write_text("mine")
    run = command("explain", "lecture", "w55", "--output", str(there))
    assert (run.returncode, there.read_text()) == (2, "mine")
    run = command("explain", "lecture", "--output", str(tmp_path / "none" / "x"))
    assert run.returncode == 1
    assert run.stderr.startswith(f"clearprop: {tmp_path}/none/x: there is no folder {tmp_path}/none; make it first")
    run = command("explain", "lecture", "--output", str(tmp_path))
    assert (run.returncode, "found a folder" in run.stderr) == (1, True)


def test_a_closed_pipe_and_a_full_disk() -> None:
    script = f"{shlex.quote(sys.executable)} -m clearprop explain lecture | head -1; exit ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "lecture: one cycle\n"
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "clearprop", "explain", "lecture"], stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert (run.returncode, run.stderr) == (1, "clearprop: standard output: No space left on device\n")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_saves_what_was_learnt(sent: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "long.toml"
    path.write_text(cp.write(cp.load("xor")).replace("tolerance = 1e-06", "tolerance = 0\nepochs = 100000000"))
    target = tmp_path / "learnt.toml"
    done = signalled("epochs", [sent], 5000, "train", str(path), "--output", str(target), cwd=tmp_path)
    assert done.returncode == 130
    assert "clearprop: " not in done.stderr
    assert done.stdout.startswith("Interrupted: what was learnt so far is kept.")
    assert cp.cycle(cp.load(str(target)), "all").error < 0.1


def test_debugging_shows_the_traceback() -> None:
    run = command("explain", "lecture", "w55", env={"CLEARPROP_DEBUG": "1"})
    assert "Traceback" in run.stderr
    assert run.stderr.endswith('clearprop: unknown name "w55"; did you mean "w5"?\n')


def test_start_up_imports_nothing_heavy() -> None:
    code = "import sys, clearprop.cli.application; print([m for m in ('numpy', 'rich', 'tomlkit') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert run.stdout == "[]\n"
