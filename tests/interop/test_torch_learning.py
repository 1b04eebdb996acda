from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, sequential, torch_module

import clearprop as cp
from clearprop.errors import InvalidArgument

RNG = np.random.default_rng(4)
NUMBERS, SHARES = RNG.normal(size=(len(X), 2)), RNG.uniform(0.1, 0.9, size=(len(X), 2))
CLASSES = RNG.integers(0, 2, len(X))


def losses() -> dict[str, tuple[Any, Any, Any]]:
    """Losses with what stands before them and their targets."""
    nn = torch_module().nn
    return {
        "mse": (nn.MSELoss(), None, NUMBERS),
        "mse sum": (nn.MSELoss(reduction="sum"), None, NUMBERS),
        "l1": (nn.L1Loss(), None, NUMBERS),
        "smooth": (nn.SmoothL1Loss(beta=0.4), None, NUMBERS),
        "huber": (nn.HuberLoss(delta=0.3), None, NUMBERS),
        "bce": (nn.BCELoss(), nn.Sigmoid(), SHARES),
        "logits": (nn.BCEWithLogitsLoss(), None, SHARES),
        "cross entropy": (nn.CrossEntropyLoss(), None, CLASSES),
        "cross entropy sum": (nn.CrossEntropyLoss(reduction="sum"), None, CLASSES),
        "nll": (nn.NLLLoss(), nn.LogSoftmax(1), CLASSES),
        "poisson": (nn.PoissonNLLLoss(), None, SHARES),
    }


@pytest.mark.parametrize("name", ["mse", "mse sum", "l1", "smooth", "huber", "bce", "logits", "cross entropy",
                                  "cross entropy sum", "nll", "poisson"])  # fmt: skip
def test_loss_and_gradients_are_autograds(name: str) -> None:
    torch = torch_module()
    loss, last, targets = losses()[name]
    module = sequential(torch.nn.Tanh(), last=last)
    problem = cp.from_torch(module, loss=loss).with_examples(X, targets)
    cycle = cp.cycle(problem, "all")
    error = loss(module(torch.tensor(X)), torch.tensor(targets))
    error.backward()
    assert cycle.error == pytest.approx(float(error.detach()), rel=1e-10)
    grads = [each.grad.numpy().ravel() for each in module.parameters()]
    np.testing.assert_allclose(cycle.gradients.of.vector, np.concatenate(grads), rtol=1e-9, atol=1e-12)


OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.01},
    "Adam": {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1},
    "AdamW": {"lr": 0.02},
    "RMSprop": {"lr": 0.02, "momentum": 0.5, "centered": True},
    "Adagrad": {"lr": 0.05, "lr_decay": 0.1, "initial_accumulator_value": 0.2},
    "Adadelta": {"lr": 0.5},
    "Adamax": {"lr": 0.02},
    "NAdam": {"lr": 0.02},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_steps_are_pytorchs(name: str) -> None:
    torch = torch_module()
    module, loss = sequential(torch.nn.Tanh()), torch.nn.MSELoss()
    optimizer = getattr(torch.optim, name)(module.parameters(), **OPTIMIZERS[name])
    problem = cp.from_torch(module, loss, optimizer).with_examples(X, NUMBERS)
    for _ in range(2):
        optimizer.zero_grad()
        loss(module(torch.tensor(X)), torch.tensor(NUMBERS)).backward()
        optimizer.step()
    from clearprop.propagation.cycle import following

    new = following(cp.cycle(problem, "all")).updated.vector
    expected = np.concatenate([each.detach().numpy().ravel() for each in module.parameters()])
    # PyTorch keeps a product of NAdam in float32.
    np.testing.assert_allclose(new, expected, rtol=1e-9, atol=1e-8 if name == "NAdam" else 1e-12)


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("CrossEntropyLoss", {"label_smoothing": 0.1}, "loss: CrossEntropyLoss with label_smoothing cannot be taken"),
        ("CrossEntropyLoss", {"weight": True}, "loss: CrossEntropyLoss with weight cannot be taken"),
        ("MSELoss", {"reduction": "none"}, "loss: MSELoss without a reduction gives no one number"),
        ("CTCLoss", {}, "loss: CTCLoss cannot be taken"),
    ],
)
def test_losses_that_are_none_here_are_refused(kind: str, given: dict[str, Any], message: str) -> None:
    torch = torch_module()
    given = {key: torch.ones(2) if each is True else each for key, each in given.items()}
    with pytest.raises(InvalidArgument, match=message):
        cp.from_torch(sequential(torch.nn.ReLU()), loss=getattr(torch.nn, kind)(**given))


