"""What is asked of training from Python, and what is refused."""

from __future__ import annotations

from dataclasses import fields, replace
from inspect import signature
from typing import Any, get_type_hints

import numpy as np
import pandas
import pytest

import clearprop as cp
from clearprop.errors import InvalidArgument, InvalidNetwork, UnfitTable, UnknownName
from clearprop.tables.from_call import COLUMNS
from clearprop.training.arguments import requested

NETWORK = cp.Network(2, [cp.Dense(3, "softmax")])
X, Y = np.ones((4, 2)), np.eye(3)[[0, 1, 2, 0]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": -1}, "epochs: expected a whole number of at least 0, found -1"),
        ({"epochs": 2.5}, "epochs: expected a whole number, found 2.5"),
        ({"batch_size": 0}, "batch_size: expected a whole number of at least 1, found 0"),
        ({"batch_size": True}, "batch_size: expected a whole number, found true"),
        ({"patience": 0}, "patience: expected a whole number of at least 1, found 0"),
        ({"seed": None}, "seed: expected a whole number, found nothing"),
        ({"tolerance": float("nan")}, "tolerance: expected a finite number, found nan"),
        ({"tolerance": "small"}, 'tolerance: expected a number, found "small"'),
        ({"target_loss": float("inf")}, "target_loss: expected a finite number, found inf"),
        ({"time_limit": 0}, "time_limit: expected a number above 0, found 0"),
        ({"time_limit": float("inf")}, "time_limit: expected a finite number, found inf"),
        (
            {"epochs": 10**30},
            "epochs: expected a whole number of at most 9,223,372,036,854,775,807, found a number with",
        ),
        ({"dtype": "float16"}, 'dtype: expected "float32" or "float64", found "float16"'),
        ({"shuffle": "no"}, 'shuffle: expected true, false or "sklearn", found "no"'),
        ({"optimizer": "adam"}, 'optimizer: expected one such as Adam(0.01), found "adam"'),
        ({"batchsize": 3}, 'train: unknown option "batchsize"; did you mean "batch_size"?'),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        cp.train(NETWORK, X, Y, **settings)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lecture",), 'train: expected a Problem, such as load(path) gives, or a Network, found "lecture"'),
        ((NETWORK,), "training a network needs inputs and targets: train(network, inputs, targets)"),
        ((cp.load("lecture"), X), "inputs and targets belong together: give both or neither"),
        ((cp.Problem(NETWORK),), "the network: there are no examples to train on; add some under [[examples]]"),
        ((NETWORK, X[:, :1], Y), "inputs: expected rows of 2 numbers, found shape (4, 1)"),
        ((NETWORK, X[0], [0, 1, 2, 0]), "targets: expected rows of 3 numbers, found shape (1, 4); for classes"),
        ((NETWORK, X, Y[:2]), "found 4 rows of inputs and 2 rows of targets"),
        ((NETWORK, [[1, 2], [3]], Y[:2]), "inputs: expected rows of 2 numbers, found something else in them"),
        ((NETWORK, [["a", "b"]], Y[:1]), "inputs: expected rows of 2 numbers, found text in them"),
        ((NETWORK, X[:0], Y[:0]), "inputs: expected at least 1 row, found none"),
    ],
)
def test_examples_that_do_not_fit(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        cp.train(*arguments)
    assert str(caught.value).startswith(message)


def test_numbers_that_are_not_finite_are_named_with_their_place() -> None:
    with pytest.raises(InvalidNetwork, match=r"examples\[3\]\.inputs\[2\]: expected a finite number, found inf"):
        cp.train(NETWORK, [[1, 1], [1, 1], [1, np.inf], [1, 1]], Y)
    with pytest.raises(InvalidNetwork, match=r"examples\[1\]\.targets: .* needs targets that sum to 1"):
        cp.train(NETWORK, X, Y / 2)


def test_a_list_is_one_row_or_where_rows_are_single_numbers_a_column() -> None:
    line = cp.Network(1, [cp.Dense(1)])
    fit = cp.train(line, [1, 2, 3], [2, 4, 6], optimizer=cp.Adam(0.1), tolerance=1e-12)
    assert fit.predict([5.0]) == pytest.approx(10, abs=0.1)
    one = cp.train(NETWORK, [1, 2], [0, 1, 0], epochs=1).problem.examples
    assert one is not None
    assert (one.inputs.shape, one.targets.shape) == ((1, 2), (1, 3))


def test_the_seed_gives_the_initial_weights_of_a_network() -> None:
    first, second = (cp.train(NETWORK, X, Y, epochs=0, seed=seed).problem.parameters for seed in (4, 5))
    assert first == cp.Parameters.random(NETWORK, 4)
    assert first != second


def test_what_is_given_is_left_alone() -> None:
    problem = cp.load("lecture")
    before = problem.parameters.vector.copy()
    cp.train(problem, epochs=3)
    assert problem.parameters.vector.tolist() == before.tolist()


def test_weights_for_examples_that_are_there() -> None:
    xor = cp.load("xor")
    assert xor.examples is not None
    fit = cp.train(xor, weights=[1.0, 1.0, 1.0, 0.0], epochs=3, dtype="float64")
    three = cp.Examples(xor.examples.inputs[:3], xor.examples.targets[:3])
    rate = cp.SGD(0.5 * 3 / 4, momentum=0.9)  # the mean is over four examples, one of which counts nothing
    alone = cp.train(replace(xor, examples=three, optimizer=rate), epochs=3, dtype="float64")
    np.testing.assert_allclose(fit.problem.parameters.vector, alone.problem.parameters.vector, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((cp.load("xor"),), {"weights": [1.0]}, "weights: expected 4 numbers, one per row, found shape (1,)"),
        ((cp.load("xor"),), {"weights": [1, 1, 1, -1]}, "weights: expected finite numbers of at least 0, not all of"),
        ((cp.load("xor"),), {"weights": "abcd"}, "weights: expected one number per row, found text in them"),
        ((cp.load("xor"),), {"split": 0.5}, "split: is for a table given in the call; a network file says it under"),
        ((NETWORK, X, [0, 1, 2, 0]), {"split": 1.0}, "split: expected a number of at least 0 and below 1, found 1.0"),
        ((NETWORK, X, [0, 1, 2, 0]), {"missing": "no"}, 'missing: expected "refuse", "mean" or "drop", found "no"'),
        (
            (NETWORK, X, [0, 1, 2, 0]),
            {"class_weights": 3},
            'class_weights: expected "balanced", or a table of weights by class, found 3',
        ),
        ((cp.Problem(NETWORK),), {"weights": [1.0]}, "weights: the problem has no examples to weight"),
        ((cp.load("lecture"),), {"resume": True}, "resume: name the model to continue with output"),
        (
            (cp.load("lecture"),),
            {"gradient_tolerance": -1},
            "gradient_tolerance: expected a number of at least 0, found -1",
        ),
        ((cp.load("lecture"),), {"early_stopping": 1}, "early_stopping: expected true or false, found 1"),
    ],
)
def test_what_a_call_may_say_of_data(arguments: tuple[Any, ...], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        cp.train(*arguments, **settings)
    assert str(caught.value).startswith(message)


# --- options -------------------------------------------------------------------------------------------------


def test_train_names_every_setting_with_its_type() -> None:
    """A field of ``Settings``, or of ``Data`` that a call may set, is an option of the same type."""
    options = get_type_hints(cp.train)
    data = set(COLUMNS.values())
    for description, names in ((cp.Settings, {f.name: f.name for f in fields(cp.Settings)}), (cp.Data, COLUMNS)):
        types = get_type_hints(description)
        for option, field in names.items():
            assert option in options, option
            if description is cp.Settings:
                assert options[option] == types[field], option
    assert data == {f.name for f in fields(cp.Data)} - {"file", "target", "decimal", "names"}
    assert not any(p.kind is p.VAR_KEYWORD for p in signature(cp.train).parameters.values())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("epoch", 'train: unknown option "epoch"; did you mean "epochs"?'),
        ("max_iter", 'train: unknown option "max_iter"; did you mean "epochs"?'),
        ("validation_split", 'train: unknown option "validation_split"; did you mean "split"?'),
        ("sample_weight", 'train: unknown option "sample_weight"; did you mean "weights"?'),
        ("learn_rate", 'train: unknown option "learn_rate"; known: optimizer, weights, epochs, batch_size, '),
        ("on_epoch_end", 'train: unknown option "on_epoch_end"; known: '),
        ("weigth_column", 'train: unknown option "weigth_column"; did you mean "weight_column"?'),
    ],
)
def test_an_unknown_option_is_refused_with_the_one_that_was_meant(option: str, message: str) -> None:
    call: Any = cp.train
    with pytest.raises(InvalidArgument) as caught:
        call(cp.load("lecture"), **{option: 1})
    assert str(caught.value).startswith(message)


