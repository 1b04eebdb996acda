from __future__ import annotations

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import keras_module

import clearprop as cp
from clearprop.errors import ClearpropError, DamagedModel, UnreadableFile
from clearprop.interop.keras_file import snake

CONFIG = {
    "class_name": "Sequential",
    "config": {"layers": [{"class_name": "Dense", "config": {"name": "mine", "units": 2, "activation": "tanh"}}]},
}
W, B = np.random.default_rng(0).normal(size=(3, 2)), np.array([0.1, -0.2])


def h5py() -> Any:
    return pytest.importorskip("h5py", reason="h5py is not installed")


def written(path: Path, plant: Any = None) -> Path:
    """A ``.keras`` file by hand; ``plant`` changes its HDF5 part."""
    raw = io.BytesIO()
    with h5py().File(raw, "w") as file:
        group = file.create_group("layers/dense/vars")
        group["0"], group["1"] = W, B
        if plant is not None:
            plant(file, group)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(CONFIG))
        archive.writestr("model.weights.h5", raw.getvalue())
    return path


def test_groups_are_found_by_class_and_counter(tmp_path: Path) -> None:
    problem = cp.load(written(tmp_path / "m.keras"))
    np.testing.assert_array_equal(problem.parameters.weights(0), W.T)
    np.testing.assert_array_equal(problem.parameters.biases(0), B)
    assert [snake(each) for each in ("Dense", "BatchNormalization", "PReLU")] == [
        "dense", "batch_normalization", "p_re_lu",
    ]  # fmt: skip


def test_the_stated_length_of_a_text_takes_no_memory(tmp_path: Path) -> None:
    """Found by scripts/fuzz_readers.py: libhdf5 took 1.4 GB, and six seconds, for a text of a few letters."""
    resource = pytest.importorskip("resource", reason="no resource module")
    path, text = tmp_path / "m.h5", json.dumps(CONFIG)
    with h5py().File(path, "w") as file:
        file.attrs["model_config"] = text
    raw, length = path.read_bytes(), len(text).to_bytes(4, "little")
    assert raw.count(length) in (1, 2)  # also the object in the heap, if it is as long
    path.write_bytes(raw.replace(length, (0x58000000).to_bytes(4, "little")))
    # A process that is started counts what its parent has as its own, until it runs its program.
    before = max(resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    with pytest.raises(DamagedModel, match="its HDF5 part is not whole"):
        cp.load(path)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 800 * 1024)


def soft(file: Any, group: Any) -> None:
    del group["0"]
    group["0"] = h5py().SoftLink("/layers/dense/vars/1")


def outside(file: Any, group: Any) -> None:
    del group["0"]
    group["0"] = h5py().ExternalLink("/etc/passwd", "/x")


def stored_outside(file: Any, group: Any) -> None:
    del group["0"]
    group.create_dataset("0", (3, 2), dtype="f8", external=[("/etc/passwd", 0, 48)])


def virtual(file: Any, group: Any) -> None:
    del group["0"]
    layout = h5py().VirtualLayout((3, 2), "f8")
    layout[:] = h5py().VirtualSource("/tmp/other.h5", "x", (3, 2))
    group.create_virtual_dataset("0", layout)


def without_bytes(file: Any, group: Any) -> None:
    del group["0"]
    group.create_dataset("0", (10**6, 10**6), dtype="f8", chunks=(1000, 1000))


def bounded(file: Any, group: Any) -> None:
    del group["0"]
    group.create_dataset("0", (10_000, 10_000), dtype="f8", chunks=(1000, 1000))


@pytest.mark.parametrize("plant", [soft, outside, stored_outside, virtual, without_bytes, bounded])
def test_links_other_files_and_shapes_without_bytes_are_damaged(plant: Any, tmp_path: Path) -> None:
    with pytest.raises(DamagedModel, match="a damaged file"):
        cp.load(written(tmp_path / "m.keras", plant))


def test_an_hdf5_file_without_a_model_says_so(tmp_path: Path) -> None:
    with h5py().File(tmp_path / "m.h5", "w") as file:
        file["x"] = W
    with pytest.raises(UnreadableFile, match="an HDF5 file without a Keras model: it has no model_config"):
        cp.load(tmp_path / "m.h5")


def test_cuts_are_one_message(tmp_path: Path) -> None:
    raw = written(tmp_path / "m.keras").read_bytes()
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        inner = archive.read("model.weights.h5")
    for end in range(8, len(raw), 1999):
        (tmp_path / "c.keras").write_bytes(raw[:end])
        with pytest.raises(ClearpropError):
            cp.load(tmp_path / "c.keras")
    for end in range(512, len(inner) - 100, 1999):
        with zipfile.ZipFile(tmp_path / "d.keras", "w") as archive:
            archive.writestr("config.json", json.dumps(CONFIG))
            archive.writestr("model.weights.h5", inner[:end])
        with pytest.raises(DamagedModel):
            cp.load(tmp_path / "d.keras")


@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize("suffix", [".keras", ".h5", ""])
def test_an_optimizer_that_has_made_steps_begins_anew_and_that_is_said(suffix: str, tmp_path: Path) -> None:
    keras = keras_module()
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    for optimizer, steps, expected in (("adam", 0, False), ("adam", 1, True), ("sgd", 1, False)):
        model.compile(optimizer, loss="mse")
        for _ in range(steps):
            model.train_on_batch(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if suffix:
                model.save(tmp_path / f"m{suffix}")
        problem = cp.load(tmp_path / f"m{suffix}") if suffix else cp.from_keras(model)
        said = f"left out: what {optimizer} remembers of earlier steps; here it begins anew"
        assert (said in problem.remarks) is expected
