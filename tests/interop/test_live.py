from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, sequential, torch_module

import clearprop as cp
from clearprop.errors import InvalidArgument


@pytest.mark.parametrize("read", [cp.from_torch, cp.from_keras, cp.from_sklearn, cp.from_onnx])
def test_what_is_no_model_is_refused(read: Any) -> None:
    with pytest.raises(InvalidArgument, match=f"^{read.__name__}: expected .*, found int$"):
        read(3)


def test_a_loss_that_contains_an_activation_that_is_there_is_refused() -> None:
    nn = torch_module().nn
    with pytest.raises(InvalidArgument, match="contains softmax, but the module ends in softmax already"):
        cp.from_torch(sequential(nn.ReLU(), last=nn.Softmax(1)), loss=nn.CrossEntropyLoss())
    with pytest.raises(InvalidArgument, match="NLLLoss takes the logarithms of probabilities"):
        cp.from_torch(sequential(nn.ReLU()), loss=nn.NLLLoss())


def test_names_are_taken_for_losses_and_optimizers() -> None:
    nn = torch_module().nn
    problem = cp.from_torch(sequential(nn.ReLU()), loss="huber", optimizer="adam")
    assert (problem.network.loss.rule.name, problem.optimizer.name) == ("huber", "adam")
    with pytest.raises(InvalidArgument, match="loss: expected a name, an expression or a loss, found int"):
        cp.from_torch(sequential(nn.ReLU()), loss=3)


def test_rows_are_given_by_with_examples() -> None:
    nn = torch_module().nn
    problem = cp.from_torch(sequential(nn.ReLU()), loss=nn.CrossEntropyLoss())
    coded = problem.with_examples(X, [0, 1, 0, 1, 1, 0]).examples
    assert coded is not None
    np.testing.assert_array_equal(coded.targets, np.eye(2)[[0, 1, 0, 1, 1, 0]])
    flat = problem.with_examples(X.reshape(6, 3, 1), np.eye(2)[[0] * 6]).examples
    assert flat is not None
    assert flat.inputs.shape == (6, 3)
