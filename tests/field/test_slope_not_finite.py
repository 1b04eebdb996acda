"""A slope that is 0 / 0, where nothing in the forward pass is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.cli import run
from clearprop.errors import NotFinite

FAULT = (
    "∂L_1/∂a_y is nan; layer 1, unit y, example 1; (a_y - t_1) / sqrt((t_1 - a_y)**2) is not finite at a_y = 0, "
    "t_1 = 0; try a formula that has a slope there, such as one with a small constant under its root or in its "
    "denominator"
)
CURES_NOTHING = ("learning rate", "smaller weights", "clip_norm")


@pytest.fixture
def network(case: Callable[[str], Path]) -> Path:
    return case("slope-not-finite") / "network.toml"


@pytest.mark.parametrize("example", [1, "all"])
def test_the_factor_is_named_with_its_numbers(network: Path, example: int | str) -> None:
    with pytest.raises(NotFinite) as caught:
        cp.cycle(cp.load(network), example)  # type: ignore[arg-type]
    assert str(caught.value) == FAULT


def test_explain_shows_the_derivation_up_to_it(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", str(network), "w1"]) == 1
    out, err = capsys.readouterr()
    assert out.endswith("  ∂L_1/∂a_y = (a_y - t_1) / sqrt((t_1 - a_y)²) = (0 - 0) / sqrt((0 - 0)²) = nan\n")
    assert FAULT in err
    assert run(["explain", str(network)]) == 1
    out, err = capsys.readouterr()
    assert "L_1 = sqrt((t_1 - a_y)²) = sqrt((0 - 0)²) = 0\n" in out
    assert FAULT in err


def test_explain_shows_a_batch_up_to_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "root.toml"
    file.write_text(
        "inputs = {count = 1}\n"
        'layers = [{units = ["h"], activation = "abs(z)**0.5", weights = [[1]]}, {units = ["y"], weights = [[1]]}]\n'
        "[[examples]]\ninputs = [0]\ntargets = [1]\n[[examples]]\ninputs = [4]\ntargets = [1]\n"
    )
    assert run(["explain", str(file), "--example", "all"]) == 1
    out, err = capsys.readouterr()
    assert "∂a_h/∂z_h is nan; layer 1, unit h, example 1" in err
    # The gradient of w2 over both examples: (-1 · 0 + 1 · 2) / 2.
    assert "  ∂L/∂w2 = " in out
    assert "= (0 + 2) / 2 = 1\n" in out


@pytest.mark.parametrize("command", ["train", "verify"])
def test_training_and_verification_name_it_too(network: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run([command, str(network)]) == 1
    out, err = capsys.readouterr()
    assert FAULT in out + err
    said = next(line for line in (out + err).splitlines() if FAULT in line)
    assert not any(words in said for words in CURES_NOTHING)


def test_so_does_the_slope_of_an_activation(tmp_path: Path) -> None:
    file = tmp_path / "root.toml"
    file.write_text(
        "inputs = {count = 1}\n"
        'layers = [{units = ["h"], activation = "sqrt(z)", weights = [[1]], bias = false},\n'
        "          {units = 1, weights = [[1]]}]\n"
        "[[examples]]\ninputs = [4]\ntargets = [1]\n[[examples]]\ninputs = [0]\ntargets = [1]\n"
    )
    with pytest.raises(
        NotFinite, match=r"∂a_h/∂z_h is inf; layer 1, unit h, example 2; 1 / \(2 \* sqrt\(z_h\)\) is not"
    ):
        cp.cycle(cp.load(file), "all")
