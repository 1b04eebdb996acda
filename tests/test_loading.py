"""Loading: what a file is, its content says; whatever it is, there is a problem or one clear message."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import ClearpropError, InvalidArgument, RequestError, UnreadableFile
from clearprop.loading import FOREIGN, READERS, is_table, read_problem, reader_of

EXPECTED = "expected a network file (TOML) or a model (safetensors), found what looks like"
TABLE = "name it under [data] of a network file, or give a network file and the table with --data"
COMMANDS = ("explain", "train", "predict", "verify", "engine", "explore")


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "model.pkl": (
        lambda path: path.write_bytes(pickle.dumps({"a": 1})),
        "a Python pickle, which is never opened, since it may run any program; save the model with skops, as "
        "ONNX, or its weights alone: torch.save(model.state_dict(), FILE)",
    ),
    "x.npy": (lambda path: np.save(path, np.zeros(2)), "a NumPy array"),
    "noise.bin": (lambda path: path.write_bytes(bytes(range(200, 256)) + b"\0"), "a binary file"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_without_a_network_is_named_for_what_it_looks_like(name: str, tmp_path: Path) -> None:
    make, looks = FILES[name]
    path = tmp_path / name
    make(path)
    for read in (cp.load, read_problem):
        with pytest.raises(UnreadableFile) as caught:
            read(path)
        assert str(caught.value) == f"{path}: {EXPECTED} {looks}"


@pytest.mark.parametrize("name", FILES)
def test_every_command_says_the_same(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from clearprop.cli import run

    make, looks = FILES[name]
    path = tmp_path / name
    make(path)
    for command in COMMANDS:
        more = {"predict": ["--data", "rows.csv"], "explore": ["--no-open"]}.get(command, [])
        assert run([command, str(path), *more]) == 2
        assert capsys.readouterr().err.endswith(f"clearprop: {path}: {EXPECTED} {looks}\n")


@pytest.mark.parametrize("name", ["wine.csv", "wine.txt", "wine", "wine.data"])
def test_a_table_asks_for_its_target(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from clearprop.cli import run

    path = tmp_path / name
    path.write_text("acid,the sugar\n1.5,2\n")
    asks = f"{path}: which column is the target? Name it with --target; found acid, the sugar"
    with pytest.raises(InvalidArgument) as caught:
        cp.load(path)
    assert str(caught.value) == asks
    for command in (*COMMANDS, "new"):
        if command != "predict":
            typed = [command, str(path), *(["--no-open"] if command == "explore" else [])]
            assert run(typed) == 2
            told = f"type: clearprop {' '.join(typed)} --target 'the sugar'"
            assert capsys.readouterr().err.endswith(f"clearprop: {asks}; {told}\n")
    with pytest.raises(UnreadableFile, match=re.escape(f"found what looks like a table; {TABLE}")):
        read_problem(path)


def test_a_table_has_no_other_table_and_a_network_is_made_for_a_table_only(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("p,y\n1,2\n")
    with pytest.raises(InvalidArgument, match="found a table and --data; give one of them"):
        cp.load(path, data=path, target="y")
    with pytest.raises(InvalidArgument, match="--hidden is for a network made for a table; lecture has its own"):
        cp.load("lecture", hidden=(3,))
    with pytest.raises(InvalidArgument, match="--task is for a network made for a table; lecture has its own"):
        cp.load("lecture", task="numbers")


def test_content_counts_more_than_the_name(tmp_path: Path) -> None:
    network, model = tmp_path / "net.safetensors", tmp_path / "model.toml"
    network.write_text(cp.write(cp.load("lecture")))
    fit = cp.train(cp.load("lecture"), epochs=1)
    fit.save(model)
    assert cp.load(network) == cp.load("lecture")
    assert cp.load(model).parameters == fit.problem.parameters
    assert [reader_of(path).trained for path in (network, model)] == [False, True]


def test_the_name_decides_where_the_content_does_not(tmp_path: Path) -> None:
    """Text of which nothing is TOML: in a file of that name it is a network file with a fault."""
    for name, message in (("net.toml", "not valid TOML: line 1"), ("net", "which column is the target?")):
        (tmp_path / name).write_text("inputs, layers\n2, 3\n")
        with pytest.raises(RequestError) as caught:
            cp.load(tmp_path / name)
        assert message in str(caught.value)
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0")
    with pytest.raises(ClearpropError, match=r"cut\.safetensors: an incomplete safetensors file"):
        cp.load(tmp_path / "cut.safetensors")


def test_no_file_is_of_two_kinds(tmp_path: Path) -> None:
    """Each reader recognises what it reads, and nothing that another reads or that is foreign."""
    cp.train(cp.load("lecture"), epochs=1).save(tmp_path / "m")
    heads = [(tmp_path / "m").read_bytes()[:4096], cp.write(cp.load("lecture")).encode()]
    for place, head in enumerate(heads):
        between = [False] * (len(READERS) - 2)
        assert [reader.recognises(head) for reader in READERS] == [place == 0, *between, place == 1]
        assert not any(each.recognises(head) for each in FOREIGN)
    for name in ("lecture", "xor", "iris", "digits"):
        text = (Path(cp.__file__).parent / "examples" / f"{name}.toml").read_bytes()
        assert [reader.recognises(text[:4096]) for reader in READERS] == [*[False] * (len(READERS) - 1), True]


def test_missing_files_and_examples() -> None:
    with pytest.raises(
        UnreadableFile, match=r'^"lectur": no such file, and unknown example "lectur"; did you mean "lec'
    ):
        cp.load("lectur")
    with pytest.raises(UnreadableFile, match=r"^none\.toml: no such file"):
        cp.load("none.toml")
    with pytest.raises(UnreadableFile, match=r"expected a network file, found a folder"):
        cp.load(Path(cp.__file__).parent)


# --- tables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("a;b\n1;2\n", True),
        ("# sizes\na b\n1 2\n3 4\n", True),
        ("18.0   8   307.0\n15.0   8   350.0\n", True),
        ("kind n\nred 1\nblue 2\n", True),
        ("# a network\n\n[inputs]\ncount = 2\n", False),
        ("notation = 'lecture'\n", False),
        ("the cat sat\nthe dog ran\n", False),
        ("# only a comment\n", False),
    ],
)
def test_a_table_is_told_by_its_lines(tmp_path: Path, text: str, table: bool) -> None:
    (tmp_path / "t.data").write_text(text)
    assert is_table(tmp_path / "t.data") is table


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_table_in_utf_16_is_one_whatever_its_name(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    (tmp_path / "t.txt").write_bytes((mark + "größe\ty\r\n1\t2\r\n3\t4\r\n").encode(encoding))
    assert cp.load(tmp_path / "t.txt", target="y").network.input_names == ("größe",)


def test_a_target_that_is_no_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Named in the request it is the request that is wrong; named in the file, the table does not fit."""
    from clearprop.cli import run

    source = cp.write(cp.load("iris"))
    (tmp_path / "iris.csv").write_text((Path(cp.__file__).parent / "examples" / "iris.csv").read_text())
    (tmp_path / "net.toml").write_text(source)
    net = str(tmp_path / "net.toml")
    for arguments in ([net, "--target", "specie"], [net, "--data", str(tmp_path / "iris.csv"), "--target", "specie"]):
        for command in ("train", "explain", "verify", "engine"):
            assert run([command, *arguments]) == 2
            assert capsys.readouterr().err.endswith(
                f'clearprop: {tmp_path}/iris.csv: unknown column "specie"; did you mean "species"?\n'
            )
    (tmp_path / "net.toml").write_text(source.replace('"species"', '"specie"'))
    assert run(["train", net]) == 1
    assert 'column "specie": there is no such column' in capsys.readouterr().err


