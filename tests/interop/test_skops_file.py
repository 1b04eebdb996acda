from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, assert_same

import clearprop as cp
from clearprop.errors import ClearpropError, DamagedModel


def saved(path: Path) -> Any:
    sio = pytest.importorskip("skops.io", reason="skops is not installed")
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    made = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=5, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.fit(rng.normal(size=(30, 3)), np.array(["no", "yes", "maybe"])[rng.integers(0, 3, 30)])
    sio.dump(made, path)
    return made


def test_a_pipeline_is_read(tmp_path: Path) -> None:
    made = saved(tmp_path / "m.skops")
    problem = cp.load(tmp_path / "m.skops")
    assert_same(problem, made.predict_proba(X))
    assert problem.fitted is not None
    assert problem.fitted.classes == ("maybe", "no", "yes")
    assert problem.parameters == cp.from_sklearn(made).parameters


def changed(path: Path, change: Any) -> Path:
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


def nested(parts: dict[str, bytes]) -> None:
    parts["schema.json"] = b'{"__loader__":"ListNode","content":[' * 50_000 + b"]}" * 50_000


def deep_enough_for_json(parts: dict[str, bytes]) -> None:
    parts["schema.json"] = b'{"__loader__":"ListNode","content":[' * 450 + b"]}" * 450


def other_shape(parts: dict[str, bytes]) -> None:
    for name, content in parts.items():
        if name.endswith(".npy"):
            parts[name] = content.replace(b"(3, 4)", b"(9, 9)")


def an_object_array(parts: dict[str, bytes]) -> None:
    for name, content in parts.items():
        if name.endswith(".npy"):
            parts[name] = content.replace(b"'<f8'", b"'|O' ")


def no_estimator(parts: dict[str, bytes]) -> None:
    parts["schema.json"] = json.dumps({"__loader__": "JsonNode", "content": "3"}).encode()


@pytest.mark.parametrize("change", [nested, deep_enough_for_json, other_shape, an_object_array, no_estimator])
def test_a_file_that_contradicts_itself_is_damaged(change: Any, tmp_path: Path) -> None:
    saved(tmp_path / "m.skops")
    with pytest.raises(DamagedModel, match="a damaged file"):
        cp.load(changed(tmp_path / "m.skops", change))


def test_cuts_are_one_message(tmp_path: Path) -> None:
    saved(tmp_path / "m.skops")
    raw = (tmp_path / "m.skops").read_bytes()
    for end in range(10, len(raw), 9973):
        (tmp_path / "c.skops").write_bytes(raw[:end])
        with pytest.raises(ClearpropError):
            cp.load(tmp_path / "c.skops")
