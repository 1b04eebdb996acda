from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, sequential, torch_module

import clearprop as cp
from clearprop.errors import InvalidArgument


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "BCEWithLogitsLoss"])
def test_losses_of_logits_agree_with_their_probabilities(name: str) -> None:
    torch = torch_module()
    module, loss = sequential(torch.nn.ReLU()), getattr(torch.nn, name)()
    targets: Any = np.eye(2)[[0, 1, 1, 0, 1, 0]]
    problem = cp.from_torch(module, loss=loss).with_examples(X, targets)
    assert cp.compare(problem, module, loss=loss, tolerance=1e-10).same


def test_a_module_of_another_shape_is_refused() -> None:
    torch = torch_module()
    with pytest.raises(InvalidArgument, match="compare: the module has 3-4-2 units, the network 2-2-2"):
        cp.compare(cp.load("lecture"), sequential(torch.nn.ReLU()), loss=torch.nn.MSELoss())
