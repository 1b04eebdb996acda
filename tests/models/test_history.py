"""The history of a training: its best epoch."""

from __future__ import annotations

import numpy as np

from clearprop.models.history import History


def test_the_best_epoch_is_the_first_of_the_lowest() -> None:
    history = History(validation=[3.0])
    for loss, best in ((2.0, 1), (2.0, 1), (2.5, 1), (1.0, 4), (float("inf"), 4)):
        history.validation.append(loss)
        assert history.best == best == int(np.argmin(history.validation))
