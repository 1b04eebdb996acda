from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import onnx_module, torch_module

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.interop.convert import convert
from clearprop.interop.same_rows import pairs
from clearprop.network.data import Column, Fitted

rng = np.random.default_rng(8)
ROWS = np.column_stack([rng.normal(5, 2, 60), rng.uniform(100, 300, 60)])
PRICES = 400 + 30 * ROWS[:, 0] - ROWS[:, 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("prices")
    lines = [f"{a!r},{b!r},{price!r}\n" for a, b, price in zip(*ROWS.T.tolist(), PRICES.tolist(), strict=True)]
    (made / "t.csv").write_text("rooms,size,price\n" + "".join(lines))
    return made


def trained(folder: Path, hidden: Any = 4, seed: int = 0, **changed: Any) -> cp.Problem:
    """A network that scales its columns and its target, trained with plain steps."""
    problem = cp.load(folder / "t.csv", target="price", hidden=hidden, seed=seed)
    settings = replace(problem.settings, dtype="float64")
    problem = replace(problem, optimizer=cp.SGD(0.1), settings=settings, **changed)
    return replace(cp.train(problem, epochs=3).problem, examples=None)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_a_network_and_the_file_that_was_made_of_it_agree(folder: Path, rows: bool, turned: bool) -> None:
    """Each takes rows as it takes them: the file has within its weights what scales columns and targets."""
    onnx_module()
    mine = trained(folder)
    convert(mine, folder / "m.onnx")
    both = [mine, cp.load(folder / "m.onnx")]
    if rows:
        both = [each.with_examples(ROWS, PRICES) for each in both]
    one, two = both[::-1] if turned else both
    found = cp.compare(one, two, tolerance=1e-10)
    assert found.same, found
    said = "scales rows before its first layer, the {} network inside its weights".format(
        "first" if turned else "second"
    )
    assert said in found.notes[0]
    assert f"assumed for the {'first' if turned else 'second'} network: optimizer sgd, learning rate 0.1" in found.notes
    assert found.notes[0] in str(found)


def test_a_weight_that_differs_is_found_behind_the_scaling(folder: Path) -> None:
    onnx_module()
    mine = trained(folder)
    vector = mine.parameters.vector.copy()
    vector[3] += 0.01
    convert(replace(mine, parameters=cp.Parameters(mine.network.layout, vector)), folder / "m.onnx")
    found = cp.compare(mine, cp.load(folder / "m.onnx"))
    assert found.first_difference is not None
    assert found.first_difference["quantity"] == "w4"
    assert found.largest["parameters"] == pytest.approx(0.01)
    assert found.notes[0].startswith("the first network scales")


def test_a_file_that_names_the_columns_takes_the_tables_own_numbers_however_far_off_it_is(folder: Path) -> None:
    onnx_module()
    mine = trained(folder)
    far = mine.parameters.with_vector(-7 * mine.parameters.vector)
    convert(replace(mine, parameters=far), folder / "m.onnx")
    found = cp.compare(mine, cp.load(folder / "m.onnx"))
    assert not found.same
    assert found.notes[0].startswith("the first network scales rows before its first layer")


def test_layers_without_biases_are_compared_too(folder: Path) -> None:
    onnx_module()
    problem = cp.load(folder / "t.csv", target="price", hidden=3)
    layers = [replace(each, bias="none") for each in problem.network.layers]
    network = cp.Network(problem.network.inputs, layers, problem.network.loss)
    drawn, settings = cp.Parameters.random(network, 3), cp.Settings(dtype="float64")
    mine = cp.Problem(network, drawn, cp.SGD(0.1), settings=settings, fitted=problem.fitted)
    convert(mine, folder / "m.onnx")
    assert cp.compare(mine, cp.load(folder / "m.onnx"), tolerance=1e-10).same


def test_a_program_that_scales_its_rows_elsewhere_is_given_scaled_ones(folder: Path) -> None:
    """Its file looks the same; the outputs tell, and the comparison says which rows it gave."""
    mine = trained(folder)
    other = replace(mine, fitted=None)
    for one, two in ((mine, other), (other, mine)):
        found = cp.compare(one, two)
        assert found.same, found
        scaled, plain = ("first", "second") if one is mine else ("second", "first")
        assert found.notes == (
            f"the {plain} network has no scaling, so it is given rows as the {scaled} network scales them; on the "
            "table's own numbers it differs more",
        )


def test_networks_that_were_fitted_to_different_rows(folder: Path) -> None:
    """The same network with other means and scales, its weights moved so that its outputs are the same."""
    mine = trained(folder)
    assert mine.fitted is not None
    columns = tuple(replace(each, mean=each.mean + 1.5, scale=each.scale * 2) for each in mine.fitted.columns)
    weights = mine.parameters.weights(0)
    moved = cp.Parameters(mine.network.layout, mine.parameters.vector.copy())
    before = [(each.mean, each.scale) for each in mine.fitted.columns]
    moved.weights(0)[:] = weights * 2
    moved.biases(0)[:] += weights @ np.array([1.5 / scale for _, scale in before])
    other = replace(mine, fitted=replace(mine.fitted, columns=columns), parameters=moved)
    np.testing.assert_allclose(cp.predict(other, ROWS), cp.predict(mine, ROWS), rtol=1e-12)
    found = cp.compare(mine, other, tolerance=1e-10)
    assert found.same, found
    assert found.notes[0].startswith("the networks scale rows differently")


def test_a_live_module_takes_the_tables_own_numbers(folder: Path) -> None:
    torch = torch_module()
    mine = trained(folder)
    loss = torch.nn.MSELoss()
    mine = replace(mine, network=cp.Network(mine.network.inputs, mine.network.layers, "squared_error"))
    found = cp.compare(mine, cp.to_torch(mine), loss=loss, tolerance=1e-8)
    assert found.same, found
    assert found.notes == (
        "the first network's scaling is folded into its weights, so both networks take and give the table's own "
        "numbers",
    )
    scaled = cp.compare(mine, cp.to_torch(replace(mine, fitted=None)), loss=loss, tolerance=1e-8)
    assert scaled.same, scaled
    assert scaled.notes[0].startswith("the second network has no scaling")


def test_a_pipeline_with_a_scaler_and_a_network_made_of_it(folder: Path) -> None:
    """scikit-learn's scaler, in a file that a model with its own scaling is held against."""
    sklearn = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    mlp = sklearn.MLPRegressor(
        hidden_layer_sizes=[4], activation="tanh", max_iter=30, random_state=0, tol=0, n_iter_no_change=99
    )
    pipeline = make_pipeline(StandardScaler(), mlp)
    with pytest.warns(Warning, match="Maximum iterations"):
        pipeline.fit(ROWS, PRICES)
    scaler = pipeline[0]
    read = cp.from_sklearn(pipeline)
    alone = cp.from_sklearn(mlp)
    means, scales = scaler.mean_.tolist(), scaler.scale_.tolist()
    columns = tuple(Column(name, None, *each) for name, *each in zip("ab", means, scales, strict=True))
    fitted = Fitted(columns, ("y1",))
    mine = replace(alone, fitted=fitted, remarks=())
    for one, two in ((mine, read), (read, mine)):
        found = cp.compare(one, two, tolerance=1e-9)
        assert max(abs(value) for value in (found.largest["parameters"], found.largest["outputs"])) < 1e-9
        assert "inside its weights" in found.notes[0]


def named(columns: str, classes: str | None, vector: Any = None) -> cp.Problem:
    """A network with these columns and classes, a letter each."""
    network = cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(3, "softmax")])
    parameters = cp.Parameters.random(network, 2) if vector is None else cp.Parameters(network.layout, vector)
    fitted = Fitted(tuple(map(Column, columns)), ("kind",), None if classes is None else tuple(classes))
    return cp.Problem(network, parameters, fitted=fitted)