def test_a_seed_is_checked_like_that_of_a_file() -> None:
    with pytest.raises(ClearpropError, match=r"^seed: expected a whole number of at least 0, found -1$"):
        cp.load("lecture", seed=-1)


DRAWN = """
[inputs]
count = 2
[[layers]]
units = 3
init = "{init}"
[[layers]]
units = 1
init = "{init}"
weights = [[0.5, 0.25, 1.0]]
[training]
seed = {seed}
"""


@pytest.mark.parametrize("init", ["glorot_uniform", "pytorch", "sklearn"])
def test_another_seed_draws_what_a_file_with_that_seed_draws(init: str, tmp_path: Path) -> None:
    """Weights, and biases where they are drawn too; the weights that the file gives stay."""
    paths = [tmp_path / f"{seed}.toml" for seed in (0, 5)]
    for path in paths:
        path.write_text(DRAWN.format(init=init, seed=path.stem))
    found, expected = cp.load(paths[0], seed=5), cp.load(paths[1])
    assert found.parameters == expected.parameters
    assert found.parameters != cp.load(paths[0]).parameters


def test_a_table_that_is_not_there_is_said_first(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"none\.csv: no such file"):
        cp.load(tmp_path / "none.csv", target="y", hidden=3)
    with pytest.raises(InvalidArgument, match="--hidden is for a network made for a table; lecture has its own"):
        cp.load("lecture", hidden=3)
