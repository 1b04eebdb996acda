"""PyTorch: a loop of eager steps, and one whose steps are compiled whole.

Of the eager ways that were tried (modules or functions, ``backward`` or ``autograd.grad``, optimizers fused,
for each parameter or for all at once) the fastest is taken; so too of the compiled ones: gather, forward,
gradient and update in one graph.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.rows import Prediction
from benchmarks.work import Array, Layers, Work

torch: Any = import_module("torch")
functional: Any = import_module("torch.nn.functional")
adam: Any = import_module("torch.optim.adam").adam

Tensors = list[Any]


def logistic_loss(parameters: Tensors, inputs: Any, targets: Any) -> Any:
    """½ Σ (t - y)², the mean over the examples; logistic units."""
    for weights, biases in pairs(parameters):
        inputs = torch.sigmoid(functional.linear(inputs, weights, biases))
    return functional.mse_loss(inputs, targets, reduction="sum") * (0.5 / len(inputs))


def relu_loss(parameters: Tensors, inputs: Any, labels: Any) -> Any:
    """Cross-entropy after softmax, the mean over the examples; relu units."""
    return functional.cross_entropy(scores(parameters, inputs), labels)


def scores(parameters: Tensors, inputs: Any) -> Any:
    """The weighted sums of the last layer; relu units before it."""
    *hidden, last = pairs(parameters)
    for weights, biases in hidden:
        inputs = torch.relu(functional.linear(inputs, weights, biases))
    return functional.linear(inputs, *last)


def outputs(parameters: Tensors, inputs: Any) -> Any:
    """Probabilities of the classes."""
    return torch.softmax(scores(parameters, inputs), 1)


def pairs(parameters: Tensors) -> list[tuple[Any, Any]]:
    """Weights and biases, layer by layer."""
    return list(zip(parameters[::2], parameters[1::2], strict=True))


def tensors(layers: Layers) -> Tensors:
    """The inverse of ``pairs``."""
    return [torch.tensor(array) for layer in layers for array in layer]


class Eager:
    """Step by step from Python."""

    outputs = staticmethod(outputs)

    def __init__(self, threads: int | None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)

    def begin(self, work: Work) -> None:
        """Tensors of everything."""
        self.batch, self.rate, self.epoch = work.task.batch, work.task.rate, 0
        self.inputs = torch.from_numpy(work.inputs)
        self.targets = torch.from_numpy(work.targets if work.labels is None else work.labels)
        self.orders = [torch.from_numpy(order) for order in work.orders]
        self.parameters, self.adam = tensors(work.layers), work.labels is not None
        self.step = self.stepper(relu_loss if self.adam else logistic_loss)

    def stepper(self, loss: Callable[..., Any]) -> Callable[[Any, Any], None]:
        """Return what updates the parameters on some rows, and adds the rows' loss to a total."""
        parameters, rate = [each.requires_grad_() for each in self.parameters], self.rate
        optimizer = torch.optim.Adam(parameters, lr=rate, fused=True) if self.adam else None

        def step(rows: Any, total: Any) -> None:
            error = loss(parameters, self.inputs.index_select(0, rows), self.targets.index_select(0, rows))
            total += error.detach()
            gradients = torch.autograd.grad(error, parameters)
            if optimizer is None:
                with torch.no_grad():
                    torch._foreach_add_(parameters, gradients, alpha=-rate)
                return
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            optimizer.step()

        return step

    def train(self, epochs: int) -> float | None:
        """Epoch after epoch, each in its order."""
        mean = None
        for _ in range(epochs):
            batches, total = self.orders[self.epoch % len(self.orders)].split(self.batch), torch.zeros(())
            for rows in batches:
                self.step(rows, total)
            mean = total.item() / len(batches)
            self.epoch += 1
        return mean

    def layers(self) -> Layers:
        return pairs([parameter.detach().numpy().copy() for parameter in self.parameters])

    def predictor(self, task: Prediction, layers: Layers) -> Callable[[Array], Array]:
        """In inference mode."""
        parameters = tensors(layers)

        def predict(rows: Array) -> Array:
            with torch.inference_mode():
                found: Array = self.outputs(parameters, torch.from_numpy(rows)).numpy()
            return found

        return predict


class Compiled(Eager):
    """Steps by ``torch.compile``, in its default mode."""

    def stepper(self, loss: Callable[..., Any]) -> Callable[[Any, Any], None]:
        gradient, rate, parameters = torch.func.grad_and_value(loss), self.rate, self.parameters
        # The functional form of PyTorch's own Adam, and what that remembers.
        state = [[torch.zeros_like(each) for each in parameters] for _ in range(2)]
        state += [[], [torch.zeros(()) for _ in parameters]]
        usual = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False, "maximize": False}
        with_adam = self.adam

        def step(parameters: Tensors, all_inputs: Any, all_targets: Any, rows: Any, total: Any) -> None:
            gradients, error = gradient(parameters, all_inputs[rows], all_targets[rows])
            total.add_(error)
            if with_adam:
                adam(parameters, list(gradients), *state, lr=rate, **usual, foreach=True, capturable=True)
                return
            for parameter, slope in zip(parameters, gradients, strict=True):
                parameter.sub_(slope, alpha=rate)

        # What was compiled for the row before counts towards a limit on recompilations.
        torch.compiler.reset()
        compiled = torch.compile(step, fullgraph=True, dynamic=False)
        return lambda rows, total: compiled(parameters, self.inputs, self.targets, rows, total)

    def predictor(self, task: Prediction, layers: Layers) -> Callable[[Array], Array]:
        torch.compiler.reset()
        self.outputs = torch.compile(outputs, fullgraph=True, dynamic=False)
        return super().predictor(task, layers)
