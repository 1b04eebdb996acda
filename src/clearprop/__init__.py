"""clearprop: feed-forward neural networks that explain every number and train fast.

>>> import clearprop as cp
>>> cycle = cp.cycle(cp.load("lecture"))
>>> round(cycle.gradients["w5"], 5)
0.0802
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from clearprop.display import Displayable, MimeType
from clearprop.takes_examples import TakesExamples

if TYPE_CHECKING:
    from clearprop.checking.check import check
    from clearprop.checking.mistakes import mistakes
    from clearprop.errors import ClearpropError
    from clearprop.explorer.widget import explore
    from clearprop.interop.compare import compare
    from clearprop.interop.live import from_keras, from_onnx, from_sklearn, from_torch
    from clearprop.interop.write_keras import to_keras
    from clearprop.interop.write_onnx import to_onnx
    from clearprop.interop.write_torch import to_torch
    from clearprop.loading import load
    from clearprop.network.data import Data
    from clearprop.network.description import Network, Objective
    from clearprop.network.examples import Examples
    from clearprop.network.layer import Dense
    from clearprop.network.parameters import Parameters
    from clearprop.network.problem import Problem, Settings
    from clearprop.network.read import read
    from clearprop.network.write import save, write
    from clearprop.prediction.predict import predict
    from clearprop.propagation.cycle import Cycle, cycle
    from clearprop.rendering.explanation import Explanation, explain
    from clearprop.rules.activations import activation
    from clearprop.rules.losses import loss
    from clearprop.rules.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RMSprop
    from clearprop.rules.penalties import Penalty
    from clearprop.training.callbacks import Callback
    from clearprop.training.fit import Fit
    from clearprop.training.loop import train
    from clearprop.training.many import train_many
    from clearprop.verification.finite_differences import verify

__version__ = "0.1.0"

# Where each public name lives. Rooms are imported when first asked for: start-up counts.
_ROOMS = {
    "checking.check": ("check",),
    "checking.mistakes": ("mistakes",),
    "verification.finite_differences": ("verify",),
    "errors": ("ClearpropError",),
    "explorer.widget": ("explore",),
    "network.description": ("Network", "Objective"),
    "network.layer": ("Dense",),
    "network.data": ("Data",),
    "network.read": ("read",),
    "network.parameters": ("Parameters",),
    "network.examples": ("Examples",),
    "network.problem": ("Problem", "Settings"),
    "network.write": ("save", "write"),
    "propagation.cycle": ("Cycle", "cycle"),
    "rendering.explanation": ("Explanation", "explain"),
    "rules.activations": ("activation",),
    "rules.losses": ("loss",),
    "rules.optimizers": ("SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RMSprop"),
    "rules.penalties": ("Penalty",),
    "training.callbacks": ("Callback",),
    "loading": ("load",),
    "interop.live": ("from_torch", "from_keras", "from_sklearn", "from_onnx"),
    "interop.compare": ("compare",),
    "interop.write_torch": ("to_torch",),
    "interop.write_keras": ("to_keras",),
    "interop.write_onnx": ("to_onnx",),
    "training.fit": ("Fit",),
    "training.loop": ("train",),
    "training.many": ("train_many",),
    "prediction.predict": ("predict",),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Callback",
    "ClearpropError",
    "Cycle",
    "Data",
    "Dense",
    "Examples",
    "Explanation",
    "Fit",
    "NAdam",
    "Network",
    "Objective",
    "Parameters",
    "Penalty",
    "Problem",
    "RMSprop",
    "Settings",
    "activation",
    "check",
    "compare",
    "cycle",
    "explain",
    "explore",
    "from_keras",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "load",
    "loss",
    "mistakes",
    "predict",
    "read",
    "save",
    "to_keras",
    "to_onnx",
    "to_torch",
    "train",
    "train_many",
    "verify",
    "write",
]


def _render(result: object, kind: MimeType) -> str:
    from clearprop.rendering.results import render  # imported when something is printed

    return render(result, kind)


def _take(problem: Any, inputs: Any, targets: Any) -> Any:
    from clearprop.tables.given_rows import with_given_rows  # imported when rows are given

    return with_given_rows(problem, inputs, targets)


Displayable.render = staticmethod(_render)
TakesExamples.take = staticmethod(_take)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found  # looked up once
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
