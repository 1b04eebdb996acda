from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.interop.models import X, torch_module

import clearprop as cp
from clearprop.errors import InvalidArgument
from clearprop.interop.changes import changes
from clearprop.interop.compare import random_rows


def problem(hidden: str, last: str, loss: str, optimizer: Any, penalty: Any = None, outputs: int = 3) -> cp.Problem:
    """A 2-4-3 network with five examples, as the probe has."""
    rng = np.random.default_rng(3)
    network = cp.Network(2, [cp.Dense(4, hidden), cp.Dense(outputs, last)], loss)
    parameters = cp.Parameters(network.layout, rng.uniform(-1, 1, network.layout.size))
    targets = rng.uniform(0.05, 0.95, (5, outputs))
    if last == "softmax":
        targets /= targets.sum(axis=1, keepdims=True)
    examples = cp.Examples(rng.uniform(-1, 1, (5, 2)), targets)
    return cp.Problem(network, parameters, optimizer, penalty or cp.Penalty(), examples)


BASES = [
    problem("gelu", "identity", "half_squared_error", cp.SGD(0.3, momentum=0.9, weight_decay=0.05), cp.Penalty(l2=0.1)),
    problem("leaky_relu", "softmax", "categorical_cross_entropy", cp.Adam(0.1, weight_decay=0.1)),
    problem("tanh", "logistic", "binary_cross_entropy", cp.RMSprop(0.1), cp.Penalty(l2=0.1)),
    problem("relu", "identity", "squared_error", cp.Adagrad(0.1, weight_decay=0.1), cp.Penalty(l1=0.1)),
    problem("tanh", "identity", "squared_error", cp.SGD(0.3, clip_norm=0.5)),
    problem("tanh", "identity", "half_squared_error", cp.AdamW(0.1)),
]


def test_single_changes_of_conventions_are_named() -> None:
    """Of all that show in the numbers, at least 95 % are named, or listed as what cannot be told apart."""
    planted = named = 0
    missed = []
    for base in BASES:
        for change in changes(base):
            try:
                changed = change.apply(base)
            except InvalidArgument:
                continue  # nesterov without a momentum
            found = cp.compare(base, changed, tolerance=1e-9)
            if found.same:
                continue  # it makes no difference here
            planted += 1
            said = {each["change"] for each in found.conventions}
            said |= {text for each in found.conventions for text in each.get("tied_with", ())}
            if change.text in said and len(found.conventions) <= 2:
                named += 1
            else:
                missed.append(change.text)
    assert planted > 40
    assert named >= 0.95 * planted, missed


def test_networks_that_agree() -> None:
    found = cp.compare(BASES[0], BASES[0])
    assert found.same
    assert found.largest == dict.fromkeys(("parameters", "outputs", "errors", "gradients", "updated"), 0.0)
    assert (found.first_difference, list(found.conventions), found.rows) == (None, [], 5)


def test_parameters_come_first() -> None:
    base = BASES[0]
    vector = base.parameters.vector.copy()
    vector[3] += 0.25
    other = replace(base, parameters=cp.Parameters(base.network.layout, vector))
    found = cp.compare(base, other)
    assert found.first_difference == {"quantity": "w4", "a": base.parameters["w4"], "b": base.parameters["w4"] + 0.25}
    assert found.largest["parameters"] == pytest.approx(0.25)
    assert not found.conventions


def test_an_activation_parts_at_the_first_output() -> None:
    base = BASES[0]
    (change,) = [each for each in changes(base) if "gelu_tanh" in each.value and each.key.startswith("layers[1]")]
    found = cp.compare(base, change.apply(base), 1, tolerance=1e-12)
    assert found.first_difference is not None
    assert found.first_difference["quantity"] == "a_h1_1"
    assert found.conventions[0]["change"] == change.text
    whole = cp.compare(base, change.apply(base), tolerance=1e-12).first_difference
    assert whole is not None
    assert whole["quantity"] == "a_h1_1, example 1"


def test_several_changes_together_are_found() -> None:
    base = BASES[0]
    network = cp.Network(2, base.network.layers, cp.Objective(cp.loss("squared_error"), "mean", "mean"))
    other = replace(base, network=network, optimizer=cp.SGD(0.3, momentum=0.9, nesterov=True, weight_decay=0.05))
    found = [each["change"] for each in cp.compare(base, other).conventions]
    assert found == ['loss.name = "squared_error"', 'loss.over_outputs = "mean"', "optimizer.nesterov = true"]


def test_other_shapes_are_compared_by_their_outputs() -> None:
    base, wide = BASES[4], cp.Network(2, [cp.Dense(5, "tanh"), cp.Dense(3)])
    found = cp.compare(base, cp.Problem(wide))
    assert not found.same
    assert found.structure == ["layers: 2-4-3 and 2-5-3"]
    assert math.isnan(found.largest["parameters"])
    assert found.first_difference is not None
    assert found.first_difference["quantity"] == "a_y1, example 1"
    with pytest.raises(InvalidArgument, match="the same numbers of inputs and outputs, found 2 and 3 in the first,"):
        cp.compare(base, cp.load("iris"))


def test_random_rows_are_the_same_each_time() -> None:
    bare = replace(BASES[1], examples=None)
    one, two = random_rows(bare), random_rows(bare)
    assert one == two
    assert len(one) == 32
    assert (one.targets.sum(axis=1) == 1).all()
    assert cp.compare(bare, bare).same


