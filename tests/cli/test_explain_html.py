"""``explain --format html`` as its users meet it: every option that other formats have, and models too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.rendering.reading import equations, read, words
from tests.support import command

import clearprop as cp


def shown(*arguments: str) -> str:
    run = command("explain", *arguments, "--format", "html")
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def test_a_page_in_a_file_is_the_one_that_is_printed(tmp_path: Path) -> None:
    target = tmp_path / "lecture.html"
    run = command("explain", "lecture", "--format", "html", "--rounding", "truncate", "--output", str(target))
    assert (run.returncode, run.stdout) == (0, "")
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
    run = command("train", "net.toml", "--epochs", "2", "--output", "net.safetensors", "--quiet", cwd=tmp_path)
    assert run.returncode == 0
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
    run = command("explain", "lecture", "--fragment", "--format", format)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"clearprop: --fragment is for --format latex or html, found {format}\n"


def test_help_says_what_there_is() -> None:
    help_text = " ".join(command("explain", "--help").stdout.split())
    assert "[text|markdown|latex|html|json]" in help_text
    assert "--fragment LaTeX or HTML without the document around it." in help_text
