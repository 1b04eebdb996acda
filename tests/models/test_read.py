"""Damaged model files: cut, changed, foreign or contradicting themselves, they end in one message."""

from __future__ import annotations

import copy
import json
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support import apart, command, trained

import clearprop as cp
from clearprop.errors import ClearpropError, DamagedModel, UnreadableFile, Unwritable
from clearprop.models.model import Model, content, save_model
from clearprop.models.read import read_model
from clearprop.training.compiled_engine import Compiled
from clearprop.training.planned_steps import PlannedSteps
from clearprop.types import Array

Damage = Callable[[dict[str, Any], dict[str, Any]], Any]


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model of a table after three epochs."""
    return trained(tmp_path_factory.mktemp("iris") / "m.safetensors", "iris", epochs=3)


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
    "a later format": (put("format", 3), "this model has format 3, this clearprop reads up to 2; upgrade: pip install"),
    "no format": (put("format", "1"), "expected a format from 1 to 2, found '1'"),
    "no network": (put("network", 3), 'its metadata has no valid "network"'),
    "no layers": (put("network", "layers", []), "its network makes no sense"),
    "an unknown key": (put("network", "layer", 1), "its network makes no sense"),
    "a layer more": (
        lambda d, t: d["network"]["layers"].append({"units": 3}),
        "the tensor layers.3.weights is missing",
    ),
    "a layer less": (
        lambda d, t: d["network"]["layers"].pop(),
        "its columns make|does not mention|expected shape|output",
    ),
    "a million units": (put(*LAYER, "units", 10**6), "layers.1.weights: expected shape 1000000 x 4, found 16 x 4"),
    "units without end": (put(*LAYER, "units", 10**300), "layers.1.weights: expected shape"),
    "another activation": (put(*LAYER, "activation", "relux"), "its network makes no sense"),
    "no biases": (put(*LAYER, "bias", False), "training.present.parameters: expected shape 115, found 131"),
    "a shared bias": (put(*LAYER, "bias", 0.0), "layers.1.biases: expected shape 1, found 16"),
    "another optimizer": (put("network", "optimizer", {"name": "adagrad"}), "training.present.s|is missing"),
    "no weights": (tensor("layers.1.weights", None), "the tensor layers.1.weights is missing"),
    "a tensor more": (
        tensor("more", lambda _: ["F32", [1], bytes(4)]),
        'its description does not mention the tensor "more"',
    ),
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
        "its weights are not the ones at the end of its training",
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
        "its history does not match its training",
    ),
    "a history of NaN": (
        tensor("training.history.loss", lambda t: [*t[:2], t[2][:8] + struct.pack("<d", float("nan")) + t[2][16:]]),
        "its history does not match its training",
    ),
    "epochs below zero": (put("training", "epochs", -1), "expected shape|history"),
    "epochs without end": (put("training", "epochs", 10**300), "expected shape"),
    "epochs of text": (put("training", "epochs", "3"), 'no valid "epochs"'),
    "epochs of truth": (put("training", "epochs", True), 'no valid "epochs"'),
    "too few steps": (put("training", "steps", 1), "it claims 3 epochs in 1 steps"),
    "no origin": (put("training", "origin", None), 'no valid "origin"'),
    "training is text": (put("training", "yes"), 'no valid "training"'),
    "preprocessing is a list": (put("preprocessing", []), 'no valid "preprocessing"'),
    "no columns": (put("preprocessing", "columns", None), "its preprocessing makes no sense"),
    "a column less": (lambda d, t: d["preprocessing"]["columns"].pop(), "its columns make 3 inputs, its network has 4"),
    "a class less": (lambda d, t: d["preprocessing"]["classes"].pop(), "its targets take 2 outputs, its network has 3"),
    "classes twice": (put("preprocessing", "classes", ["a", "a", "b"]), "its preprocessing makes no sense"),
    "a scale of zero": (put(*COLUMN, "scale", 0), "its preprocessing makes no sense"),
    "a mean of text": (put(*COLUMN, "mean", "0"), "its preprocessing makes no sense"),
    "a fill of text": (put(*COLUMN, "fill", "x"), "its preprocessing makes no sense"),
    "a mean without end": (put(*COLUMN, "mean", 10**400), "its preprocessing makes no sense"),
    "categories of text": (put(*COLUMN, "categories", "abc"), "its preprocessing makes no sense"),
    "a column of text": (put("preprocessing", "columns", 0, "x"), "its preprocessing makes no sense"),
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
        read_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 1500


def test_taken_apart_and_put_together_it_is_the_same(iris: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(together(*apart(iris)))
    assert content(read_model(path)) == iris


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its metadata is not JSON"),
        ("{", "its metadata is not JSON"),
        ("[1]", "its metadata is not a JSON object"),
        ("null", "its metadata is not a JSON object"),
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
    not_whole = "an incomplete safetensors file"
    refused(together("{}", {}, key="other"), tmp_path, 'not a clearprop model: its metadata has no key "clearprop"')
    refused(struct.pack("<Q", 2) + b"{}", tmp_path, "not a clearprop model")
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
        with pytest.raises(DamagedModel, match="an incomplete safetensors file"):
            read_model(path)


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
            read_model(path)
            loaded += 1
        except ClearpropError:
            pass
    assert 0 < loaded < 1000


def test_a_changed_bit_in_a_number_is_noticed(iris: bytes, tmp_path: Path) -> None:
    """Every number may have any value, so only the checksum can tell."""
    path, end = tmp_path / "m.safetensors", 8 + struct.unpack("<Q", iris[:8])[0]
    changed = bytearray(iris)
    changed[end + 1] ^= 1
    path.write_bytes(changed)
    with pytest.raises(DamagedModel) as caught:
        read_model(path)
    assert str(caught.value).startswith(f"{path}: a damaged model file: its ")


def test_a_model_saved_without_its_training_has_a_checksum_too(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_model(Model(cp.load("lecture")), path)
    content = path.read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    for place in range(end, len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(DamagedModel, match="its content has changed since it was written"):
            read_model(path)


def test_a_model_without_a_checksum_is_of_an_earlier_version_and_loads(iris: bytes, tmp_path: Path) -> None:
    description, tensors = apart(iris)
    assert len(description.pop("checksum")) == 32
    path = tmp_path / "m.safetensors"
    path.write_bytes(together(json.dumps(description), tensors))
    assert read_model(path).progress is not None


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
                problem = read_model(path).problem
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
            read_model(place)
    with pytest.raises(Unwritable, match="there is no folder"):
        save_model(Model(cp.load("lecture")), tmp_path / "none" / "m.safetensors")


def test_a_damaged_model_ends_the_command_with_one_message(iris: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(iris[:1000])
    for arguments in (["train", "iris", "--output", "m.safetensors", "--resume"], ["verify", "m.safetensors"]):
        done = command(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("clearprop: m.safetensors: an incomplete safetensors file: its 1,000 bytes")
        assert done.stderr.count("\n") == 1
    assert (tmp_path / "m.safetensors").read_bytes() == iris[:1000]


def test_no_number_is_believed_to_be_none_before_the_first_epoch_either(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    taken = Compiled.run

    def run(self: Compiled, steps: PlannedSteps) -> Array:
        if steps.numbers[0] == 3:
            raise KeyboardInterrupt
        return taken(self, steps)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Compiled, "run", run)
        cp.train(cp.load("iris"), output=path, checkpoint=0)
    for name in ("training.present.parameters", "training.whole.parameters", "training.best"):
        described, tensors = apart(path.read_bytes())
        tensor(name, first(float("nan")))(described, tensors)
        (folder := tmp_path / name).mkdir()
        refused(together(described, tensors), folder, f"{name}: a number is not finite")
