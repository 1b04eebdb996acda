"""The lecture's example, byte for byte; descriptions, layouts and names; files that nobody can read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import few_calls, problems

import clearprop as cp
from clearprop import examples
from clearprop.errors import InvalidArgument, InvalidNetwork, UnknownName, UnreadableFile
from clearprop.network import names as q
from clearprop.network.layout import Place
from clearprop.network.names import Names
from clearprop.network.notation import NOTATIONS, Notation

# As the product's description states it.
LECTURE_FILE = """\
notation = "lecture"            # or "standard", the default

[inputs]
names = ["i1", "i2"]            # or: count = 2

[[layers]]
units = ["h1", "h2"]            # names, or a number
activation = "logistic"
weights = [[0.1, 0.3], [0.2, 0.4]]
weight_names = [["w1", "w3"], ["w2", "w4"]]
bias = 0.25                     # a number: one bias shared by the layer; a list: one per unit; false: none; left out: one per unit, zero
bias_names = "b1"
train_bias = false              # default true

[[layers]]
units = ["o1", "o2"]
activation = "logistic"
weights = [[0.5, 0.6], [0.7, 0.8]]
weight_names = [["w5", "w6"], ["w7", "w8"]]
bias = 0.35
bias_names = "b2"
train_bias = false

[loss]
name = "half_squared_error"
over_outputs = "sum"            # or "mean"; each loss has its usual default
over_examples = "mean"          # or "sum"

[optimizer]
name = "sgd"
learning_rate = 0.6

