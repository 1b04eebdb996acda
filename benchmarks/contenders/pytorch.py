"""PyTorch: a loop of eager steps, and one whose steps are compiled whole.

Of the eager ways that were tried (modules or functions, ``backward`` or ``autograd.grad``, optimizers fused,
for each parameter or for all at once) the fastest is taken; so too of the compiled ones: gather, forward,
gradient and update in one graph.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.contenders.rows import Prediction, Training
from benchmarks.contenders.work import Layers, Work

from clearprop.types import Array

torch: Any = import_module("torch")
functional: Any = import_module("torch.nn.functional")

Loss = Callable[[list[Any], Any, Any], Any]
"""Of parameters, inputs and targets."""

Update = Callable[[list[Any], list[Any]], None]
"""Changes parameters, given their gradients."""


def logistic_loss(parameters: list[Any], inputs: Any, targets: Any) -> Any:
    """½ Σ (t - y)², the mean over the examples; logistic units."""
    for weights, biases in _layers(parameters):
        inputs = torch.sigmoid(functional.linear(inputs, weights, biases))
    return functional.mse_loss(inputs, targets, reduction="sum") * (0.5 / len(inputs))


def relu_loss(parameters: list[Any], inputs: Any, labels: Any) -> Any:
    """Cross-entropy after softmax, the mean over the examples; relu units."""
    return functional.cross_entropy(scores(parameters, inputs), labels)


def scores(parameters: list[Any], inputs: Any) -> Any:
    """The weighted sums of the last layer; relu units before it."""
    *hidden, last = _layers(parameters)
    for weights, biases in hidden:
        inputs = torch.relu(functional.linear(inputs, weights, biases))
    return functional.linear(inputs, *last)


def _layers(parameters: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(parameters[::2], parameters[1::2], strict=True))


class Eager:
    """Step by step from Python."""

    def __init__(self, threads: int | None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)

    def begin(self, work: Work) -> None:
        """Tensors of everything."""
        self.batch, self.rate, self.epoch = work.task.batch, work.task.rate, 0
        self.inputs = torch.from_numpy(work.inputs)
        self.targets = torch.from_numpy(work.targets if work.labels is None else work.labels)
        self.orders = [torch.from_numpy(order) for order in work.orders]
        self.loss: Loss = logistic_loss if work.labels is None else relu_loss
        self.parameters = self._parameters(work.layers)
        self._steps()

    def _parameters(self, layers: Layers) -> list[Any]:
        return [torch.tensor(array).requires_grad_() for layer in layers for array in layer]

    def _steps(self) -> None:
        adam = self.loss is relu_loss
        self.optimizer = torch.optim.Adam(self.parameters, lr=self.rate, fused=True) if adam else None

    def step(self, rows: Any) -> None:
        """One update on these rows."""
        inputs, targets = self.inputs.index_select(0, rows), self.targets.index_select(0, rows)
        gradients = torch.autograd.grad(self.loss(self.parameters, inputs, targets), self.parameters)
        if self.optimizer is None:
            with torch.no_grad():
                torch._foreach_add_(self.parameters, gradients, alpha=-self.rate)
            return
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()

    def train(self, epochs: int) -> None:
        """Epoch after epoch, each in its order."""
        for _ in range(epochs):
            for rows in self.orders[self.epoch % len(self.orders)].split(self.batch):
                self.step(rows)
            self.epoch += 1

    def layers(self) -> Layers:
        """The present weights as arrays."""
        return _layers([parameter.detach().numpy().copy() for parameter in self.parameters])

    def predictor(self, task: Prediction, layers: Layers) -> Callable[[Array], Array]:
        """In inference mode."""
        del task
        parameters = [torch.tensor(array) for layer in layers for array in layer]
        outputs = self._outputs()

        def predict(rows: Array) -> Array:
            with torch.inference_mode():
                found: Array = outputs(parameters, torch.from_numpy(rows)).numpy()
            return found

        return predict

    def _outputs(self) -> Callable[[list[Any], Any], Any]:
        return lambda parameters, inputs: torch.softmax(scores(parameters, inputs), 1)

    def otherwise(self, task: Training) -> str | None:
        """The same."""
        del task
        return None


class Compiled(Eager):
    """Steps by ``torch.compile``, in its default mode."""

    def _parameters(self, layers: Layers) -> list[Any]:
        return [torch.tensor(array) for layer in layers for array in layer]

    def _steps(self) -> None:
        # What was compiled for the row before counts towards a limit on recompilations.
        torch.compiler.reset()
        gradient = torch.func.grad(self.loss)
        update = self._sgd() if self.loss is logistic_loss else self._adam()

        def step(parameters: list[Any], all_inputs: Any, all_targets: Any, rows: Any) -> None:
            update(parameters, gradient(parameters, all_inputs[rows], all_targets[rows]))

        self.compiled = torch.compile(step, fullgraph=True, dynamic=False)

    def _sgd(self) -> Update:
        rate = self.rate

        def update(parameters: list[Any], gradients: list[Any]) -> None:
            for parameter, slope in zip(parameters, gradients, strict=True):
                parameter.sub_(slope, alpha=rate)

        return update

    def _adam(self) -> Update:
        """The functional form of PyTorch's own Adam."""
        adam = import_module("torch.optim.adam").adam
        means, squares = ([torch.zeros_like(each) for each in self.parameters] for _ in range(2))
        steps = [torch.zeros(()) for _ in self.parameters]
        rate = self.rate

        def update(parameters: list[Any], gradients: list[Any]) -> None:
            adam(
                parameters,
                list(gradients),
                means,
                squares,
                [],
                steps,
                foreach=True,
                capturable=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=rate,
                weight_decay=0.0,
                eps=1e-8,
                maximize=False,
            )

        return update

    def step(self, rows: Any) -> None:
        """One update on these rows."""
        self.compiled(self.parameters, self.inputs, self.targets, rows)

    def _outputs(self) -> Callable[[list[Any], Any], Any]:
        torch.compiler.reset()
        compiled: Callable[[list[Any], Any], Any] = torch.compile(super()._outputs(), fullgraph=True, dynamic=False)
        return compiled
