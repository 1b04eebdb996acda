"""The history of a training, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from clearprop.network.problem import Settings


@dataclass
class History:
    """``loss[0]`` is the loss of the initial weights, ``loss[n]`` that shown for epoch n (over its batches as they were
    met, or exact); ``validation`` is that of the validation rows after the epoch, empty if there are none. ``rate[n]``
    is the learning rate at the end of epoch n + 1."""

    loss: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    _seen: int = field(default=0, init=False, repr=False, compare=False)
    _best: int = field(default=0, init=False, repr=False, compare=False)

    @property
    def epochs(self) -> int:
        """The number of epochs in it."""
        return len(self.loss) - 1

    @property
    def watched(self) -> list[float]:
        """The loss that early stopping and schedules watch: of the validation rows, where there are any."""
        return self.validation or self.loss

    @property
    def best(self) -> int:
        """The first epoch with the lowest watched loss; 0 is before training."""
        watched = self.watched
        # Called after every epoch: look only at what is new.
        for epoch in range(self._seen, len(watched)):
            if watched[epoch] < watched[self._best]:
                self._best = epoch
        self._seen = len(watched)
        return self._best

    def tells_of(self, epochs: int) -> bool:
        """Return whether it can be the history of a training of that many whole epochs."""
        if (len(self.loss), len(self.rate)) != (epochs + 1, epochs) or len(self.validation) not in (0, epochs + 1):
            return False
        # Before the first step the loss may be infinite or undefined; such a training has ended there.
        finite = np.isfinite(self.loss)
        return bool(finite[1:].all() and (finite[0] or not epochs) and not np.isnan(self.validation).any())

    def until(self, epochs: int) -> History:
        """Return the history up to the end of that epoch."""
        return History(self.loss[: epochs + 1], self.rate[:epochs], self.validation[: epochs + 1])


def keeps_best(settings: Settings, history: History) -> bool:
    """Return whether to keep the weights with the lowest validation loss."""
    stops = settings.tolerance > 0 or settings.convergence == "improvement"
    return bool(history.validation) and settings.early_stopping and stops
