"""What NET names on the command line: a table needs a target, and the message has the command to type; an example may
be given in place of all others."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from clearprop.cli import run
from clearprop.cli.net import opened
from clearprop.errors import InvalidArgument
from clearprop.loading import load


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What a command prints that ends so."""
    assert run(list(arguments)) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_a_table_is_opened_with_its_target(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("p,y\n" + "".join(f"{k},{k * k}\n" for k in range(10)))
    assert opened(str(path), target=("y",), hidden=(3,)).network.sizes == (1, 3, 1)
    with pytest.raises(InvalidArgument, match=r"found p, y; type: clearprop train .*t\.csv --target y$"):
        opened(str(path))


def test_the_command_to_type_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my table.csv"
    path.write_text("p,the price\n" + "".join(f"{k},{k * k}\n" for k in range(10)))
    assert run(["verify", str(path)]) == 2
    message = capsys.readouterr().err
    typed = message.split("; type: clearprop ")[1].strip()
    assert run(shlex.split(typed)) == 0


@pytest.mark.parametrize("command", ["explain", "verify", "engine", "explore", "train"])
def test_every_command_takes_a_table(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("p,y\n" + "".join(f"{k},{k * k}\n" for k in range(10)))
    more = {"explore": ["--no-open", "--output", "t.html"], "train": ["--epochs", "2"]}.get(command, [])
    assert run([command, "t.csv", "--target", "y", "--hidden", "3,2", *more]) == 0
    assert run([command, "t.csv", "--target", "z", *more]) == 2
    assert 't.csv: unknown column "z"; known: p, y' in capsys.readouterr().err


def test_explain_takes_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    given = said(capsys, "explain", "lecture", "--inputs", "0.1,0.5", "--targets", "0.05,0.95")
    assert given == said(capsys, "explain", "lecture")
    values = json.loads(said(capsys, "explain", "lecture", "--inputs", "-0.1,0.5", "--format", "json"))
    assert values["values"]["sum_h1"] == pytest.approx(-0.01 + 0.15 + 0.25)
    assert "gradients" not in values


def test_verify_and_explore_take_an_example(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    given = ["--inputs", "5.1,3.5,1.4,0.2", "--targets", "virginica"]
    assert "all agree" in said(capsys, "verify", "iris", *given)
    page = tmp_path / "p.html"
    said(capsys, "explore", "iris", *given, "--no-open", "--output", str(page))
    assert '"numbers":[1]' in page.read_text()
    missing = said(capsys, "verify", "iris", *given[:2], code=2)
    assert 'need the target, the column "species"' in missing


def test_requests_that_do_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert "give both" in said(capsys, "explain", "lecture", "--targets", "1,2", code=2)
    found = said(capsys, "explain", "lecture", "--inputs", "1", code=2)
    assert found == "clearprop: --inputs: expected 2 cells (i1, i2), found 1\n"
    found = said(capsys, "explain", "lecture", "--inputs", "0.2,abc", code=2)
    assert found.endswith(
        '  column "i2", row 1: expected a number, found "abc"; correct it\n  the cells of a row, in order: i1, i2\n'
    )


def values_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, float]:
    values: dict[str, float] = json.loads(said(capsys, "explain", *arguments, "--format", "json"))["values"]
    return values


def test_later_steps_learn_from_the_examples_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    """The steps are those of the training, whichever example is then explained."""
    own = values_of(capsys, "xor", "--example", "4", "--steps", "5")
    assert values_of(capsys, "xor", "--inputs", "1,1", "--targets", "0", "--steps", "5") == own
    other = said(capsys, "explain", "xor", "--inputs", "1,0.5", "--steps", "5")
    assert "after 4 updates of the training, on all 4 examples as one" in other
    other = said(capsys, "explain", "lecture", "--inputs", "0.2,0.5", "--targets", "0,1", "--steps", "2")
    assert "after 1 update of the training, on the one example of the" in other


def test_later_steps_of_a_table_and_of_its_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table, model = str(tmp_path / "t.csv"), str(tmp_path / "m.safetensors")
    Path(table).write_text("p,y\n" + "".join(f"{k},{k * k}\n" for k in range(10)))
    row = ["--inputs", "3", "--targets", "9"]
    own = values_of(capsys, table, "--target", "y", "--steps", "4", "--example", "4")
    assert values_of(capsys, table, "--target", "y", "--steps", "4", *row) == own
    said(capsys, "train", table, "--target", "y", "--epochs", "2", "--output", model)
    assert values_of(capsys, model, *row) != own
    assert "learn from; give them with --data" in said(capsys, "explain", model, *row, "--steps", "3", code=2)
    assert said(capsys, "explain", model, *row, "--data", table, "--steps", "3", "L").startswith("L\n")
    assert "leave out one of the two" in said(capsys, "explain", model, *row, "--data", table, code=2)


def test_columns_are_left_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,p,y\n" + "".join(f"{k},{k % 7},{k * k}\n" for k in range(20)))
    assert opened(str(path), target=("y",), exclude=("id",)).network.input_names == ("p",)
    assert 'exclude = ["id"]' in said(capsys, "new", str(path), "--target", "y", "--exclude", "id")
    for arguments, message in (
        ([str(path), "--target", "y", "--exclude", "ID"], 'unknown column "ID"; did you mean "id"?'),
        (["lecture", "--exclude", "id"], "--exclude says how a table is read; give the table with --data"),
    ):
        assert message in said(capsys, "explain", *arguments, code=2)
    net = tmp_path / "n.toml"
    net.write_text('[[layers]]\nunits = 1\n[data]\nfile = "t.csv"\ntarget = "y"\n')
    assert opened(str(net), exclude=("id",)).network.input_names == ("p",)


DOUBTFUL = ["--decimal", ",", "--na", "unknown", "--na", "", "--categorical", "zip", "--exclude", "id"]


def doubtful(folder: Path) -> str:
    """A table that nobody can read without being told how: decimal commas or thousands, codes, a word for no value."""
    kinds = "".join(f'{k},"1,{k:03}",0{k % 2}234,{"unknown" if k == 7 else k},"{k % 3},{k}"\n' for k in range(20))
    (folder / "t.csv").write_text(f"id,size,zip,age,price\n{kinds}")
    return str(folder / "t.csv")


@pytest.mark.filterwarnings("ignore::clearprop.tables.table.TableNotice")
@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("explain", ["L"]),
        ("verify", ["--sample", "2"]),
        ("engine", ["--assembly"]),
        ("explore", ["--no-open", "--output", "t.html"]),
        ("train", ["--epochs", "1", "--quiet"]),
        ("mistakes", []),
        ("new", []),
    ],
)
def test_every_command_takes_a_table_that_needs_settings(
    command: str, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = doubtful(tmp_path)
    asked = [command, table, "--target", "price", "--hidden", "2", *more]
    message = said(capsys, *asked, code=1)
    assert 'which may be 1000 or 1; say which with decimal = "." or decimal = "," under [data] (--decimal)' in message
    said(capsys, *asked, *DOUBTFUL)


@pytest.mark.filterwarnings("ignore::clearprop.tables.table.TableNotice")
def test_the_settings_of_a_table_are_those_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = doubtful(tmp_path)
    net = tmp_path / "n.toml"
    said(capsys, "new", table, "--target", "price", *DOUBTFUL, "--output", str(net))
    about = {"decimal": ",", "na": ["unknown"], "categorical": "zip", "exclude": ["id"]}
    made, stated = load(table, target="price", **about), load(net)  # type: ignore[arg-type]
    assert made.fitted is not None
    assert made.fitted.columns[0].mean == pytest.approx(1.0095, abs=5e-3)
    assert made.fitted.features == ("size", "zip=00234", "zip=01234", "age")
    assert (made.fitted, made.network) == (stated.fitted, stated.network)
    # Beside a network file they are added to what it says, or replace it.
    bare = tmp_path / "bare.toml"
    bare.write_text(
        '[[layers]]\nunits = 1\n[data]\nfile = "t.csv"\ntarget = "price"\nmissing = "mean"\nexclude = "age"\n'
    )
    assert opened(str(bare), decimal=",", exclude=("id",)).network.input_names == ("size", "zip")
    with pytest.raises(InvalidArgument, match=r'decimal: expected "\." or ",", found ";"'):
        load(table, target="price", decimal=";")  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::clearprop.tables.table.TableNotice")
def test_a_model_reads_rows_that_are_written_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, model, rows = (str(tmp_path / name) for name in ("t.csv", "m.safetensors", "rows.csv"))
    Path(table).write_text("p,q,y\n" + "".join(f"{k / 10},{k % 3},{k * k}\n" for k in range(10)))
    Path(rows).write_text('"1,234","2"\n')
    said(capsys, "train", table, "--target", "y", "--epochs", "2", "--output", model)
    predict = ["predict", model, "--data", rows]
    assert "(--names)" in said(capsys, *predict, code=1)
    assert "(--decimal)" in said(capsys, *predict, "--names", "p,q", code=1)
    found = said(capsys, *predict, "--names", "p,q", "--decimal", ",")
    Path(rows).write_text("p,q\n1.234,2\n")
    assert found == said(capsys, *predict)
    assert values_of(capsys, model, "--data", rows)["z_y1"] == values_of(capsys, model, "--inputs", "1.234,2")["z_y1"]
    own = tmp_path / "lecture.safetensors"
    said(capsys, "train", "lecture", "--epochs", "1", "--output", str(own))
    Path(rows).write_text('i1,i2\n"0,125","0,5"\n')
    found = said(capsys, "predict", str(own), "--data", rows, "--decimal", ",")
    Path(rows).write_text("i1,i2\n0.125,0.5\n")
    assert found == said(capsys, "predict", str(own), "--data", rows)
    for arguments, message in (
        (
            [model, "--data", table, "--categorical", "p"],
            "--categorical is for a network file or a table; a model knows",
        ),
        ([model, "--decimal", ","], "--decimal says how a table is read; give the table with --data"),
    ):
        assert message in said(capsys, "explain", *arguments, code=2)


def test_columns_are_named_each_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("1,2\n2,3\n3,4\n")
    table = ["train", str(tmp_path / "t.csv"), "--target", "b", "--names"]
    for names, message in (
        ("a,a", 'names: expected a name for each column, each once, not "a" twice'),
        ("", 'expected a name for each column, such as size,kind, found ""'),
    ):
        assert message in said(capsys, *table, names, code=2)
    assert "expected 3 cells, one for each of names under [data] (--names), found 2" in said(
        capsys, *table, "a,b,c", code=1
    )
