"""Callbacks of scikit-learn 1.9 and later; before it, estimators have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["CallbackSupport", "Watch"]

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
except ImportError:

    class CallbackSupport:  # type: ignore[no-redef]
        """Nothing: this scikit-learn knows no callbacks."""


Reached = Callable[[], dict[str, Any]]
"""Returns the fitted attributes as they would be if the fit ended now."""


class Watch:
    """The callbacks that watch one fit, epoch by epoch; nothing is called where none are set."""

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any, *, active: bool) -> None:
        self.active = active and bool(getattr(estimator, "_skl_callbacks", None))
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        if self.active:
            self.fit = estimator._init_callback_context(max_subtasks=estimator.max_iter)
            self.fit.call_on_fit_task_begin(**self.given)

    def begins(self) -> None:
        """Say that an epoch begins."""
        if self.active:
            self.epoch = self.fit.subcontext(task_name="epoch").call_on_fit_task_begin(**self.given)

    def ends(self, reached: Reached) -> bool:
        """Say that an epoch has ended; return whether a callback wants the fit to end."""
        return self.active and bool(self.epoch.call_on_fit_task_end(**self.given, reconstruction_attributes=reached))

    def ended(self) -> None:
        """Say that the fit has ended."""
        if self.active:
            self.fit.call_on_fit_task_end(**self.given, reconstruction_attributes=dict)
