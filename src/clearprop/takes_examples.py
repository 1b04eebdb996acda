"""Problems that are given other examples.

What reads rows lives on a higher floor than problems. So the dependency is inverted, as in ``display``: the top of the
package sets ``TakesExamples.take``, and a problem only calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self


class TakesExamples:
    """An object that can be given examples."""

    take: ClassVar[Callable[[Any, Any, Any], Any]]

    def with_examples(self, inputs: Any, targets: Any = None) -> Self:
        """Return the same with other examples: rows of an array, of a data frame, or one row by the names of its
        columns (a dict, or a row of a data frame).

        Names go by name. What was fitted on a table is applied, as ``predict`` does; ``targets`` are one class, number
        or row of outputs for each row, and are found in a frame by their names. Without targets there is no error.

        Raises:
            InvalidArgument: rows of the wrong length or kind.
            UnfitTable: a column that is not there, or a value that training never saw.

        >>> import clearprop as cp
        >>> iris = cp.load("iris")
        >>> row = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
        >>> round(cp.cycle(iris.with_examples(row))["sepal_length"], 5)
        -0.89201
        """
        found: Self = type(self).take(self, inputs, targets)
        return found
