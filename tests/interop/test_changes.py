from __future__ import annotations

import tomllib

import pytest
from tests.interop.test_compare import BASES

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.interop.changes import changes


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.optimizer.name)
def test_each_change_is_one_assignment_in_the_network_files_keys(base: cp.Problem) -> None:
    """What is said, written into the file, is the problem with the change."""
    for change in changes(base):
        if change.key.startswith("layers") or ";" in change.value:
            continue
        try:
            changed = change.apply(base)
        except InvalidArgument:
            continue  # nesterov without a momentum
        key, value = change.key.split(".", 1)[1], tomllib.loads(f"x = {change.value}")["x"]
        content = tomllib.loads(cp.write(changed)).get(change.key.split(".")[0], {})
        usual = {"weight_decay": 0.0, "dampening": 0.0, "l2": 0.0, "clip_norm": 1e30}
        assert content.get(key, usual.get(key, value)) == value, change.text
