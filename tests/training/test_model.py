"""Model files: they read back equal, by us and by anyone, and nothing that is damaged is believed."""

from __future__ import annotations

import copy
import json
import os
import random
import struct
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file
from tests.support import command, problems

import clearprop as cp
from clearprop.errors import ClearpropError, DamagedModel, InvalidArgument, UnreadableFile, Unwritable
from clearprop.training import model as room
from clearprop.training.model import Model, content, save_model
from clearprop.training.read_model import load_model

OPTIMIZERS = [
    cp.SGD(0.01, momentum=0.9),
    cp.RMSprop(0.01, centered=True, momentum=0.1),
    cp.Adagrad(0.01),
    cp.Adam(0.01),
    cp.AdamW(0.01),
]


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model of a table after three epochs."""
    return trained(tmp_path_factory.mktemp("iris") / "m.safetensors", "iris", epochs=3)


def trained(path: Path, name: str, **more: Any) -> bytes:
    cp.train(cp.load(name), output=path, **more)
    return path.read_bytes()


# --- there and back ------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(problems(weights=True), st.sampled_from(OPTIMIZERS), st.sampled_from(["float32", "float64"]), st.integers(0, 3))
def test_every_problem_reads_back_equal(problem: cp.Problem, optimizer: Any, dtype: Any, epochs: int) -> None:
    problem = replace(problem, optimizer=optimizer, settings=cp.Settings(dtype=dtype, epochs=epochs, tolerance=0.0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        try:
            fit = cp.train(problem, output=path)
        except InvalidArgument:  # weights of which none counts
            return
        model, before = load_model(path), path.read_bytes()
        assert model.problem == fit.problem
        assert model.progress is not None
        assert model.progress.history == fit.history
        assert (model.progress.status, model.progress.reason) == (fit.status.value, fit.reason)
        assert content(model) == before
        fit.save(path)
        assert load_model(path) == Model(fit.problem)


@pytest.mark.parametrize("name", ["iris", "penguins", "digits"])
def test_tables_read_back_with_their_preprocessing(name: str, tmp_path: Path) -> None:
    fit = cp.train(cp.load(name), epochs=2, output=tmp_path / "m.safetensors")
    found = load_model(tmp_path / "m.safetensors")
    assert found.problem == replace(fit.problem, examples=None)
    assert found.problem.fitted == fit.problem.fitted
    assert content(found) == (tmp_path / "m.safetensors").read_bytes()


def test_anyone_s_reader_reads_it(tmp_path: Path) -> None:
    fit = cp.train(cp.load("iris"), epochs=2, output=tmp_path / "m.safetensors")
    tensors = load_file(tmp_path / "m.safetensors")
    for layer in range(2):
        np.testing.assert_array_equal(tensors[f"layers.{layer + 1}.weights"], fit.problem.parameters.weights(layer))
        np.testing.assert_array_equal(tensors[f"layers.{layer + 1}.biases"], fit.problem.parameters.biases(layer))
    assert tensors["layers.1.weights"].dtype == np.float32
    assert tensors["training.history.loss"].tolist() == fit.history.loss
    with safe_open(tmp_path / "m.safetensors", framework="numpy") as file:
        metadata = file.metadata()
    assert list(metadata) == ["clearprop"]
    assert list(json.loads(metadata["clearprop"])) == ["format", "network", "preprocessing", "training"]


def test_the_same_run_writes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (
        trained(tmp_path / f"{index}.safetensors", "iris", epochs=3, seed=seed) for index, seed in enumerate((0, 0, 1))
    )
    assert first == again
    assert first != other


def test_frozen_biases_keep_their_digits(tmp_path: Path) -> None:
    network = cp.Network(1, [cp.Dense(2, bias="shared", train_bias=False), cp.Dense(1)])
    parameters = cp.Parameters.of(network, [[[0.1], [0.2]], [[0.3, 0.4]]], [0.1, 0.7])
    problem = cp.Problem(network, parameters, examples=cp.Examples.of([[1.0]], [[2.0]]))
    cp.train(problem, epochs=2, output=tmp_path / "m.safetensors")
    found = load_model(tmp_path / "m.safetensors").problem.parameters
    assert found.biases(0).tolist() == [0.1]
    assert found.biases(1)[0] == np.float32(found.biases(1)[0])


def test_a_training_that_diverges_at_once_reads_back(tmp_path: Path) -> None:
    network = cp.Network(1, [cp.Dense(1)], "squared_error")
    parameters = cp.Parameters.of(network, [[[1e300]]])
    problem = cp.Problem(network, parameters, examples=cp.Examples.of([[1.0]], [[2.0]]))
    for _ in range(2):
        fit = cp.train(problem, output=tmp_path / "m.safetensors", resume=True)
        assert fit.status.value == "diverged"
        assert load_model(tmp_path / "m.safetensors").problem.parameters == parameters


def test_weights_that_only_float32_cannot_hold_read_back(tmp_path: Path) -> None:
    """They are infinite in float32, and the loss is finite all the same."""
    network = cp.Network(1, [cp.Dense(1, "logistic"), cp.Dense(1)], "squared_error")
    parameters = cp.Parameters.of(network, [[[1e300]], [[0.5]]])
    problem = cp.Problem(network, parameters, examples=cp.Examples.of([[1.0]], [[2.0]]))
    for epochs in (0, 3):
        cp.train(problem, output=tmp_path / "m.safetensors", resume=True, epochs=epochs)
        assert load_model(tmp_path / "m.safetensors").problem.parameters == parameters


@pytest.mark.parametrize("more", [{"time_limit": float("inf")}, {"epochs": 10**30}])
def test_what_could_not_be_read_is_refused_before_the_first_step(more: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        cp.train(cp.load("lecture"), output=tmp_path / "m.safetensors", **more)
    assert list(tmp_path.iterdir()) == []


def test_more_names_than_fit_are_refused_before_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is the header, in which every quotation mark takes two characters."""
    fit, path = cp.train(cp.load("lecture"), epochs=1), tmp_path / "m.safetensors"
    fit.save(path)
    size = len(json.dumps(json.dumps(apart(path.read_bytes())[0], separators=(",", ":")))) - 2
    monkeypatch.setattr(room, "MAX_DESCRIPTION", size)
    fit.save(path)
    with pytest.raises(InvalidArgument, match="lecture: its names take 0 MB, too much for a model file"):
        cp.train(cp.load("lecture"), output=path, on_epoch_end=lambda epoch, logs: pytest.fail("too late"))
    monkeypatch.setattr(room, "MAX_DESCRIPTION", size - 1)
    with pytest.raises(InvalidArgument, match="too much for a model file"):
        fit.save(path)


