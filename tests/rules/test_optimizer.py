"""What an optimizer is: its keys, what it remembers, and its limits."""

from __future__ import annotations

import pytest

import clearprop as cp
from clearprop.rules.optimizers import OPTIMIZERS, optimizer, optimizer_keys


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_enters_itself_under_its_name(name: str) -> None:
    made = OPTIMIZERS[name]()
    assert made == optimizer(name)
    assert (made.name, repr(made).partition("(")[0].lower()) == (name, name)


def test_what_the_package_offers_is_in_the_table() -> None:
    assert OPTIMIZERS["adam"] is cp.Adam


def test_state_is_what_is_read_before_it_is_assigned() -> None:
    """As many numbers per weight as PyTorch remembers."""
    remembered = {
        "sgd": [], "rmsprop": ["v"], "adagrad": ["s"], "adadelta": ["d", "v"], "adam": ["m", "v"],
        "adamw": ["m", "v"], "nadam": ["m", "p", "v"], "adamax": ["m", "u"],
    }  # fmt: skip
    assert {name: sorted(optimizer(name).state) for name in remembered} == remembered
    assert list(cp.SGD(momentum=0.9).state) == ["b"]
    assert cp.Adagrad(initial_accumulator_value=0.25).state == {"s": 0.25}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_key_can_be_set_and_is_kept(name: str) -> None:
    keys = optimizer_keys(name)
    assert keys[0] == "learning_rate"
    chosen = optimizer(name, learning_rate=0.25, clip_norm=2.0)
    assert (chosen.name, chosen.learning_rate, chosen.clip_norm) == (name, 0.25, 2.0)
    others = {"learning_rate", "schedule", "clip_norm", "clip_value", "clip_norm_per"}
    assert set(chosen.hyperparameters) == set(keys) - others


def test_clipping_by_variables_needs_a_limit() -> None:
    with pytest.raises(cp.ClearpropError, match='clip_norm_per: "variable" needs a limit; set clip_norm, too'):
        cp.SGD(0.1, clip_norm_per="variable")
    with pytest.raises(cp.ClearpropError, match='unknown clip_norm_per "layer"; known: all, variable'):
        optimizer("sgd", clip_norm=1.0, clip_norm_per="layer")
    made = cp.SGD(0.1, clip_norm=1.0, clip_norm_per="variable")
    assert repr(made) == "SGD(0.1, clip_norm=1.0, clip_norm_per='variable')"
