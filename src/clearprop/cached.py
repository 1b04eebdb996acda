"""Values that an object computes once, when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class cached_property(Generic[Value]):  # noqa: N801 - used as the standard library's is
    """As the standard library's, without a lock: before Python 3.12 that had one for all objects, which a process that
    was copied while another thread held it could never take.

    Two threads may compute a value at once; they find the same, and one of them is kept.
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self.compute, self.name, self.__doc__ = compute, compute.__name__, compute.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...

    @overload
    def __get__(self, owner: object, kind: type) -> Value: ...

    def __get__(self, owner: object, kind: type) -> Self | Value:
        if owner is None:
            return self
        # No descriptor that sets: from now on the attribute is found first.
        value: Value = owner.__dict__.setdefault(self.name, self.compute(owner))
        return value