def test_names_go_by_name() -> None:
    one = named("abc", "xyz")
    turned = cp.Parameters(one.network.layout, one.parameters.vector.copy())
    turned.weights(0)[:] = one.parameters.weights(0)[:, [2, 0, 1]]
    turned.weights(1)[:] = one.parameters.weights(1)[[1, 0, 2]]
    turned.biases(1)[:] = one.parameters.biases(1)[[1, 0, 2]]
    two = named("cab", "yxz", turned.vector)
    found = cp.compare(one, two)
    assert found.same, found
    assert found.notes == (
        "their inputs are in different orders and are compared by name: a, b, c and c, a, b",
        "their classes are in different orders and are compared by name: x, y, z and y, x, z",
    )
    (others,) = pairs(one, named("abd", "123"))
    assert others.notes == (
        "their inputs have different names and are compared in order: a, b, c and a, b, d",
        "their classes have different names and are compared in order: x, y, z and 1, 2, 3",
    )
    assert pairs(one, named("abc", "xyz"))[0].notes == ()
    (plain,) = pairs(one, replace(named("abc", "xyz"), fitted=None))
    assert plain.notes == ()


def turned(problem: cp.Problem, inputs: list[int], outputs: list[int]) -> cp.Problem:
    """The same network, its inputs and outputs in another order."""
    network, fitted, last = problem.network, problem.fitted, problem.network.depth - 1
    assert fitted is not None
    new = cp.Network(tuple(network.input_names[k] for k in inputs), network.layers, network.loss)
    parameters = cp.Parameters(new.layout, problem.parameters.vector.copy())
    parameters.weights(0)[:] = problem.parameters.weights(0)[:, inputs]
    parameters.weights(last)[:] = problem.parameters.weights(last)[outputs]
    parameters.biases(last)[:] = problem.parameters.biases(last)[outputs]
    fitted = replace(
        fitted,
        columns=tuple(fitted.columns[k] for k in inputs),
        targets=tuple(fitted.targets[k] for k in outputs),
        standardized=tuple(fitted.standardized[k] for k in outputs),
    )
    return replace(problem, network=new, parameters=parameters, fitted=fitted)


