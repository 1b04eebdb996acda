"""``clearprop engine``: the plan, the rate, the code."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from tests.support import command

from clearprop.engine import build
from clearprop.training import inspection


@pytest.fixture(autouse=True)
def _briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate is measured, however badly."""
    monkeypatch.setattr(inspection, "SECONDS", 0.01)


def test_the_plan_and_the_rate() -> None:
    done = command("engine", "digits", "--threads", "1")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("processor: ")
    assert lines[0].endswith(" numbers in float32")
    assert lines[1] == "step: 32 examples, 1 thread"
    assert "layer 1: 64 inputs, 64 units, " in done.stdout
    assert re.search(
        r"^code: [\d,]+ bytes, (compiled|read from the cache|already loaded) in \d+ ms$", done.stdout, re.MULTILINE
    )
    assert re.search(r"^expected: [\d.,]+ [mµ]s per step$", done.stdout, re.MULTILINE)
    assert re.search(r"^measured: [\d.,]+ [mµ]s per step, [\d,]+ examples per second, ", done.stdout, re.MULTILINE)


def test_the_same_as_json() -> None:
    done = command("engine", "xor", "--batch-size", "3", "--format", "json")
    found = json.loads(done.stdout)
    assert (found["batch"], found["dtype"], found["threads"]) == (3, "float32", 1)
    assert found["layers"][-1]["units"] == 1
    assert all(layer["computed"] >= layer["units"] for layer in found["layers"])
    assert found["microseconds_per_step"]["measured"] > 0
    assert found["code_bytes"] > 1000
    assert found["cache"] == {"folder": os.environ["CLEARPROP_CACHE_DIR"], "unused": None}


def test_where_code_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time it is read from there; a folder that others can write is not used, and that is said."""
    place = tmp_path / "codes"

    def lines(where: str) -> list[str]:
        monkeypatch.setenv("CLEARPROP_CACHE_DIR", where)
        build._kept.clear()
        done = command("engine", "xor")
        assert (done.returncode, done.stderr) == (0, "")
        return [line for line in done.stdout.splitlines() if line.startswith(("code:", "cache:"))]

    code, cache = lines(str(place))
    assert " bytes, compiled in " in code
    assert cache == f"cache: {place}"
    code, cache = lines(str(place))
    assert " bytes, read from the cache in " in code
    assert cache == f"cache: {place}"
    code, cache = lines("off")
    assert " bytes, compiled in " in code
    assert cache == "cache: not used (CLEARPROP_CACHE_DIR says so)"
    if sys.platform != "win32":
        place.chmod(0o777)
        code, cache = lines(str(place))
        assert " bytes, compiled in " in code
        assert cache == f"cache: not used ({place}: others can write to it)"


def test_the_machine_code() -> None:
    done = command("engine", "lecture", "--assembly")
    assert done.returncode == 0
    assert re.search(r"^train:", done.stdout, re.MULTILINE)
    assert not re.search(r"call\w*\s+(exp|log|tanh|erf|pow)f?\b", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.toml",), "nowhere.toml"),
        (("lecture", "--threads", "0"), "expected a whole number of at least 1, found 0"),
        (("lecture", "--batch-size", "0"), "expected a whole number of at least 1, found 0"),
    ],
)
def test_a_request_that_is_wrong(arguments: tuple[str, ...], message: str) -> None:
    done = command("engine", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") <= 2