def test_parameters_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    problem = cp.load("lecture")
    problem.parameters.vector[2] = np.nan
    with pytest.raises(InvalidArgument, match="the value of w2 is not a finite number; a model file holds finite"):
        save_model(Model(problem), tmp_path / "m.safetensors")


# --- damage --------------------------------------------------------------------------------------------

Damage = Callable[[dict[str, Any], dict[str, Any]], Any]


def apart(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is described, and the tensors, each with its type, its shape and its bytes."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    described = json.loads(header.pop("__metadata__")["clearprop"])
    body = data[8 + size :]
    return described, {
        name: [each["dtype"], each["shape"], body[slice(*each["data_offsets"])]] for name, each in header.items()
    }


def together(described: Any, tensors: dict[str, Any], key: str = "clearprop") -> bytes:
    """The bytes of a model file, by hand."""
    text = described if isinstance(described, str) else json.dumps(described)
    header: dict[str, Any] = {"__metadata__": {key: text}}
    body = b""
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(values)]}
        body += values
    packed = json.dumps(header).encode()
    return struct.pack("<Q", len(packed)) + packed + body


def put(*path: Any) -> Damage:
    """Put the last of these where the others lead."""
    *way, last, value = path

    def damage(described: dict[str, Any], tensors: dict[str, Any]) -> None:
        place: Any = described
        for key in way:
            place = place[key]
        place[last] = value

    return damage


