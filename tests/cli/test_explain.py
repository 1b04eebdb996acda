"""``clearprop explain``: every option in HTML too, models, later cycles, and the format of a file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.rendering.reading import equations, read, words
from tests.support import command

import clearprop as cp
from clearprop.cli import run


def shown(*arguments: str) -> str:
    done = command("explain", *arguments, "--format", "html")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_page_in_a_file_is_the_one_that_is_printed(tmp_path: Path) -> None:
    target = tmp_path / "lecture.html"
    done = command("explain", "lecture", "--format", "html", "--rounding", "truncate", "--output", str(target))
    assert (done.returncode, done.stdout) == (0, "")
    page = target.read_text(encoding="utf-8")
    assert page == shown("lecture", "--rounding", "truncate")
    assert page == cp.explain(cp.cycle(cp.load("lecture")), rounding="truncate").html()
    assert "<mn>0.45187</mn>" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lecture", "--steps", "2"], "lecture: cycle 2"),
        (["lecture", "--cycles", "2"], "lecture: the first 2 cycles"),
        (["xor", "--example", "all"], "xor: one cycle on all examples as one batch"),
        (["deep", "w1", "--paths", "2"], "The 2 paths shown add up to"),
        (["lecture", "w5", "--notation", "standard", "--digits", "2"], "= 0.08"),
        (["digits"], "4,810 parameters are too many to derive each here"),
    ],
)
def test_the_options_of_other_formats(arguments: list[str], said: str) -> None:
    assert said in words(read(shown(*arguments)))


def test_a_fragment() -> None:
    fragment = shown("lecture", "w5", "--fragment")
    assert fragment.startswith('<div class="clearprop fragment">\n<style>')
    assert fragment.endswith("</div>\n")
    assert equations(read(fragment))[-1].left == "new_ w 5"


NETWORK = """\
[inputs]
count = 4

[[layers]]
units = 2
activation = "relu"

[[layers]]
units = ["setosa", "versicolor", "virginica"]
activation = "softmax"

[data]
file = "iris.csv"
target = "species"
standardize = true
"""


def test_a_trained_model_on_a_row_of_its_table_in_the_names_of_the_columns(tmp_path: Path) -> None:
    table = Path(cp.__file__).parent / "examples" / "iris.csv"
    (tmp_path / "iris.csv").write_bytes(table.read_bytes())
    (tmp_path / "net.toml").write_text(NETWORK)
    done = command("train", "net.toml", "--epochs", "2", "--output", "net.safetensors", "--quiet", cwd=tmp_path)
    assert done.returncode == 0
    arguments = [str(tmp_path / "net.safetensors"), "--data", str(table), "--example", "7"]
    found = read(shown(*arguments))
    assert "From the table to the inputs" in words(found)
    assert {"sepal_length", "setosa"} <= {words(text) for text in found.iter("text")}
    lines = {equation.left: equation for equation in equations(found)}
    assert lines["petal_width"].remarks == ["(petal_width, standardized)"]
    values = json.loads(command("explain", *arguments, "petal_width", "--format", "json").stdout)["values"]
    assert lines["a setosa"].lines[-1] == f"= {values['a_setosa']:.5f}"


@pytest.mark.parametrize("format", ["text", "markdown", "json"])
def test_a_fragment_of_another_format_is_refused(format: str) -> None:
    done = command("explain", "lecture", "--fragment", "--format", format)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"clearprop: --fragment is for --format latex or html, found {format}\n"


def test_help_says_what_there_is() -> None:
    help_text = " ".join(command("explain", "--help").stdout.split())
    assert "[text|markdown|latex|html|json]" in help_text
    assert "--fragment LaTeX or HTML without the document around it." in help_text


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
    ("suffix", "start"),
    [
        (".html", "<!DOCTYPE html>"), (".tex", "\\documentclass"), (".md", "# "), (".json", "{"), (".txt", "lecture: "),
        (".out", "lecture: "),
    ],
)  # fmt: skip
def test_the_suffix_of_the_file_says_the_format(suffix: str, start: str, tmp_path: Path) -> None:
    target = tmp_path / f"lecture{suffix}"
    assert run(["explain", "lecture", "--output", str(target)]) == 0
    assert target.read_text(encoding="utf-8").startswith(start)
    assert run(["explain", "lecture", "--output", str(target), "--format", "text"]) == 0
    assert target.read_text(encoding="utf-8").startswith("lecture: one cycle\n")