def test_columns_and_targets_of_a_table_go_by_name_with_their_scaling(folder: Path) -> None:
    problem = cp.load(folder / "t.csv", target=("price", "size"), hidden=3)
    one = replace(problem, settings=replace(problem.settings, dtype="float64"), examples=None)
    fitted = one.fitted
    assert fitted is not None
    assert one.network.input_names == ("rooms",)
    wide = cp.Network(("rooms", "floor"), one.network.layers, one.network.loss)
    columns = (*fitted.columns, Column("floor", None, 3.0, 0.5))
    one = replace(one, network=wide, parameters=cp.Parameters.random(wide, 1), fitted=replace(fitted, columns=columns))
    two = turned(one, [1, 0], [1, 0])
    rows = np.column_stack([ROWS[:, 0], ROWS[:, 1] / 50])
    np.testing.assert_allclose(cp.predict(two, rows[:, ::-1]), cp.predict(one, rows)[:, ::-1], rtol=1e-12)
    by_name = (
        "their inputs are in different orders and are compared by name: rooms, floor and floor, rooms",
        "their targets are in different orders and are compared by name: price, size and size, price",
    )
    found = cp.compare(one, two, tolerance=1e-12)
    assert found.same, found
    assert found.notes == by_name
    changed = replace(columns[1], mean=4.0)
    assert two.fitted is not None
    other = replace(two, fitted=replace(two.fitted, columns=(changed, columns[0])))
    moved = cp.Parameters(two.network.layout, two.parameters.vector.copy())
    moved.biases(0)[:] += two.parameters.weights(0)[:, 0] * (4.0 - 3.0) / 0.5
    found = cp.compare(one, replace(other, parameters=moved), tolerance=1e-12)
    assert found.same, found
    assert found.notes[2].startswith("the networks scale rows differently")
    plain = replace(two, fitted=replace(fitted, columns=(Column("floor"), Column("rooms")), standardized=(),
                                        targets=("size", "price")))  # fmt: skip
    assert cp.compare(one, plain).notes[:2] == by_name


def test_names_that_occur_twice_give_no_order() -> None:
    (found,) = pairs(named("aab", "xyz"), named("aba", "xyz"))
    assert found.notes == ("their inputs have different names and are compared in order: a, a, b and a, b, a",)


def test_one_output_for_the_classes_in_another_order_is_said() -> None:
    network = cp.Network(1, [cp.Dense(1, "logistic")])
    one, two = (
        cp.Problem(network, cp.Parameters.random(network), fitted=Fitted((Column("a"),), ("kind",), classes))
        for classes in ((0.0, 1.0), (1.0, 0.0))
    )
    assert pairs(one, two)[0].notes == ("an output near 1 means 1 in the first network and 0 in the second",)
    price = replace(one, fitted=Fitted((Column("b"),), ("price",)))
    assert pairs(replace(one, fitted=Fitted((Column("a"),), ("cost",))), price)[0].notes == (
        "their input has two names: a and b",
        "their target has two names: cost and price",
    )


def test_networks_of_other_sizes_are_refused_as_such_whichever_scales(folder: Path) -> None:
    one = replace(cp.load(folder / "t.csv", target=("price", "size"), hidden=3), examples=None, fitted=None)
    two = replace(cp.load(folder / "t.csv", target="price", hidden=3), examples=None)
    with pytest.raises(InvalidArgument, match="found 1 and 2 in the first, 2 and 1 in the second"):
        cp.compare(one, two)


def test_columns_scaled_differently_before_outputs_that_are_scaled_alike() -> None:
    """Whatever the last activation is: its outputs stay in their unit."""
    network = cp.Network(1, [cp.Dense(3, "tanh"), cp.Dense(1, "leaky_relu")])
    fitted = Fitted((Column("a", None, 1.0, 2.0),), ("y",), None, (Column("y", None, 10.0, 2.0),))
    one = cp.Problem(network, cp.Parameters.random(network, 1), fitted=fitted, settings=cp.Settings(dtype="float64"))
    moved = cp.Parameters(network.layout, one.parameters.vector.copy())
    moved.weights(0)[:] *= 2
    two = replace(one, fitted=replace(fitted, columns=(Column("a", None, 1.0, 4.0),)), parameters=moved)
    found = cp.compare(one, two, tolerance=1e-12)
    assert found.same, found
    assert found.notes[0].startswith("the networks scale rows differently")