[[examples]]
inputs = [0.1, 0.5]
targets = [0.05, 0.95]
"""  # noqa: E501


def test_the_lecture_is_byte_for_byte_what_the_product_says() -> None:
    assert examples.source("lecture") == LECTURE_FILE


def test_the_lecture_reads_as_written_from_python() -> None:
    layers = [
        cp.Dense(("h1", "h2"), "logistic", "shared", (("w1", "w3"), ("w2", "w4")), "b1", train_bias=False),
        cp.Dense(("o1", "o2"), "logistic", "shared", (("w5", "w6"), ("w7", "w8")), "b2", train_bias=False),
    ]
    network = cp.Network(("i1", "i2"), layers, "half_squared_error")
    weights = [[[0.1, 0.3], [0.2, 0.4]], [[0.5, 0.6], [0.7, 0.8]]]
    problem = cp.Problem(
        network,
        cp.Parameters.of(network, weights, [0.25, 0.35]),
        cp.SGD(0.6),
        examples=cp.Examples.of([0.1, 0.5], [0.05, 0.95]),
        notation="lecture",
    )
    read = cp.load("lecture")
    assert read == problem
    assert dict(read.parameters.items()) == {
        "w1": 0.1, "w3": 0.3, "w2": 0.2, "w4": 0.4, "b1": 0.25, "w5": 0.5, "w6": 0.6, "w7": 0.7, "w8": 0.8, "b2": 0.35,
    }  # fmt: skip


# --- descriptions -----------------------------------------------------------------------------------


def test_defaults() -> None:
    network = cp.Network(3, [cp.Dense(4, "relu"), cp.Dense(2)])
    assert [layer.init for layer in network.layers] == ["he_normal", "glorot_uniform"]
    assert [layer.rule.name for layer in network.layers] == ["relu", "identity"]
    assert [layer.bias for layer in network.layers] == ["unit", "unit"]
    assert all(layer.train_bias for layer in network.layers)
    assert (network.loss.rule.name, network.loss.over_outputs, network.loss.over_examples) == (
        "half_squared_error",
        "sum",
        "mean",
    )
    assert cp.Network(3, [cp.Dense(2, "softmax")]).loss.rule.name == "categorical_cross_entropy"
    assert (network.sizes, network.depth, network.parameter_count) == ((3, 4, 2), 2, 3 * 4 + 4 + 4 * 2 + 2)


def test_default_names() -> None:
    network = cp.Network(2, [cp.Dense(2, bias="shared"), cp.Dense(("u", "v"), bias=False), cp.Dense(2)])
    assert network.input_names == ("x1", "x2")
    assert network.unit_names == (("h1_1", "h1_2"), ("u", "v"), ("y1", "y2"))
    expected = ["w1", "w2", "w3", "w4", "b1", "w5", "w6", "w7", "w8", "w9", "w10", "w11", "w12", "b_y1", "b_y2"]
    assert list(cp.Parameters.random(network)) == expected


@pytest.mark.parametrize(
    ("make", "faults"),
    [
        (lambda: cp.Network(2, []), ["layers: a network needs at least one layer, found none"]),
        (
            lambda: cp.Network(0, [cp.Dense(0)]),
            [
                "inputs: expected 1 to 1,000,000 inputs, found 0",
                "layers[1].units: expected 1 to 1,000,000 units, found 0",
            ],
        ),
        (
            lambda: cp.Network(10, [cp.Dense(10**9)]),
            [
                "layers[1].units: expected 1 to 1,000,000 units, found 1,000,000,000",
                "layers: 11,000,000,000 weights and biases are more than the 200,000,000 that fit; use fewer units",
            ],
        ),
        (lambda: cp.Network(1, [cp.Dense(1)] * 1001), ["layers: at most 1000 layers, found 1001"]),
        (
            lambda: cp.Network(("a", "b", "a"), [cp.Dense(1)]),
            ['inputs: the unit name "a" is used 2 times; names are unique'],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(("x1", "h"))]),
            ['layers[1].units, a default name: the unit name "x1" is used 2 times; names are unique'],
        ),
        (
            lambda: cp.Network(1, [cp.Dense(1, weight_names=(("w2",),)), cp.Dense(1)]),
            [
                'layers[1].weight_names, a default name: the parameter name "w2" is used 2 times; names are unique',
            ],
        ),
        (
            lambda: cp.Network(1, [cp.Dense(("u",), weight_names=(("k",),), bias_names=("k",))]),
            ['layers[1].weight_names, layers[1].bias_names: the parameter name "k" is used 2 times; names are unique'],
        ),
        (
            lambda: cp.Network(("a b",), [cp.Dense(("ü\u202e",))]),
            [
                'inputs: "a b" is not a name: expected 1 to 200 letters (of any script), digits and _',
                'layers[1].units: "ü\ufffd" is not a name: expected 1 to 200 letters (of any script), digits and _',
            ],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(2, weight_names=(("a", "b"),))]),
            ["layers[1].weight_names: expected 2 rows of 2 names (one row per unit), found 1 rows of 2"],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(2, bias=False, bias_names="b")]),
            ["layers[1].bias_names: the layer has no bias to name; remove bias_names, or give it a bias"],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(2, bias_names="b")]),
            ['layers[1].bias_names: expected a list of 2 names, found the single name "b"'],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(2, bias_names=("b", "c", "d"))]),
            ["layers[1].bias_names: expected 2 names, one per unit, found 3"],
        ),
        (
            lambda: cp.Network(2, [cp.Dense(2, "relu")], "categorical_cross_entropy"),
            [
                "loss: categorical_cross_entropy needs outputs that sum to 1, so activation softmax in the last "
                "layer; found relu; use softmax, or the loss half_squared_error"
            ],
        ),
    ],
)
def test_everything_wrong_with_a_description(make: Callable[[], Any], faults: list[str]) -> None:
    with few_calls(50_000):
        with pytest.raises(InvalidNetwork) as error:
            make()
        assert [str(problem) for problem in error.value.problems] == faults


RESERVED = ["E_total", "L", "penalty", "E_1", "L_2", "target_1", "t_2", "sum_u", "z_v", "output_u", "a_v", "delta_u"]


@pytest.mark.parametrize("name", RESERVED)
def test_parameters_are_not_called_what_a_quantity_is_called(name: str) -> None:
    with pytest.raises(InvalidNetwork, match=f'"{name}" is reserved: it is what '):
        cp.Network(1, [cp.Dense(("u", "v"), weight_names=((name,), ("k",)))])


@pytest.mark.parametrize("name", ["a", "b", "y", "z", "t", "n", "E", "E_3", "sum_w", "1", "_", "x1", "u"])
def test_other_names_are_ordinary(name: str) -> None:
    network = cp.Network(1, [cp.Dense(("u", "v"), weight_names=((name,), ("k",)))])
    assert Names(network).find(name) == q.Parameter(0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: cp.Dense(2, bias=cast(Any, "one")),
            'bias: expected "unit", "shared" or "none", found "one"',
        ),
        (lambda: cp.Dense(2, dropout=1.0), "dropout: expected a number of at least 0 and below 1, found 1.0"),
        (
            lambda: cp.Objective(cp.loss("huber"), cast(Any, "total")),
            'over_outputs: expected "sum" or "mean", found "total"',
        ),
        (lambda: cp.load("lecture").examples.only(2), "example: expected 1 to 1, found 2"),  # type: ignore[union-attr]
        (lambda: cp.Examples.of([[1], [2]], [[1]]), "found 2 rows of inputs and 1 rows of targets"),
        (
            lambda: cp.Parameters.of(cp.Network(2, [cp.Dense(1)]), [[[1.0], [2.0]]]),
            "layers[1].weights: expected shape (1, 2), one row per unit and one column per input of the layer, "
            "found (2, 1); it looks transposed",
        ),
        (
            lambda: cp.Parameters.of(cp.Network(1, [cp.Dense(2)]), [[[1.0], [np.nan]]]),
            "the value of w2 is not a finite number",
        ),
        (
            lambda: cp.Parameters.of(cp.Network(1, [cp.Dense(2)]), [[[1.0], [2.0]]], [[1.0]]),
            "layers[1].bias: expected 2 numbers, found 1",
        ),
    ],
)  # fmt: skip
def test_values_that_make_no_sense(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        make()
    assert str(error.value) == message


# --- parameters -------------------------------------------------------------------------------------


@given(problems(max_depth=5))
def test_layout_covers_the_vector_once(problem: cp.Problem) -> None:
    network, layout = problem.network, problem.parameters.layout
    assert layout.size == network.parameter_count == len(problem.parameters.vector)
    counted = cp.Parameters(layout, np.arange(float(layout.size)))
    seen = []
    for layer in range(network.depth):
        matrix, biases = counted.weights(layer), counted.biases(layer)
        assert matrix.shape == (network.sizes[layer + 1], network.sizes[layer])
        for unit, row in enumerate(matrix):
            for source, value in enumerate(row):
                assert layout.place(int(value)) == Place(layer, unit, source)
                assert layout.index(Place(layer, unit, source)) == value
        for unit, value in enumerate(biases):
            assert layout.place(int(value)) == Place(layer, unit, None)
            assert layout.index(Place(layer, unit, None)) == value
        seen += [*matrix.ravel(), *biases]
    assert seen == list(range(layout.size))
    names = list(layout.names())
    assert len(set(names)) == layout.size
    assert [layout.name(k) for k in range(layout.size)] == names
    assert [layout.find(name) for name in names] == list(range(layout.size))


def test_views_write_through() -> None:
    parameters = cp.Parameters.random(cp.Network(2, [cp.Dense(2)]))
    parameters.weights(0)[1, 0] = 7.0
    parameters.biases(0)[1] = 9.0
    assert (parameters["w3"], parameters["b_y2"], parameters.vector[2], parameters.vector[5]) == (7.0, 9.0, 7.0, 9.0)


@pytest.mark.parametrize("name", ["w0", "w01", "w7", "w-1", "w٣", "w", "W1", "b1", "w" + "9" * 40, ""])
def test_names_that_no_parameter_has(name: str) -> None:
    parameters = cp.Parameters.random(cp.Network(2, [cp.Dense(3)]))
    assert parameters.layout.find(name) is None
    with pytest.raises(UnknownName, match="unknown parameter"):
        parameters[name]


def test_giving_one_layers_weights_leaves_the_others_as_they_were() -> None:
    text = "[inputs]\ncount = 2\n[[layers]]\nunits = 2\n{}[[layers]]\nunits = 2\n"
    free, given_ = cp.read(text.format("")), cp.read(text.format("weights = [[1, 2], [3, 4]]\n"))
    np.testing.assert_array_equal(free.parameters.weights(1), given_.parameters.weights(1))
    assert given_.parameters.weights(0).tolist() == [[1, 2], [3, 4]]
    assert cp.read(text.format("") + "[training]\nseed = 1\n").parameters != free.parameters


def test_a_million_default_names_are_found_at_once() -> None:
    network = cp.Network(1000, [cp.Dense(1000, "relu"), cp.Dense(1000)])
    layout = network.layout
    with few_calls(50_000):
        assert layout.find("w1000000") == 999_999
        assert layout.find("w1000001") == 1_001_000
        assert layout.find("b_h1_1000") == 1_000_999
        assert layout.name(2_001_999) == "b_y1000"
        assert Names(network).find("∂L/∂w2000000") == q.Derivative(q.TotalError(), q.Parameter(2_000_999))


# --- names ------------------------------------------------------------------------------------------


@given(problems(max_depth=3), st.sampled_from([*NOTATIONS.values()]))
def test_what_a_quantity_is_called_finds_it(problem: cp.Problem, notation: Notation) -> None:
    network = problem.network
    names = Names(network, notation)
    units = [(layer, unit) for layer, size in enumerate(network.sizes[1:]) for unit in range(size)]
    parameters = [q.Parameter(index) for index in range(network.parameter_count)]
    errors = [q.Error(k) for k in range(network.sizes[-1])]
    quantities: list[q.Quantity] = [q.TotalError(), q.PenaltyError(), *errors, *parameters]
    quantities += [q.Target(k) for k in range(network.sizes[-1])]
    quantities += [q.Sum(*unit) for unit in units] + [q.Output(*unit) for unit in units]
    quantities += [q.Updated(parameter) for parameter in parameters]
    roots: list[q.Quantity] = [q.TotalError(), *errors]
    variables: list[q.Quantity] = [*parameters, *(q.Sum(*unit) for unit in units)]
    for of in roots:
        quantities += [q.Derivative(of, by) for by in variables]
        quantities += [q.Derivative(of, q.Output(*unit)) for unit in units]
    quantities += [q.Derivative(q.Output(*unit), q.Sum(*unit)) for unit in units]
    for quantity in quantities:
        assert names.find(names.text(quantity)) == quantity


def test_both_notations_are_understood_everywhere() -> None:
    for notation in NOTATIONS.values():
        names = Names(cp.load("lecture").network, notation)
        for one, other in [
            ("sum_h1", "z_h1"), ("output_o2", "a_o2"), ("E_total", "L"), ("E_2", "L_2"), ("target_1", "t_1"),
            ("new_w5", "w5⁺"), ("∂E_total/∂sum_o1", "δ_o1"), ("delta_o1", "δ_o1"), ("dE_total/dw1", "∂L/∂w1"),
        ]:  # fmt: skip
            assert names.find(one) == names.find(other)
    names = Names(cp.load("lecture").network, NOTATIONS["lecture"])
    assert [names.text(names.find(name)) for name in ("z_h1", "a_o2", "L", "w5⁺", "δ_o1", "∂L/∂w1")] == [
        "sum_h1", "output_o2", "E_total", "new_w5", "∂E_total/∂sum_o1", "∂E_total/∂w1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sum_h3", 'unknown name "sum_h3"; did you mean "sum_h'),
        ("w55", 'unknown name "w55"; did you mean "w5"?'),
        ("E_3", 'unknown name "E_3"; did you mean "E_'),
        ("e_total", 'unknown name "e_total"; did you mean "E_total"?'),
        ("∂E_total/∂nothing", "unknown name "),
        ("∂/∂", "unknown name "),
        ("", 'unknown name ""; '),
        ("new_", "unknown name "),
        ("E_0", "unknown name "),
        ("E_99999999999999", "unknown name "),
        ("d" * 5000, "unknown name "),
        ("dw1/" * 500, "unknown name "),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(UnknownName) as error:
        Names(cp.load("lecture").network, NOTATIONS["lecture"]).find(name)
    assert str(error.value).startswith(message)
    assert len(str(error.value)) < 1000


# --- files ------------------------------------------------------------------------------------------

ONE = '[inputs]\ncount = 1\n[[layers]]\nunits = ["o"]\n'
HUGE = "1" + "0" * 400


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (ONE + f"weights = [[{HUGE}]]\n", ["layers[1].weights: entry 1: entry 1: expected a finite number, found a "
                                           "number with more than 20 digits"]),
        (ONE + f"bias = -{HUGE}\n", ["layers[1].bias: expected a finite number, found a number with more than 20 "
                                     "digits"]),
        (ONE + f"[optimizer]\nlearning_rate = {HUGE}\n", ["optimizer.learning_rate: expected a finite number, found a "
                                                          "number with more than 20 digits"]),
        (ONE + f"[[examples]]\ninputs = [{HUGE}]\ntargets = [-inf]\n",
         ["examples[1].inputs[1]: expected a finite number, found inf",
          "examples[1].targets[1]: expected a finite number, found -inf"]),
        (ONE + "weights = [[1], [2]]\n", ["layers[1].weights: expected 1 rows of 1 numbers (one row per unit), "
                                          "found 2 rows of 1"]),
        (ONE + "weights = [1]\n", ["layers[1].weights: entry 1: expected a list of numbers, found 1"]),
        (ONE + 'weights = [["a"]]\n', ['layers[1].weights: entry 1: entry 1: expected a number, found "a"']),
        (ONE + "weights = []\n", ["layers[1].weights: expected 1 rows of 1 numbers (one row per unit), found an empty "
                                  "list"]),
        (ONE + 'bias_names = ["E_1"]\n',
         ['layers[1].bias_names: "E_1" is reserved: it is what error 1 is called; choose another']),
        (ONE + 'init = "he_norml"\n', ['layers[1].init: unknown initializer "he_norml"; did you mean "he_normal"?']),
        (ONE + 'activation = {name = "elu", alpa = 1}\n',
         ['layers[1].activation: unknown constant of elu "alpa"; did you mean "alpha"?']),
        (ONE + 'activation = {slope = 1}\n',
         ['layers[1].activation: expected {name = "…", …}, found a table']),
        (ONE + 'activation = "z +"\n',
         ["layers[1].activation: expected a number, a symbol or a function, found the end\n  z +\n     ^ character 4"]),
        (ONE + 'activation = "y * z"\n',
         ['layers[1].activation: unknown symbol "y"; known: z, exp, log, log1p, expm1, sqrt, tanh, logistic, '
          "softplus, erf, abs, max, min, where\n  y * z\n  ^ character 1"]),
        (ONE + '[loss]\nname = "(t - z)**2"\n',
         ['loss.name: unknown symbol "z"; known: y, t, exp, log, log1p, expm1, sqrt, tanh, logistic, softplus, erf, '
          "abs, max, min, where\n  (t - z)**2\n       ^ character 6"]),
        (ONE + '[loss]\nname = 3\n', ["loss.name: expected text in quotes, found 3"]),
        (ONE + '[loss]\nover_outputs = "avg"\n', ['loss.over_outputs: expected "sum" or "mean", found "avg"']),
        (ONE + '[loss]\nname = "binary_cross_entropy"\n',
         ["loss: binary_cross_entropy needs outputs between 0 and 1, so activation logistic in the last layer; "
          "found identity; use logistic, or the loss half_squared_error"]),
        (ONE + "[penalty]\nl2 = -1\nl3 = 2\n",
         ["penalty.l2: expected a number of at least 0, found -1", 'penalty.l3: unknown key "l3"; known: l2, l1']),
        (ONE + "[training]\ndtype = \"float16\"\nbatch_size = 0\n",
         ["training.batch_size: expected a whole number of at least 1, found 0",
          'training.dtype: expected "float32" or "float64", found "float16"']),
        (ONE + "[data]\ntarget = 3\n", ["data.file: missing", "data.target: expected a list of column names, found 3"]),
        (ONE + "[[examples]]\n", ["examples[1].inputs: missing", "examples[1].targets: missing"]),
        (ONE + "[[examples]]\ninputs = 1\ntargets = [true]\n",
         ["examples[1].inputs: expected a list of numbers, found 1",
          "examples[1].targets: entry 1: expected a number, found true"]),
        (ONE + "[layer]\n", ['layer: unknown key "layer"; did you mean "layers"?']),
        ("x = 1\n", ['inputs: missing: [inputs] with names = ["x1", …] or count = 2',
                     "layers: missing: describe each layer under [[layers]]", 'x: unknown key "x"; known: format']),
        ("inputs = 3\nlayers = 4\n", ["inputs: expected a table, found 3",
                                      "layers: expected a list of tables, each under [[layers]], found 4"]),
        ('[inputs]\nnames = ["a"]\ncount = 2\n[[layers]]\nunits = 1\n',
         ["inputs: found 1 names but count = 2; leave one of them out"]),
        ("[inputs]\n[[layers]]\nunits = 0\n", ["inputs: expected names or count, found neither",
                                              "layers[1].units: expected a whole number of at least 1, found 0"]),
        ("[inputs]\ncount = 1\n[[layers]]\nactivation = \"tanh\"\n",
         ["layers[1].units: missing: the units' names, or their number"]),
        ("[inputs]\ncount = 1000000000\n[[layers]]\nunits = 1\n",
         ["inputs: expected 1 to 1,000,000 inputs, found 1,000,000,000",
          "layers: 1,000,000,001 weights and biases are more than the 200,000,000 that fit; use fewer units"]),
        ("format = 2\nwhatever = true\n",
         ["format: this file has format 2, this clearprop reads up to 1; upgrade: pip install --upgrade clearprop"]),
        ("format = 0\n", ["format: expected a whole number of at least 1, found 0"]),
        ('format = "1"\n', ['format: expected a whole number, found "1"']),
    ],
)  # fmt: skip
def test_faults_of_a_file(text: str, faults: list[str]) -> None:
    with pytest.raises(InvalidNetwork) as error:
        cp.read(text, "net.toml")
    found = [str(problem) for problem in error.value.problems]
    assert len(found) == len(faults), found
    for one, expected in zip(found, faults, strict=True):
        assert one.startswith(expected)
    count = "1 problem" if len(faults) == 1 else f"{len(faults)} problems"
    assert str(error.value).startswith(f"net.toml has {count}:\n  ")
    assert error.value.exit_code == 2


def test_faults_of_many_examples_are_summed_up() -> None:
    text = ONE + "[[examples]]\ninputs = [1, 2]\ntargets = [1]\n" * 30
    with pytest.raises(InvalidNetwork) as error:
        cp.read(text)
    assert len(error.value.problems) == 11
    assert str(error.value.problems[-1]) == "examples: and 20 more problems"


def test_a_hostile_name_cannot_forge_a_message() -> None:
    with pytest.raises(InvalidNetwork) as error:
        cp.read(ONE + 'activation = "\\u001b[31m\\nred"\n')
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[inputs]\nnames = ["a",\n', "line 2, the end of the file: "),
        ("[inputs]\ncount = \n", "line 2, column 9: invalid value\n  count = "),
        ("[inputs]\ncount = 1\ncount = 2\n[[layers]]\n", "line 3, column 10: cannot overwrite a value\n  count = 2"),
        ("a = 1\r\nb = '\r\n", "line 2, "),
        ("x = " + "9" * 5000 + "\n", ""),
    ],
)
def test_broken_toml_says_the_line(text: str, message: str) -> None:
    with pytest.raises(UnreadableFile) as error:
        cp.read(text, "net.toml")
    assert str(error.value).startswith(f"net.toml: not valid TOML: {message}")
    assert len(str(error.value)) < 500


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    with pytest.raises(UnreadableFile, match=r"loop\.toml: cannot be read: Too many levels of symbolic links"):
        cp.load(str(loop))
    with pytest.raises(UnreadableFile, match="cannot be read: File name too long"):
        cp.load("x" * 5000 + ".toml")
    with pytest.raises(UnreadableFile, match="no such file, and unknown example"):
        cp.load("x" * 5000)
    with pytest.raises(UnreadableFile, match="cannot be read: embedded null byte"):
        cp.load("x\0.toml")
    with pytest.raises(UnreadableFile, match="no such file"):
        cp.load(str(tmp_path / "a" / "b.toml"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="only a user without all rights is refused a file")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(ONE)
    path.chmod(0)
    with pytest.raises(UnreadableFile, match=r"net\.toml: cannot be read: Permission denied"):
        cp.load(str(path))


def test_a_byte_order_mark_and_other_line_ends_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(b"\xef\xbb\xbf" + LECTURE_FILE.replace("\n", "\r\n").encode())
    assert cp.load(path) == cp.load("lecture")
