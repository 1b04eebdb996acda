"""The network file: what is read, what is refused and in which words, and that writing loses nothing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import problems

import clearprop as cp
from clearprop.atomic_write import write_atomically
from clearprop.errors import InvalidArgument, InvalidNetwork, UnreadableFile, Unwritable
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.network.notation import NOTATIONS, Notation
from clearprop.rules.optimizers import optimizer
from clearprop.rules.schedules import schedule

START = """
[inputs]
names = ["i1", "i2"]
[[layers]]
units = ["h1", "h2"]
activation = "tanh"
[[layers]]
units = ["o1"]
activation = "logistic"
"""
EXAMPLE = "[[examples]]\ninputs = [1, 2]\ntargets = [0.5]\n"


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidNetwork) as error:
        cp.read(text, "net.toml")
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"tanh"', '"tanhh"', 'layers[1].activation: unknown activation "tanhh"; did you mean "tanh"?'),
        ("activation", "activaton", 'layers[1].activaton: unknown key "activaton"; did you mean "activation"?'),
        ('["o1"]', "0", "layers[2].units: expected a whole number of at least 1, found 0"),
        ('["o1"]', "1000000000", "layers[2].units: expected a whole number of at most 1,000,000, found 1000000000"),
        ('["o1"]', "[]", "layers[2].units: expected the units' names, or their number, found an empty list"),
        ('["o1"]', '["h1"]', 'layers[1].units, layers[2].units: the unit name "h1" is used 2 times; names are unique'),
        ('["o1"]', '["o-1"]',
         'layers[2].units: "o-1" is not a name: expected 1 to 200 letters (of any script), digits and _'),
        (
            '"tanh"',
            '"tanh"\nweights = [[1, 2, 3], [4, 5]]',
            "layers[1].weights[1]: expected 2 numbers, one per input of the layer, found 3",
        ),
        (
            '"logistic"',
            '"logistic"\nweights = [[1], [2]]',
            "layers[2].weights: expected 1 rows of 2 numbers (one row per unit), found 2 rows of 1; "
            "it looks transposed: one row per unit, one column per input",
        ),
        (
            '"tanh"',
            '"tanh"\nweights = [[1, nan], [0, 0]]',
            "layers[1].weights: entry 1: entry 2: expected a finite number, found nan",
        ),
        ('"tanh"', '"tanh"\nbias = [1]', "layers[1].bias: expected 2 numbers, one per unit, found 1"),
        ('"tanh"', '"tanh"\nbias = inf', "layers[1].bias: expected a finite number, found inf"),
        (
            '"tanh"',
            '"tanh"\nbias = true',
            "layers[1].bias: expected a number (shared by the layer), a list (one per unit) or false (none), "
            "found true",
        ),
        (
            '"tanh"',
            '"tanh"\nbias = 0.1\nbias_names = ["a", "b"]',
            "layers[1].bias_names: the layer shares one bias: expected one name, found 2 in a list",
        ),
        (
            '"logistic"',
            '"logistic"\nweight_names = [["E_total", "v"]]',
            'layers[2].weight_names: "E_total" is reserved: it is what the total error is called; choose another',
        ),
        (
            '"logistic"',
            '"relu"\n[loss]\nname = "binary_cross_entropy"',
            "loss: binary_cross_entropy needs outputs between 0 and 1, so activation logistic in the last layer; "
            "found relu; use logistic, or the loss half_squared_error",
        ),
        ('"tanh"', '"tanh"\ndropout = 1', "layers[1].dropout: expected a number of at least 0 and below 1, found 1"),
        (
            '"tanh"',
            '"z * logstic(z)"',
            'layers[1].activation: unknown function "logstic"; did you mean "logistic"?\n'
            "  z * logstic(z)\n      ^ character 5",
        ),
        ('"logistic"\n', '"logistic"\n[loss]\nname = "hubr"', 'loss.name: unknown loss "hubr"; did you mean "huber"?'),
        (
            '"logistic"\n',
            '"logistic"\n[optimizer]\nname = "adm"',
            'optimizer: unknown optimizer "adm"; did you mean "adam"?',
        ),
        (
            '"logistic"\n',
            '"logistic"\n[optimizer]\nlearning_rate = -1',
            "optimizer.learning_rate: expected a number of at least 0, found -1",
        ),
        (
            '"logistic"\n',
            '"logistic"\n[training]\nepochs = 1.5',
            "training.epochs: expected a whole number, found 1.5",
        ),
        (
            '"logistic"\n',
            '"logistic"\n[[examples]]\ninputs = [1]\ntargets = [0.5]',
            "examples[1].inputs: expected 2 numbers, one per input, found 1",
        ),
        (
            '"logistic"\n',
            '"logistic"\n[[examples]]\ninputs = [1, nan]\ntargets = [0.5, 1]',
            "examples[1].inputs[2]: expected a finite number, found nan",
        ),
        (
            '"logistic"\n',
            '"logistic"\n[loss]\nname = "binary_cross_entropy"\n[[examples]]\ninputs = [1, 1]\ntargets = [2]',
            "examples[1].targets: binary_cross_entropy needs targets from 0 to 1, found 2",
        ),
        ("[inputs]", "format = 9\n[inputs]", "format: this file has format 9, this clearprop reads up to 1; upgrade: "
                                            "pip install --upgrade clearprop"),
        ('names = ["i1", "i2"]', "count = 0", "inputs.count: expected a whole number of at least 1, found 0"),
        ("[inputs]", 'notation = "lectur"\n[inputs]', 'notation: unknown notation "lectur"; did you mean "lecture"?'),
    ],
)  # fmt: skip
def test_each_fault_has_one_clear_message(old: str, new: str, message: str) -> None:
    assert old in START
    assert message in faults(START.replace(old, new, 1))


def test_faults_of_form_and_of_meaning_are_reported_at_once() -> None:
    text = START.replace('"tanh"', '"tanhh"').replace('["h1", "h2"]', '["h1", "h1"]')
    text += "[optimizer]\nrate = 1\n[[examples]]\ninputs = [1, 2]\ntargets = [1, 2]\n"
    assert faults(text) == [
        'layers[1].activation: unknown activation "tanhh"; did you mean "tanh"?',
        'layers[1].units: the unit name "h1" is used 2 times; names are unique',
        'optimizer: unknown key of the optimizer sgd "rate"; known: learning_rate, momentum, dampening, nesterov, '
        "weight_decay, schedule, clip_norm, clip_value",
        "examples[1].targets: expected 1 number, one per output, found 2",
    ]


def test_targets_of_softmax_sum_to_one() -> None:
    text = START.replace('["o1"]', '["o1", "o2"]').replace("logistic", "softmax")
    assert faults(text + "[[examples]]\ninputs = [1, 2]\ntargets = [0.5, 0.6]\n") == [
        "examples[1].targets: categorical_cross_entropy needs targets that sum to 1, found a sum of 1.1"
    ]


# --- files that are not network files ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; `clearprop examples lecture` prints one to start from"),
        (b"  \n", "the file is empty; `clearprop examples lecture` prints one to start from"),
        (b"\xff\xfe\x00", "not a text file in UTF-8: byte 1, line 1, cannot be read"),
        (b"a = 1\n\0", "a binary file, expected TOML text"),
        (b"[inputs]\nnames = [\n\n[[layers", "not valid TOML: "),
        (b"[inputs\n", "not valid TOML: line 1, column 8: expected ']' at the end of a table declaration\n  [inputs"),
        (b"x = " + b"[" * 100_000, "not valid TOML: nested too deeply"),
    ],
)
def test_what_is_not_a_network_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as error:
        cp.load(str(path))
    assert str(error.value).startswith(f"{path}: {message}")


def test_missing_files_folders_and_names(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"none\.toml: no such file"):
        cp.load(str(tmp_path / "none.toml"))
    with pytest.raises(UnreadableFile, match="expected a network file, found a folder"):
        cp.load(str(tmp_path))
    with pytest.raises(UnreadableFile, match='"lectur": no such file, and unknown example "lectur"; did you mean'):
        cp.load("lectur")
    big = tmp_path / "big.toml"
    with big.open("wb") as file:
        file.truncate(300 * 2**20)
    with pytest.raises(UnreadableFile, match="larger than 256 MB, too large for a network file"):
        cp.load(str(big))


# --- writing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lecture", "xor", "deep", "ring"])
def test_bundled_examples_are_written_and_read_back_equal(name: str) -> None:
    assert cp.read(cp.write(cp.load(name))) == cp.load(name)


@given(
    problems(),
    st.sampled_from([
        cp.SGD(0.3, momentum=0.9, nesterov=True), cp.RMSprop(centered=True, alpha=0.5), cp.Adagrad(lr_decay=0.1),
        cp.Adam(betas=(0.5, 0.6), eps=1e-3), cp.AdamW(weight_decay=0.2),
        optimizer("adam", clip_norm=1.0, clip_value=0.5, schedule=schedule("cosine", epochs=7, warmup=3)),
    ]),
)  # fmt: skip
def test_what_is_written_reads_back_equal(problem: cp.Problem, chosen: object) -> None:
    from dataclasses import replace

    problem = replace(
        problem,
        optimizer=chosen,  # type: ignore[arg-type]
        settings=cp.Settings(epochs=7, batch_size=2, tolerance=0.0, seed=5, shuffle=False, dtype="float64"),
        notation="lecture",
    )
    again = cp.read(cp.write(problem))
    assert again == problem
    assert again.parameters.vector.tobytes() == problem.parameters.vector.tobytes()


def test_names_constants_and_policies_are_written_too() -> None:
    layers = [
        cp.Dense(("h1", "h2"), cp.activation("leaky_relu", slope=0.3), bias="shared", bias_names="b", train_bias=False),
        cp.Dense(2, "tanh", bias=False, weight_names=(("a", "c"), ("d", "e")), init="zeros", dropout=0.25),
        cp.Dense(1, "z**2", bias_names=("c1",)),
    ]
    loss = cp.Objective(cp.loss("huber", delta=0.5), "mean", "sum")
    problem = cp.Problem(cp.Network(("p", "q"), layers, loss), penalty=cp.Penalty(l1=0.5))
    assert cp.read(cp.write(problem)) == problem


def test_a_written_file_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "net.toml"
    target.write_text("what was there")
    os.chmod(target, 0o640)
    write_atomically(target, "new")
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", 0o640)
    with pytest.raises(Unwritable, match="found a folder; give a file's name"):
        write_atomically(tmp_path, "x")
    with pytest.raises(Unwritable, match=r"there is no folder .*none; make it first"):
        write_atomically(tmp_path / "none" / "x", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["net.toml"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "net.toml"
    target.write_text("what was there")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unwritable, match="No space left on device; what was there before is untouched"):
        write_atomically(target, "new")
    assert target.read_text() == "what was there"
    assert len(list(tmp_path.iterdir())) == 1


# --- names --------------------------------------------------------------------------------------------


def test_default_names_and_weights_are_numbered_through() -> None:
    network = cp.Network(2, [cp.Dense(2, "tanh"), cp.Dense(1, "tanh", bias="shared")])
    parameters = cp.Parameters.random(network)
    assert list(parameters) == ["w1", "w2", "w3", "w4", "b_h1_1", "b_h1_2", "w5", "w6", "b2"]
    assert (network.input_names, network.unit_names) == (("x1", "x2"), (("h1_1", "h1_2"), ("y1",)))


@pytest.mark.parametrize("notation", NOTATIONS.values())
def test_every_name_finds_its_quantity(notation: Notation) -> None:
    network = cp.load("deep").network
    names = Names(network, notation)
    quantities: list[q.Quantity] = [q.TotalError(), q.PenaltyError(), q.Error(1), q.Target(0)]
    for layer in range(network.depth):
        quantities += [q.Sum(layer, 1), q.Output(layer, 0), q.Derivative(q.TotalError(), q.Sum(layer, 0))]
    for index in range(len(cp.load("deep").parameters)):
        parameter = q.Parameter(index)
        quantities += [parameter, q.Updated(parameter), q.Derivative(q.TotalError(), parameter)]
    for quantity in quantities:
        assert names.find(names.text(quantity)) == quantity
    assert names.find("dE_total/dw1") == names.find("∂L/∂w1")


def test_ordinary_letters_are_ordinary_names() -> None:
    network = cp.Network(("a", "b"), [cp.Dense(("y", "z"), "tanh", weight_names=(("y", "z"), ("a", "b")))])
    problem = cp.Problem(network, examples=cp.Examples.of([[1.0, 2.0]], [[0.5, 0.5]]))
    done = cp.cycle(problem)
    assert done["z_y"] == pytest.approx(problem.parameters["y"] + 2 * problem.parameters["z"])


def test_large_networks_are_described_and_searched_quickly() -> None:
    network = cp.Network(784, [cp.Dense(512, "relu"), cp.Dense(512, "relu"), cp.Dense(10, "softmax")])
    layout = cp.Parameters.random(network).layout
    assert layout.size == 669706
    assert layout.find("w668672") == layout.weights[2].stop - 1
    assert layout.find("w668673") is None
    assert np.isfinite(cp.Parameters.random(network).vector).all()


def test_numbers_too_large_for_a_float_and_hostile_text_are_reported_like_any_other() -> None:
    text = START + f"[[examples]]\ninputs = [1, -1{'0' * 400}]\ntargets = [0.5]\n"
    assert faults(text) == ["examples[1].inputs[2]: expected a finite number, found -inf"]
    hostile = START.replace('"tanh"', '"\\u001b[31m red"')
    with pytest.raises(InvalidNetwork) as error:
        cp.read(hostile)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('[loss]\nover_output = "mean"', 'loss.over_output: unknown key "over_output"; did you mean "over_outputs"?'),
        ("[loss]\ndelta = 2", 'loss.delta: unknown key "delta"; known: name, over_outputs, over_examples'),
        (
            '[optimizer]\nmomentun = "x"',
            'optimizer: unknown key of the optimizer sgd "momentun"; did you mean "momentum"?',
        ),
        (
            '[[layers]]\nunits = 1\nweight_names = [["new_w1"]]',
            'layers[3].weight_names: "new_w1" is reserved: it is what the updated w1 is called; choose another',
        ),
    ],
)
def test_keys_that_do_not_exist_and_names_that_are_taken(table: str, message: str) -> None:
    assert faults(START + table) == [message]


def test_sizes_may_be_whole_numbers_of_any_kind() -> None:
    assert cp.Network(np.int64(3), [cp.Dense(np.int64(2))]).sizes == (3, 2)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"units: expected a whole number or a list of names, found 2\.0"):
        cp.Dense(2.0)  # type: ignore[arg-type]