def tensor(name: str, change: Callable[[Any], Any] | None) -> Damage:
    """Change one tensor; without a change leave it out."""

    def damage(described: dict[str, Any], tensors: dict[str, Any]) -> None:
        was = tensors.pop(name, None)
        if change is not None:
            tensors[name] = change(was)

    return damage


def first(value: float, code: str = "f") -> Callable[[Any], Any]:
    """Another first number."""
    number = struct.pack("<" + code, value)
    return lambda was: [was[0], was[1], number + was[2][len(number) :]]


LAYER = ("network", "layers", 0)
COLUMN = ("preprocessing", "columns", 0)
DAMAGES: dict[str, tuple[Damage, str]] = {
    "a later format": (put("format", 2), "this model has format 2, this clearprop reads up to 1; upgrade: pip install"),
    "no format": (put("format", "1"), "expected format 1, found '1'"),
    "no network": (put("network", 3), 'its metadata has no sound "network"'),
    "no layers": (put("network", "layers", []), "its network does not make sense"),
    "an unknown key": (put("network", "layer", 1), "its network does not make sense"),
    "a layer more": (
        lambda d, t: d["network"]["layers"].append({"units": 3}),
        "the tensor layers.3.weights is missing",
    ),
    "a layer less": (
        lambda d, t: d["network"]["layers"].pop(),
        "its columns make|knows no tensor|expected shape|output",
    ),
    "a million units": (put(*LAYER, "units", 10**6), "layers.1.weights: expected shape 1000000 x 4, found 16 x 4"),
    "units without end": (put(*LAYER, "units", 10**300), "layers.1.weights: expected shape"),
    "another activation": (put(*LAYER, "activation", "relux"), "its network does not make sense"),
    "no biases": (put(*LAYER, "bias", False), "training.present.parameters: expected shape 115, found 131"),
    "a shared bias": (put(*LAYER, "bias", 0.0), "layers.1.biases: expected shape 1, found 16"),
    "another optimizer": (put("network", "optimizer", {"name": "adagrad"}), "training.present.s|is missing"),
    "no weights": (tensor("layers.1.weights", None), "the tensor layers.1.weights is missing"),
    "a tensor more": (tensor("more", lambda _: ["F32", [1], bytes(4)]), 'its description knows no tensor "more"'),
    "transposed": (
        tensor("layers.1.weights", lambda t: [t[0], t[1][::-1], t[2]]),
        "expected shape 16 x 4, found 4 x 16",
    ),
    "flat": (tensor("layers.1.weights", lambda t: [t[0], [64], t[2]]), "expected shape 16 x 4, found 64"),
    "a scalar": (tensor("layers.1.biases", lambda t: ["F32", [], bytes(4)]), "expected shape 16, found none"),
    "whole numbers": (tensor("layers.1.weights", lambda t: ["I32", *t[1:]]), "expected type F32 or F64, found I32"),
    "bfloat16": (tensor("layers.1.weights", lambda t: ["BF16", t[1], t[2][:128]]), "found BF16"),
    "NaN": (tensor("layers.1.weights", first(float("nan"))), "layers.1.weights: a number is not finite"),
    "infinite": (tensor("training.present.parameters", first(float("inf"))), "a number is not finite"),
    "other weights": (
        tensor("layers.1.weights", first(0.25)),
        "its weights are not those that its training ended with",
    ),
    "float64 state": (tensor("training.present.m", lambda t: ["F64", t[1], t[2] * 2]), "expected type F32, found F64"),
    "no state": (tensor("training.present.m", None), "the tensor training.present.m is missing"),
    "a short history": (
        tensor("training.history.loss", lambda t: ["F64", [3], t[2][:24]]),
        "expected shape 4, found 3",
    ),
    "a short rate": (tensor("training.history.rate", lambda t: ["F64", [2], t[2][:16]]), "expected shape 3, found 2"),
    "no validation": (
        tensor("training.history.validation", lambda t: ["F64", [2], t[2][:16]]),
        "its history is not that of its training",
    ),
    "a history of NaN": (
        tensor("training.history.loss", lambda t: [*t[:2], t[2][:8] + struct.pack("<d", float("nan")) + t[2][16:]]),
        "its history is not that of its training",
    ),
    "epochs below zero": (put("training", "epochs", -1), "expected shape|history"),
    "epochs without end": (put("training", "epochs", 10**300), "expected shape"),
    "epochs of text": (put("training", "epochs", "3"), 'no sound "epochs"'),
    "epochs of truth": (put("training", "epochs", True), 'no sound "epochs"'),
    "too few steps": (put("training", "steps", 1), "it tells of 3 epochs in 1 steps"),
    "no origin": (put("training", "origin", None), 'no sound "origin"'),
    "training is text": (put("training", "yes"), 'no sound "training"'),
    "preprocessing is a list": (put("preprocessing", []), 'no sound "preprocessing"'),
    "no columns": (put("preprocessing", "columns", None), "its preprocessing does not make sense"),
    "a column less": (lambda d, t: d["preprocessing"]["columns"].pop(), "its columns make 3 inputs, its network has 4"),
    "a class less": (lambda d, t: d["preprocessing"]["classes"].pop(), "its targets take 2 outputs, its network has 3"),
    "classes twice": (put("preprocessing", "classes", ["a", "a", "b"]), "its preprocessing does not make sense"),
    "a scale of zero": (put(*COLUMN, "scale", 0), "its preprocessing does not make sense"),
    "a mean of text": (put(*COLUMN, "mean", "0"), "its preprocessing does not make sense"),
    "a fill of text": (put(*COLUMN, "fill", "x"), "its preprocessing does not make sense"),
    "a mean without end": (put(*COLUMN, "mean", 10**400), "its preprocessing does not make sense"),
    "categories of text": (put(*COLUMN, "categories", "abc"), "its preprocessing does not make sense"),
    "a column of text": (put("preprocessing", "columns", 0, "x"), "its preprocessing does not make sense"),
    "a setting": (put("network", "training", {"epochs": float("inf")}), "its metadata is not JSON"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_file_that_contradicts_itself_is_refused(name: str, iris: bytes, tmp_path: Path) -> None:
    described, tensors = copy.deepcopy(apart(iris))
    damage, message = DAMAGES[name]
    damage(described, tensors)
    refused(together(described, tensors), tmp_path, message)


def refused(data: bytes, folder: Path, message: str) -> None:
    path = folder / "m.safetensors"
    path.write_bytes(data)
    with pytest.raises(DamagedModel, match=message) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 1500


def test_taken_apart_and_put_together_it_is_the_same(iris: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(together(*apart(iris)))
    assert content(load_model(path)) == iris


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its metadata is not JSON"),
        ("{", "its metadata is not JSON"),
        ("[1]", "its metadata is no JSON object"),
        ("null", "its metadata is no JSON object"),
        ("[" * 100_000, "its metadata is not JSON|nested too deeply"),
        (
            '{"format": 1, "preprocessing": null, "training": null, "network": ' + '{"a":' * 900 + "1" + "}" * 901,
            "network|nested",
        ),
        ('{"format": 1e999}', "its metadata is not JSON"),
        ('{"format": NaN}', "its metadata is not JSON"),
        ('{"format": ' + "1" * 5000 + "}", "its metadata is not JSON"),
    ],
    ids=range(9),
)
def test_metadata_that_make_no_sense(text: str, message: str, iris: bytes, tmp_path: Path) -> None:
    refused(together(text, apart(iris)[1]), tmp_path, message)


def test_foreign_files(iris: bytes, tmp_path: Path) -> None:
    not_whole = "not a whole safetensors file"
    refused(together("{}", {}, key="other"), tmp_path, 'not a model of clearprop: its metadata has no key "clearprop"')
    refused(struct.pack("<Q", 2) + b"{}", tmp_path, "not a model of clearprop")
    refused(struct.pack("<Q", 2**63) + iris[8:], tmp_path, not_whole)
    refused(struct.pack("<Q", 2**40) + iris[8:], tmp_path, not_whole)
    refused(struct.pack("<Q", 0) + iris[8:], tmp_path, not_whole)
    refused(iris + b"more", tmp_path, not_whole)
    for data in (b"", b"x", b"\x80\x04\x95pickle", b"PK\x03\x04" + bytes(100), bytes(1000), b"[inputs]\ncount = 1\n"):
        refused(data, tmp_path, not_whole)


def test_truncated_anywhere(tmp_path: Path) -> None:
    data, path = trained(tmp_path / "m.safetensors", "lecture", epochs=1), tmp_path / "m.safetensors"
    for length in reversed(range(len(data))):
        os.truncate(path, length)
        with pytest.raises(DamagedModel, match="not a whole safetensors file"):
            load_model(path)


def test_whatever_bytes_change_it_is_a_model_or_a_message(iris: bytes, tmp_path: Path) -> None:
    path, chance = tmp_path / "m.safetensors", random.Random(0)
    end = 8 + struct.unpack("<Q", iris[:8])[0]
    loaded = 0
    for turn in range(1000):
        changed = bytearray(iris)
        for _ in range(chance.choice([1, 1, 2, 5])):
            # What is read as text is what there is to misread.
            changed[chance.randrange(end if turn % 4 else len(iris))] = chance.choice(
                [chance.randrange(256), *b'09"{}[],:-e']
            )
        path.write_bytes(changed)
        try:
            load_model(path)
            loaded += 1
        except ClearpropError:
            pass
    assert 0 < loaded < 1000


def values(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all parts of JSON."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [way for key, value in items for way in [(*path, key), *values(value, (*path, key))]]


@pytest.mark.parametrize("name", ["iris", "penguins", "lecture"])
def test_whatever_is_described_it_is_a_model_or_a_message(name: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    described, tensors = apart(trained(path, name, epochs=1))
    chance, others = random.Random(1), [None, True, -1, 10**400, "x", "\ud800", [], [None], {}, {"name": "x"}, 1e308, 0]
    for way in values(described):
        for value in chance.sample(others, 4):
            other = copy.deepcopy(described)
            put(*way, value)(other, {})
            path.write_bytes(together(other, tensors))
            try:
                problem = load_model(path).problem
                cp.train(cp.load(name), output=path, resume=True, epochs=1)
                assert problem.network.depth == 2
            except ClearpropError as error:
                str(error).encode()


# --- what is no file -----------------------------------------------------------------------------------


def test_places_where_no_model_is(tmp_path: Path) -> None:
    for place, message in (
        (tmp_path / "none.safetensors", "no such file"),
        (tmp_path, "expected a model file, found a folder"),
        ("/dev/null", "expected a model file, found a device"),
        ("a\0b.safetensors", "cannot be read|no such file"),
    ):
        with pytest.raises(UnreadableFile, match=message):
            load_model(place)
    with pytest.raises(Unwritable, match="there is no folder"):
        save_model(Model(cp.load("lecture")), tmp_path / "none" / "m.safetensors")


def test_a_damaged_model_ends_the_command_with_one_message(iris: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(iris[:1000])
    for arguments in (["train", "iris", "--output", "m.safetensors", "--resume"], ["verify", "m.safetensors"]):
        done = command(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("clearprop: m.safetensors: not a whole safetensors file (")
        assert done.stderr.count("\n") == 1
    assert (tmp_path / "m.safetensors").read_bytes() == iris[:1000]