def test_a_live_module_is_asked_for_its_own_autograd() -> None:
    torch = torch_module()
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)).double()
    loss, optimizer = torch.nn.MSELoss(), torch.optim.SGD(module.parameters(), 0.1)
    before = [each.detach().clone() for each in module.parameters()]
    mine = cp.from_torch(module, loss, optimizer).with_examples(X, X[:, ::-1])
    assert cp.compare(mine, module, loss=loss, optimizer=optimizer, tolerance=1e-10).same
    halved = replace(mine, network=cp.Network(3, mine.network.layers, "half_squared_error"))
    found = cp.compare(halved, module, loss=loss)
    assert [each["change"] for each in found.conventions] == [
        'loss.name = "squared_error"', 'loss.over_outputs = "mean"',
    ]  # fmt: skip
    assert math.isnan(found.largest["updated"])
    assert all((one == two).all() for one, two in zip(before, module.parameters(), strict=True))
    with pytest.raises(InvalidArgument, match=r"give the module's own loss, such as loss=torch.nn.MSELoss\(\)"):
        cp.compare(mine, module)


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_a_decay_that_spares_the_biases_is_one_change(decay: float) -> None:
    """Whether the network has the penalty that it is read as, or decays all parameters."""
    torch = torch_module()
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)).double()
    loss, named = torch.nn.MSELoss(), dict(module.named_parameters())
    groups = [{"params": [each for name, each in named.items() if kind in name], "weight_decay": by}
              for kind, by in (("weight", 0.3), ("bias", 0.0))]  # fmt: skip
    optimizer = torch.optim.SGD(groups, 0.1)
    of_all = torch.optim.SGD(module.parameters(), 0.1, weight_decay=decay)
    mine = cp.from_torch(module, loss, of_all if decay else optimizer)
    found = cp.compare(mine.with_examples(X, X[:, ::-1]), module, loss=loss, optimizer=optimizer, tolerance=1e-10)
    says = "weight decay leaves the biases out" if decay else "as a weight decay that leaves the biases out"
    assert [each["change"] for each in found.conventions] == [None]
    assert says in found.conventions[0]["says"]


def changed(base: cp.Problem, layer: dict[str, Any] | None = None, loss: Any = None, **more: Any) -> cp.Problem:
    """A problem with another setting of its first layer, another loss, or others of its parts."""
    network = base.network
    first = replace(network.layers[0], **(layer or {}))
    made = cp.Network(network.inputs, [first, *network.layers[1:]], loss or network.loss)
    return replace(base, network=made, parameters=cp.Parameters(made.layout, base.parameters.vector), **more)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (changed(BASES[4], {"dropout": 0.25}), "layers[1].dropout = 0.25"),
        (changed(BASES[4], {"train_bias": False}), "layers[1].train_bias = false"),
        (changed(BASES[4], {"activation": cp.activation("softplus")}), 'layers[1].activation = "softplus"'),
        (changed(BASES[4], loss=cp.loss("huber", delta=0.25)), 'loss.name = "huber"; loss.delta = 0.25'),
        (changed(BASES[4], loss=cp.loss("absolute_error")), 'loss.name = "absolute_error"'),
        (changed(BASES[4], optimizer=cp.SGD(0.3, clip_norm=0.5, schedule={"name": "constant", "warmup": 4})),
         'optimizer.schedule = {name = "constant", warmup = 4}'),
        (changed(BASES[4], optimizer=cp.SGD(0.25, clip_norm=0.5)), "optimizer.learning_rate = 0.25"),
        (changed(BASES[4], penalty=cp.Penalty(l1=0.125)), "penalty.l1 = 0.125"),
        (changed(BASES[1], optimizer=cp.RMSprop(0.05)), 'optimizer.name = "rmsprop"'),
    ],
)  # fmt: skip
def test_a_single_change_of_what_a_network_declares(other: cp.Problem, expected: str) -> None:
    base = BASES[1] if other.optimizer.name == "rmsprop" else BASES[4]
    found = cp.compare(base, other, tolerance=1e-9)
    assert [each["change"] for each in found.conventions] == [expected]


def test_a_change_that_does_nothing_without_another() -> None:
    base = changed(BASES[4], optimizer=cp.SGD(0.3))
    found = cp.compare(base, changed(base, optimizer=cp.SGD(0.3, momentum=0.9, nesterov=True)), tolerance=1e-9)
    assert [each["change"] for each in found.conventions] == ["optimizer.momentum = 0.9", "optimizer.nesterov = true"]
    decoupled = changed(base, optimizer=cp.SGD(0.3, weight_decay=0.5, decoupled_weight_decay=True))
    (one,) = cp.compare(base, decoupled, tolerance=1e-9).conventions
    assert "optimizer.weight_decay = 0.5" in (one["change"], *one.get("tied_with", ()))


def test_biases_that_a_layer_shares_are_said() -> None:
    base = BASES[4]
    network = cp.Network(2, [cp.Dense(4, "tanh", bias="shared"), cp.Dense(3, bias="none")], base.network.loss)
    own = base.parameters
    shared = cp.Parameters.of(network, [own.weights(0), own.weights(1)], [0.25, None])
    found = cp.compare(base, replace(base, network=network, parameters=shared))
    assert [each["change"] for each in found.conventions] == ["layers[1].bias = 0.25", "layers[2].bias = false"]


def test_what_the_first_step_does_not_show_is_said() -> None:
    base = BASES[4]
    one = replace(base, optimizer=cp.SGD(0.3, momentum=0.9))
    two = replace(base, optimizer=cp.SGD(0.3, momentum=0.7, schedule={"name": "step", "size": 2}))
    found = cp.compare(one, two)
    assert found.same
    assert found.unseen == ["optimizer.momentum = 0.7", 'optimizer.schedule = {name = "step", size = 2, gamma = 0.1}']
    assert "does not show:\n\noptimizer.momentum = 0.7" in str(found)
    assert not cp.compare(one, one).unseen
