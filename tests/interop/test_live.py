from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, assert_same, outputs, sequential, torch_module

import clearprop as cp
from clearprop.errors import ClearpropError, InvalidArgument


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


def test_what_is_not_only_pytorchs_own_is_read_by_its_exported_program() -> None:
    torch = torch_module()

    class Linear(torch.nn.Linear):  # type: ignore[misc, name-defined]
        def forward(self, rows: Any) -> Any:
            return 2 * super().forward(rows)

    twice = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), Linear(4, 2)).double().eval()
    assert_same(cp.from_torch(twice), outputs(twice))
    hooked = sequential(torch.nn.ReLU())
    hooked[0].register_forward_hook(lambda module, given, made: made * 2)
    hooked[2].register_forward_pre_hook(lambda module, given: (given[0] + 1,))
    problem = cp.from_torch(hooked)
    assert_same(problem, outputs(hooked))
    assert str(problem.network.layers[0].rule.name) == "max(2 * z, 0) + 1"


def test_a_module_that_stands_twice_is_two_layers_and_that_is_said() -> None:
    torch = torch_module()
    torch.manual_seed(0)
    same = torch.nn.Linear(3, 3)
    module = torch.nn.Sequential(same, torch.nn.Tanh(), same).double().eval()
    problem = cp.from_torch(module)
    assert_same(problem, outputs(module))
    assert "left out: 0.weight and 2.weight are the same parameter; here each is trained for itself" in problem.remarks


def test_parameters_that_are_not_trained_are_named() -> None:
    nn = torch_module().nn
    module = sequential(nn.ReLU())
    module[0].requires_grad_(False)
    said = "left out: 0.weight and 0.bias are not trained (requires_grad is False); here all are"
    assert said in cp.from_torch(module).remarks


def test_logarithms_of_probabilities_with_their_loss_in_code_of_its_own() -> None:
    torch = torch_module()
    module = torch.nn.Sequential(sequential(torch.nn.Tanh()), _with_logarithms()).double()
    loss = torch.nn.NLLLoss()
    problem = cp.from_torch(module, loss)
    assert_same(problem, np.exp(outputs(module)))
    assert cp.compare(problem.with_examples(X, [0, 1, 1, 0, 1, 0]), module, loss=loss).same
    with pytest.raises(ClearpropError, match="gives logarithms of probabilities"):
        cp.from_torch(torch.nn.Sequential(module, torch.nn.Linear(2, 2).double()), loss)


def _with_logarithms() -> Any:
    torch = torch_module()

    class Own(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, rows: Any) -> Any:
            return torch.nn.functional.log_softmax(rows, dim=1)

    return Own()


def test_what_is_no_module_with_plain_weights_is_refused() -> None:
    torch = torch_module()
    module = sequential(torch.nn.ReLU())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(module)
        quantized = torch.ao.quantization.quantize_dynamic(sequential(torch.nn.ReLU(), double=False), {torch.nn.Linear})
    for given, message in (
        (scripted, "a TorchScript program, whose code is not read; give the module that it was made of"),
        (torch.nn.Sequential(torch.nn.LazyLinear(4)), "has a layer whose size is not known yet; run the module once"),
        (quantized, "has no plain matrix of weights"),
        (torch.nn.Sequential(torch.nn.utils.parametrizations.weight_norm(module[0])), "computes weights, as weight"),
    ):
        with pytest.raises(ClearpropError, match=message):
            cp.from_torch(given)
