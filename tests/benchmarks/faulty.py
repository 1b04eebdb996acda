"""Contenders with a planted fault."""

from __future__ import annotations

import os
import time

import numpy as np
from benchmarks.contenders.clearprop import EngineAlone
from benchmarks.work import Layers, Work


class Slower(EngineAlone):
    """Every epoch takes 2 ms longer, and every training 5 ms more."""

    def train(self, epochs: int) -> float | None:
        time.sleep(0.005 + 0.002 * epochs)
        return super().train(epochs)


class Crashing(Slower):
    """Its process dies in one kind of row."""

    def begin(self, work: Work) -> None:
        if work.task.kind == "relu":
            os._exit(3)
        super().begin(work)


class Untold(EngineAlone):
    """The right weights, but another loss."""

    def train(self, epochs: int) -> float | None:
        super().train(epochs)
        return 1.0


class Forgetful(EngineAlone):
    """The biases of the first layer are never trained."""

    def layers(self) -> Layers:
        (weights, _), *rest = super().layers()
        return [(weights, np.array(self.work.layers[0][1])), *rest]
