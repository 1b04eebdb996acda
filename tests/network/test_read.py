"""Reading a network file: each fault has one clear message, and all are reported at once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import pytest
from tests.network.files import LECTURE_FILE, ONE, START, faults

import clearprop as cp
from clearprop import examples
from clearprop.errors import InvalidNetwork
from clearprop.fields import checks
from clearprop.rules.optimizers import OPTIMIZERS, optimizer_keys


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"tanh"', '"tanhh"', 'layers[1].activation: unknown activation "tanhh"; did you mean "tanh"?'),
        ("activation", "activaton", 'layers[1].activaton: unknown key "activaton"; did you mean "activation"?'),
        ('["o1"]', "0", "layers[2].units: expected a whole number of at least 1, found 0"),
        ('["o1"]', "1000000000", "layers[2].units: expected a whole number of at most 1,000,000, found 1000000000"),
        ('["o1"]', "[]", "layers[2].units: expected the units' names, or their number, found an empty list"),
        ('["o1"]', '["h1"]',
         'layers[1].units, layers[2].units: the unit name "h1" is used 2 times; names must be unique'),
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
            "layers[2].weights: expected 1 row of 2 numbers (one row per unit), found 2 rows of 1; "
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
        'layers[1].units: the unit name "h1" is used 2 times; names must be unique',
        'optimizer: sgd has no setting "rate"; did you mean "learning_rate"?',
        "examples[1].targets: expected 1 number, one per output, found 2",
    ]


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
            'optimizer: sgd has no setting "momentun"; did you mean "momentum"?',
        ),
        (
            '[[layers]]\nunits = 1\nweight_names = [["new_w1"]]',
            'layers[3].weight_names: "new_w1" is reserved: it is what the updated w1 is called; choose another',
        ),
    ],
)
def test_keys_that_do_not_exist_and_names_that_are_taken(table: str, message: str) -> None:
    assert faults(START + table) == [message]


HUGE = "1" + "0" * 400


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
        (ONE + "weights = [[1], [2]]\n", ["layers[1].weights: expected 1 row of 1 number (one row per unit), "
                                          "found 2 rows of 1"]),
        (ONE + "weights = [1]\n", ["layers[1].weights: entry 1: expected a list of numbers, found 1"]),
        (ONE + 'weights = [["a"]]\n', ['layers[1].weights: entry 1: entry 1: expected a number, found "a"']),
        (ONE + "weights = []\n", ["layers[1].weights: expected 1 row of 1 number (one row per unit), found an empty "
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
         ['layers[1].activation: unknown symbol "y"; known: z, exp, log, log1p, expm1, sqrt, sin, cos, tanh, logistic, '
          "softplus, erf, abs, floor, max, min, where\n  y * z\n  ^ character 1"]),
        (ONE + '[loss]\nname = "(t - z)**2"\n',
         ['loss.name: unknown symbol "z"; known: y, t, exp, log, log1p, expm1, sqrt, sin, cos, tanh, logistic, '
          "softplus, erf, abs, floor, max, min, where\n  (t - z)**2\n       ^ character 6"]),
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
        (ONE + "[[examples]]\n", ["examples[1].inputs: missing"]),
        (ONE + "[[examples]]\ninputs = 1\ntargets = [true]\n",
         ["examples[1].inputs: expected a list of numbers, found 1",
          "examples[1].targets: entry 1: expected a number, found true"]),
        (ONE + "[layer]\n", ['layer: unknown key "layer"; did you mean "layers"?']),
        ("x = 1\n", ['inputs: missing: [inputs] with names = ["x1", …] or count = 2',
                     "layers: missing: describe each layer under [[layers]]", 'x: unknown key "x"; known: format']),
        ("inputs = 3\nlayers = 4\n", ["inputs: expected a table, found 3",
                                      "layers: expected a list of tables, each under [[layers]], found 4"]),
        ('[inputs]\nnames = ["a"]\ncount = 2\n[[layers]]\nunits = 1\n',
         ["inputs: found 1 name but count = 2; leave one of them out"]),
        ("[inputs]\n[[layers]]\nunits = 0\n", ["inputs: expected names or count, found neither",
                                              "layers[1].units: expected a whole number of at least 1, found 0"]),
        ("[inputs]\ncount = 1\n[[layers]]\nactivation = \"tanh\"\n",
         ["layers[1].units: missing: the units' names, or their number"]),
        ('[inputs]\ncount = "auto"\n[[layers]]\nunits = 1\n',
         ['inputs.count: "auto" counts the columns of a table, but there is no [data]; give their number']),
        ('[inputs]\ncount = "all"\n[[layers]]\nunits = 1\n',
         ["inputs.count: expected a whole number, or \"auto\" for what the table's columns make, found \"all\""]),
        ('[[layers]]\nunits = 1\n[data]\nfile = "t.csv"\ntarget = "y"\n[[examples]]\ninputs = [1]\ntargets = [1]\n',
         ['inputs: missing: [inputs] with names = ["x1", …] or count = 2']),
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


def test_a_hostile_name_cannot_forge_a_message() -> None:
    with pytest.raises(InvalidNetwork) as error:
        cp.read(ONE + 'activation = "\\u001b[31m\\nred"\n')
    assert "\x1b" not in str(error.value)


SECTIONS: dict[str, Iterable[str]] = {
    "inputs": ("names", "count"),
    "layers": (
        "units", "activation", "weights", "weight_names", "bias", "bias_names", "train_bias", "init", "dropout"
    ),
    "loss": ("name", "over_outputs", "over_examples", "delta"),
    "optimizer": ("name", *{key for name in OPTIMIZERS for key in optimizer_keys(name)}),
    "penalty": ("l1", "l2"),
    "training": tuple(checks(cp.Settings)),
    "data": tuple(checks(cp.Data)),
    "examples": ("inputs", "targets", "weight"),
    "": ("format", "notation", "inputs", "layers", "loss", "optimizer", "penalty", "training", "data", "examples"),
}  # fmt: skip
OF_ANY_TYPE = (
    "-1",
    "0.9",
    "nan",
    "true",
    '"x"',
    '""',
    "[]",
    '[["a", 3]]',
    "{a = 1}",
    "1979-05-27",
    "[0.1, 2]",
    "9" * 30,
)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_key_of_any_type_is_taken_or_refused_in_words(section: str) -> None:
    """Under an optimizer that knows the key, and one that does not."""
    whole = {"inputs": "count = 1", "layers": "units = 1", "data": 'file = "t.csv"\ntarget = "t"'}
    names = ("sgd", "adam") if section == "optimizer" else ("sgd",)
    refused = 0
    for key, value, optimizer in product(SECTIONS[section], OF_ANY_TYPE, names):
        tables = {"inputs": "count = 1", "layers": "units = 1", "optimizer": f'name = "{optimizer}"'}
        tables[section] = "\n".join(
            [line for line in whole.get(section, tables.get(section, "")).split("\n") if not line.startswith(f"{key} ")]
        )
        top = f"{key} = {value}\n" if section == "" else ""
        text = top + "".join(
            (f"[[{name}]]\n" if name in ("layers", "examples") else f"[{name}]\n")
            + f"{lines}\n"
            + (f"{key} = {value}\n" if name == section else "")
            for name, lines in tables.items()
            if name and not (top and name == key)
        )
        try:
            cp.read(text)
        except cp.ClearpropError:
            refused += 1
    assert refused > 10
