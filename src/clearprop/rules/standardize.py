"""Standardizing: a column's numbers moved and scaled to mean 0 and deviation 1.

``mean`` and ``scale``, the population's standard deviation, are those of the training rows.
"""

from __future__ import annotations

from clearprop.expressions import Symbol

value, mean, scale = Symbol("value"), Symbol("mean"), Symbol("scale")

STANDARDIZED = (value - mean) / scale
"""The value as the network sees it."""

ORIGINAL = value * scale + mean
"""The value behind what the network sees; a test proves that it undoes the other."""
