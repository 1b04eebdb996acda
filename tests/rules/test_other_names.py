"""Names of other frameworks: understood where they are certain, else answered with what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import RequestError
from clearprop.rules.activations import ACTIVATIONS, activation
from clearprop.rules.initializers import initializer
from clearprop.rules.losses import LOSSES, loss
from clearprop.rules.optimizers import optimizer
from clearprop.rules.other_names import EXPRESSIONS, OF_CLASSES, OF_ONE_OUTPUT
from clearprop.rules.schedules import schedule

PAGE = Path(__file__).parents[2] / "docs" / "other-names.md"


def objective(name: str, last: str = "softmax", outputs: int = 3) -> Any:
    return cp.Network(2, [cp.Dense(outputs, last)], name).loss


@pytest.mark.parametrize(
    ("typed", "own"),
    [("ReLU", "relu"), ("LeakyReLU", "leaky_relu"), ("Sigmoid", "logistic"), ("Tanh", "tanh"), ("swish", "silu"),
     ("Linear", "identity"), ("leaky-relu", "leaky_relu"), ("GELU", "gelu"), ("Softmax", "softmax")],
)  # fmt: skip
def test_activations_in_any_case(typed: str, own: str) -> None:
    assert activation(typed) is ACTIVATIONS[own]


def test_other_rules_in_any_case() -> None:
    assert optimizer("Adam", learning_rate=0.1) == optimizer("adam", learning_rate=0.1)
    assert schedule("StepLR", size=3) == schedule("step", size=3)
    assert initializer("xavier_uniform") is initializer("GlorotUniform") is initializer("glorot_uniform")
    assert loss("Huber") is LOSSES["huber"]


@pytest.mark.parametrize("name", OF_CLASSES)
def test_a_cross_entropy_after_softmax_is_categorical_never_binary(name: str) -> None:
    for typed in (name, name.upper(), name.replace("_", "")):
        assert objective(typed).rule is LOSSES["categorical_cross_entropy"]
        assert objective(typed).over_outputs == "sum"
    with pytest.raises(
        RequestError, match=r'after activation = "softmax" in the last layer|needs outputs that sum to 1'
    ):
        objective(name, "identity")


@pytest.mark.parametrize("name", OF_ONE_OUTPUT)
def test_what_frameworks_average_over_the_outputs_is_averaged(name: str) -> None:
    found = objective(name, "logistic")
    assert (found.rule.name, found.over_outputs) == (OF_ONE_OUTPUT[name], "mean")


def test_what_is_not_certain_is_answered_for_this_network() -> None:
    assert objective("cross_entropy", "logistic", 1).rule is LOSSES["binary_cross_entropy"]
    for name, last, answer in [
        ("cross_entropy", "logistic", "use binary_cross_entropy; for classes that exclude each other categorical"),
        ("CrossEntropyLoss", "identity", "found identity; write both: here the outputs themselves are the"),
        ("bce", "softmax", "^bce is for outputs that are each yes or no; after softmax use categorical_cross_entropy$"),
        ("BCEWithLogitsLoss", "logistic", "is binary_cross_entropy after activation = .logistic. in the last layer"),
        ("hinge", "identity", r'^unknown loss "hinge"; write it as an expression: "max\(0, 1 - t \* y\)"$'),
        ("mish", "identity", '^unknown loss "mish"; known: half_squared_error, '),
    ]:
        with pytest.raises(RequestError, match=answer):
            objective(name, last)
    assert activation("Mish") is ACTIVATIONS["mish"]
    assert activation("HardSwish") is ACTIVATIONS["hard_swish"]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expressions_are_read(name: str) -> None:
    text = EXPRESSIONS[name]
    assert (activation if "z" in text else loss)(text).name == text


FILE = '[inputs]\ncount = 2\n[[layers]]\nunits = 3\nactivation = "softmax"\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[training]\nlearning_rate = 1",
         'training.learning_rate: unknown key "learning_rate"; it belongs under [optimizer]'),
        ("[training]\nlr = 1", 'training.lr: unknown key "lr"; it belongs under [optimizer], called "learning_rate"'),
        ("[optimizer]\nepochs = 1", 'optimizer.epochs: unknown key "epochs"; it belongs under [training]'),
        ("[training]\nmax_iter = 1", 'training.max_iter: unknown key "max_iter"; did you mean "epochs"?'),
        ("[optimizer]\nlr = 1", 'optimizer: sgd has no setting "lr"; did you mean "learning_rate"?'),
        ('[optimizer]\nschedule = {name = "step", sise = 3}',
         'optimizer.schedule: the schedule step has no setting "sise"; did you mean "size"?'),
        ("[[examples]]\ninputs = [1, 2]\ntargets = [2]",
         "examples[1].targets: expected 3 numbers, one per output, found 1; if 2 is a class, counted from 0, "
         "write [0, 0, 1]"),
    ],
)  # fmt: skip
def test_keys_of_other_frameworks_and_other_tables(text: str, fault: str) -> None:
    with pytest.raises(cp.errors.InvalidNetwork) as error:
        cp.read(FILE + text)
    assert str(error.value).splitlines()[1:] == [f"  {fault}"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[layers]\n", "[layers] appears twice; where there are several, write [[layers]] each time"),
        ("[optimizer]\nname = adam\n", 'text needs quotes: "adam"'),
        ("[training]\nshuffle = True\n", "invalid value; write true"),
        ("[optimizer]\nlearning_rate = 0,1\n", "decimals are written with a point"),
        ("[training]\nepochs = 1\nepochs = 2\n", "a key appears twice in this table; remove one"),
    ],
)
def test_what_is_not_toml_is_said_plainly(text: str, fault: str) -> None:
    with pytest.raises(cp.errors.UnreadableFile) as error:
        cp.read(FILE + text)
    assert fault in str(error.value)


def test_binary_cross_entropy_after_softmax_is_warned_of() -> None:
    with pytest.warns(cp.errors.Notice, match="counts each class's share twice"):
        cp.read(FILE + '[loss]\nname = "binary_cross_entropy"')


# --- PyTorch's numbers ----------------------------------------------------------------------------

TORCH: dict[str, tuple[str, str, Any]] = {
    "MSELoss": ("identity", "squared_error", "mean"),
    "L1Loss": ("identity", "absolute_error", "mean"),
    "HuberLoss": ("identity", "huber", "mean"),
    "SmoothL1Loss": ("identity", "huber", "mean"),
    "BCELoss": ("logistic", "binary_cross_entropy", "mean"),
    "BCEWithLogitsLoss": ("logistic", "binary_cross_entropy", "mean"),
    "CrossEntropyLoss": ("softmax", "categorical_cross_entropy", "sum"),
    "NLLLoss": ("softmax", "categorical_cross_entropy", "sum"),
}


@pytest.mark.parametrize("name", TORCH)
def test_with_the_settings_of_the_table_losses_and_gradients_are_pytorch_s(name: str) -> None:
    torch = pytest.importorskip("torch")
    last, own, over = TORCH[name]
    assert f"| `{name}` |" in PAGE.read_text()
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{name}` |"))
    assert f"`{own}`" in row
    assert ('`over_outputs = "mean"`' in row) == (over == "mean")
    assert (f"`{last}`" in row) == (last != "identity")
    random = np.random.default_rng(7)
    inputs, targets = random.normal(size=(5, 2)), random.uniform(0.1, 0.9, (5, 3)) * (5 if last == "identity" else 1)
    if last == "softmax":
        targets = np.eye(3)[random.integers(0, 3, 5)]
    network = cp.Network(2, [cp.Dense(4, "tanh"), cp.Dense(3, last)], cp.Objective(loss(own), over_outputs=over))
    problem = cp.Problem(network, cp.Parameters.random(network, 3), examples=cp.Examples.of(inputs, targets))
    done = cp.cycle(problem, "all")
    weights = [torch.tensor(problem.parameters.weights(k), requires_grad=True) for k in range(2)]
    biases = [torch.tensor(problem.parameters.biases(k), requires_grad=True) for k in range(2)]
    sums = torch.tanh(torch.tensor(inputs) @ weights[0].T + biases[0]) @ weights[1].T + biases[1]
    outputs = {"BCELoss": sums.sigmoid(), "NLLLoss": sums.log_softmax(1)}.get(name, sums)
    wanted = torch.tensor(targets.argmax(axis=1) if last == "softmax" else targets)
    error = getattr(torch.nn, name)()(outputs, wanted)
    error.backward()
    assert done.error == pytest.approx(error.item(), rel=1e-12)
    for layer in range(2):
        assert done.gradients.of.weights(layer) == pytest.approx(weights[layer].grad.numpy(), rel=1e-9, abs=1e-12)
        assert done.gradients.of.biases(layer) == pytest.approx(biases[layer].grad.numpy(), rel=1e-9, abs=1e-12)


def test_the_page_names_every_other_name() -> None:
    page = PAGE.read_text()
    for name in (*EXPRESSIONS, *OF_ONE_OUTPUT, *OF_CLASSES):
        assert f"`{name}`" in page, name