def test_an_option_may_take_a_setting_back() -> None:
    """None is a value of its own; an option that is left out keeps the problem's."""
    problem = replace(cp.load("lecture"), settings=cp.Settings(epochs=2, tolerance=1e-3))
    assert cp.train(problem).epochs == 2
    assert cp.train(problem, epochs=None).epochs > 2
    assert requested(problem, patience=3).settings == replace(problem.settings, patience=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "siz"}, 'the data frame: unknown column "siz"; did you mean "size"?'),
        ({"columns": ["size", "kin"]}, 'the data frame: unknown column "kin"; did you mean "kind"?'),
        ({"weight_column": "weigth"}, 'the data frame: unknown column "weigth"; did you mean "weight"?'),
        ({"categorical": "size_"}, 'the data frame: unknown column "size_"; did you mean "size"?'),
        ({}, 'the data frame: unknown column "sort"; known: size, kind, weight'),
    ],
)
def test_a_column_of_the_call_that_does_not_exist(options: dict[str, Any], message: str) -> None:
    frame = pandas.DataFrame({"size": [1.0, 2.0], "kind": ["a", "b"], "weight": [1.0, 1.0]})
    with pytest.raises(UnknownName) as caught:
        cp.train(NETWORK, frame, "kind" if options else "sort", **options)
    assert (str(caught.value), caught.value.exit_code) == (message, 2)


def test_a_column_of_the_file_that_does_not_exist() -> None:
    """The network file names it, the call only brings the data: the table does not fit."""
    iris = cp.load("iris")
    assert iris.data is not None
    frame = pandas.DataFrame({"sepal_length": [1.0, 2.0], "other": ["a", "b"]})
    with pytest.raises(UnfitTable, match='column "species": there is no such column') as caught:
        cp.train(replace(iris, examples=None), frame)
    assert caught.value.exit_code == 1
