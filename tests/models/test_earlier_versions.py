"""Model files that earlier versions wrote are read, predict and resume as they did then.

``version_0_1`` holds models of the bundled examples: iris after 7 epochs, xor after 25.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.support import apart

import clearprop as cp
from clearprop.models.model import content
from clearprop.models.read import read_model

FOLDER = Path(__file__).parent / "version_0_1"
# What that version predicted with each model, for one row.
PREDICTED = {
    "iris": ([[5.1, 3.5, 1.4, 0.2]], [[0.9938795732035712, 0.006001373666557498, 0.00011905312987121891]]),
    "xor": ([[1.0, 0.0]], [[0.8514174751376734]]),
}
EPOCHS = {"iris": (7, 12), "xor": (25, 40)}


@pytest.mark.parametrize("name", PREDICTED)
def test_an_earlier_model_predicts_as_it_did(name: str) -> None:
    rows, outputs = PREDICTED[name]
    np.testing.assert_allclose(cp.predict(cp.load(FOLDER / f"{name}.safetensors"), rows), outputs, rtol=1e-13)


@pytest.mark.parametrize("name", PREDICTED)
def test_an_earlier_model_is_written_with_the_same_content(name: str) -> None:
    """But for the checksum, which models had none of then."""
    path = FOLDER / f"{name}.safetensors"
    description, tensors = apart(content(read_model(path)))
    assert len(description.pop("checksum")) == 32
    assert (description, tensors) == apart(path.read_bytes())


@pytest.mark.parametrize("name", PREDICTED)
def test_an_earlier_model_resumes_to_the_same_bits(name: str, tmp_path: Path) -> None:
    earlier, whole = EPOCHS[name]
    old, straight, resumed = FOLDER / f"{name}.safetensors", tmp_path / "straight", tmp_path / "resumed"
    cp.train(cp.load(name), epochs=earlier, output=straight)
    same_processor = apart(straight.read_bytes())[1] == apart(old.read_bytes())[1]
    cp.train(cp.load(name), epochs=whole, output=straight, resume=True)
    shutil.copy(old, resumed)
    fit = cp.train(cp.load(name), epochs=whole, output=resumed, resume=True)
    assert fit.epochs == whole
    expected = cp.load(straight).parameters.vector
    # On a processor of another kind float32 rounds in another order.
    np.testing.assert_allclose(cp.load(resumed).parameters.vector, expected, rtol=1e-3, atol=1e-5)
    if same_processor:
        assert resumed.read_bytes() == straight.read_bytes()