def weights(module: Any) -> list[Any]:
    return [module[0].weight, module[2].weight]


def biases(module: Any) -> list[Any]:
    return [module[0].bias, module[2].bias]


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_a_decay_of_the_weights_alone_is_a_penalty(name: str) -> None:
    torch = torch_module()
    module, loss = sequential(torch.nn.Tanh()), torch.nn.MSELoss()
    groups = [{"params": weights(module), "weight_decay": 0.1}, {"params": biases(module)}]
    optimizer = getattr(torch.optim, name)(groups, lr=0.05)
    problem = cp.from_torch(module, loss, optimizer).with_examples(X, NUMBERS)
    assert problem.penalty == cp.Penalty(l2=0.1)
    assert any(each.startswith("taken: weight_decay 0.1 of the weights") for each in problem.remarks)
    loss(module(torch.tensor(X)), torch.tensor(NUMBERS)).backward()
    optimizer.step()
    expected = np.concatenate([each.detach().numpy().ravel() for each in module.parameters()])
    np.testing.assert_allclose(cp.cycle(problem, "all").updated.vector, expected, rtol=1e-9, atol=1e-12)
    assert any(each.startswith(f"left out: what {name} remembers of earlier steps") for each in
               cp.from_torch(module, loss, optimizer).remarks) == (name != "SGD")  # fmt: skip


def test_groups_that_differ_in_nothing_are_one() -> None:
    torch = torch_module()
    module = sequential(torch.nn.ReLU(), torch.nn.BatchNorm1d(4))
    groups = [{"params": module[0].parameters()}, {"params": module[3].parameters()},
              {"params": module[2].parameters(), "lr": 5.0}]  # fmt: skip
    assert cp.from_torch(module, optimizer=torch.optim.SGD(groups, lr=0.3)).optimizer == cp.SGD(0.3)
    given = cp.from_torch(module, optimizer=torch.optim.SGD([*module.named_parameters()], lr=0.3))
    assert given.optimizer == cp.SGD(0.3)


def test_optimizers_that_are_none_here_are_refused() -> None:
    torch = torch_module()
    module = sequential(torch.nn.ReLU())
    rates = [{"params": module[0].parameters(), "lr": 0.1}, {"params": module[2].parameters(), "lr": 0.2}]
    decays = [{"params": weights(module)}, {"params": biases(module), "weight_decay": 0.0}]
    for made, message in (
        (torch.optim.LBFGS(module.parameters()), "optimizer: LBFGS cannot be taken; known are SGD"),
        (torch.optim.Adam(module.parameters(), amsgrad=True), "Adam with amsgrad cannot be taken"),
        (
            torch.optim.SGD(rates),
            "SGD has lr 0.1 for 0.weight and 0.bias and 0.2 for 2.weight and 2.bias; the settings",
        ),
        (torch.optim.AdamW(decays), "AdamW has weight_decay 0.01 for 0.weight and 2.weight and 0.0 for 0.bias and 2"),
        (
            torch.optim.SGD(weights(module)),
            "SGD does not train 0.bias and 2.bias, and here all layers are trained; give",
        ),
    ):
        with pytest.raises(InvalidArgument, match=message):
            cp.from_torch(module, optimizer=made)
