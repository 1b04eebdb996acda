from __future__ import annotations

import re

import numpy as np
import pytest
from tests.interop.models import X, assert_same, outputs, sequential, torch_module

import clearprop as cp
from clearprop.interop.chain import NotAChain

ACTIVATIONS = [
    "Identity()", "ReLU()", "ReLU6()", "LeakyReLU(0.3)", "ELU(0.7)", "SELU()", "CELU(1.3)", "GELU()",
    "GELU('tanh')", "Sigmoid()", "SiLU()", "Mish()", "Tanh()", "Softplus()", "Softplus(2.0)", "Softsign()",
    "Hardtanh()", "Hardtanh(-2, 3)", "Hardsigmoid()", "Hardswish()", "LogSigmoid()", "Tanhshrink()", "Softshrink()",
    "Hardshrink()", "Threshold(0.1, 0.2)", "PReLU()", "RReLU()", "Softmax(1)",
]  # fmt: skip

SINGLE = ("CELU", "Hardsigmoid", "Hardswish")
"""Their slopes have constants of float32 in PyTorch itself."""


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_gives_pytorchs_outputs_and_gradients(activation: str) -> None:
    torch = torch_module()
    name, _, given = activation.partition("(")
    arguments = [each.strip("' ") for each in given.rstrip(")").split(",") if each]
    given_to = [each if each.isalpha() else float(each) for each in arguments]
    made = torch.nn.Softmax(dim=1) if name == "Softmax" else getattr(torch.nn, name)(*given_to)
    module = sequential(made)
    targets = np.random.default_rng(1).normal(size=(len(X), 2))
    loss = torch.nn.MSELoss()
    problem = cp.from_torch(module, loss=loss, optimizer=torch.optim.SGD(module.parameters(), 0.1))
    assert_same(problem, outputs(module))
    cycle = cp.cycle(problem.with_examples(X, targets), "all")
    error = loss(module(torch.tensor(X)), torch.tensor(targets))
    error.backward()
    assert cycle.error == pytest.approx(float(error.detach()), rel=1e-10)
    tolerance = 1e-7 if name in SINGLE else 1e-9
    linear = [each for each in module if isinstance(each, torch.nn.Linear)]
    for index, layer in enumerate(linear):
        place = index * (problem.network.depth - 1)
        np.testing.assert_allclose(
            cycle.gradients.of.weights(place), layer.weight.grad.numpy(), rtol=tolerance, atol=1e-12
        )
        np.testing.assert_allclose(
            cycle.gradients.of.biases(place), layer.bias.grad.numpy(), rtol=tolerance, atol=1e-12
        )


def test_dropout_is_kept_in_train_mode_only() -> None:
    nn = torch_module().nn
    module = sequential(nn.ReLU(), nn.Dropout(0.2))
    assert cp.from_torch(module).network.layers[0].dropout == 0
    assert cp.from_torch(module.train()).network.layers[0].dropout == pytest.approx(0.2)


def test_batch_norm_in_train_mode_says_what_to_do() -> None:
    nn = torch_module().nn
    module = sequential(nn.BatchNorm1d(4), nn.ReLU())
    with torch_module().no_grad():
        module[1].running_mean += 0.3
        module[1].running_var *= 2.5
        module[1].weight *= 1.7
    assert_same(cp.from_torch(module), outputs(module))
    with pytest.raises(NotAChain, match=r"module 1 \(BatchNorm1d\): in training .* call model.eval\(\) first$"):
        cp.from_torch(module.train())
    after = sequential(nn.ReLU(), nn.BatchNorm1d(4))
    assert_same(cp.from_torch(after), outputs(after))


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("Conv1d(4, 4, 1)", "module 1 (Conv1d), a convolution, cannot be taken"),
        ("LSTM(4, 4)", "module 1 (LSTM), a recurrent layer, cannot be taken"),
        ("LayerNorm(4)", "module 1 (LayerNorm), a layer norm, cannot be taken"),
        ("Softmax(0)", "module 1 (Softmax): over axis 0; only over a layer's units"),
        ("LogSoftmax(1)", "module 1 (LogSoftmax): clearprop's outputs are probabilities"),
        ("Flatten(0)", "module 1 (Flatten): joins other axes than all but the first; only flat inputs can be taken"),
        ("PReLU(4)", ""),
    ],
)
def test_what_cannot_be_taken_is_named_with_its_place(module: str, what: str) -> None:
    nn = torch_module().nn
    name, _, given = module.partition("(")
    made = getattr(nn, name)(*(int(each) for each in given.rstrip(")").split(",")))
    if not what:
        with torch_module().no_grad():
            made.weight[0] = 0.1
        what = "module 1 (PReLU): a slope per unit cannot be taken"
    with pytest.raises(NotAChain, match=re.escape(f"Sequential: {what}")):
        cp.from_torch(sequential(made))


def test_softplus_keeps_its_threshold_where_it_matters() -> None:
    nn = torch_module().nn
    module = sequential(nn.Softplus(2, 0.1))
    assert_same(cp.from_torch(module), outputs(module))
    assert cp.from_torch(sequential(nn.Softplus())).network.layers[0].rule.name == "softplus"


@pytest.mark.parametrize("name", ["AlphaDropout", "FeatureAlphaDropout", "Dropout1d"])
def test_dropouts_that_are_none_here_are_only_left_out_in_eval_mode(name: str) -> None:
    nn = torch_module().nn
    module = sequential(getattr(nn, name)(0.4))
    assert_same(cp.from_torch(module), outputs(module))
    with pytest.raises(NotAChain, match=rf"module 1 \({name}\): in train mode cannot be taken; call model.eval"):
        cp.from_torch(module.train())


def test_a_sequential_within_one_counts_in_its_place() -> None:
    nn = torch_module().nn
    module = sequential(nn.Sequential(nn.Tanh(), nn.Sequential(nn.Linear(4, 4), nn.ReLU())))
    assert_same(cp.from_torch(module), outputs(module))


def test_a_softmin_is_a_softmax_of_the_sums_with_the_other_sign() -> None:
    nn = torch_module().nn
    module = sequential(nn.Tanh(), last=nn.Softmin(dim=1), outputs=3)
    problem = cp.from_torch(module)
    assert_same(problem, outputs(module))
    assert "folded: the sign of Softmin into the weights before it" in problem.remarks


def test_a_model_in_train_mode_says_which_dropout_it_keeps() -> None:
    nn = torch_module().nn
    problem = cp.from_torch(sequential(nn.ReLU(), nn.Dropout(0.25)).train())
    assert problem.network.layers[0].dropout == pytest.approx(0.25)
    assert "kept: dropout 2 (0.25), since the model is in train mode" in problem.remarks
