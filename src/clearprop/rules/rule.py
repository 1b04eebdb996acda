"""The common part of all rules with constants: a name, and constants that can be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, replace
from typing import Any, ClassVar, Self

from clearprop.errors import InvalidArgument, UnknownName
from clearprop.fields import accepted, number
from clearprop.messages import abridged


class Rule:
    """A named rule; ``constants`` are the named numbers of its formula with their usual values.

    >>> from clearprop.rules.activations import activation
    >>> activation("relu"), activation("leaky_relu", slope=0.1)
    (relu, leaky_relu(slope=0.1))
    """

    name: str
    constants: Mapping[str, float]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __repr__(self) -> str:
        constants = ", ".join(f"{key}={value!r}" for key, value in self.constants.items())
        return f"{self.name}({constants})" if constants else self.name

    def with_constants(self, constants: Mapping[str, float]) -> Self:
        """Return the rule with some of its constants changed.

        Raises:
            InvalidArgument, UnknownName: a constant that the rule does not have.
        """
        for key in constants:
            if not self.constants:
                raise InvalidArgument(f'{self.name} has no constants, found "{abridged(key)}"; remove it')
            if key not in self.constants:
                raise UnknownName(f"constant of {self.name}", key, self.constants)
        given = {key: accepted(number, value, key) for key, value in constants.items()}
        return replace(self, constants={**self.constants, **given}) if given else self
