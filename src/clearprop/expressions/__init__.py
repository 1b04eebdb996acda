"""A very small language of scalar expressions, and its readings."""

from clearprop.expressions.differentiate import Slope, Step, derivative, differentiate
from clearprop.expressions.evaluate import evaluate, not_finite_part
from clearprop.expressions.parse import parse
from clearprop.expressions.printing import Alphabet, Text, text
from clearprop.expressions.simplify import simplify
from clearprop.expressions.tree import Apply, Expression, Number, Operator, Symbol, bind, renamed, substitute, symbols

__all__ = [
    "Alphabet",
    "Apply",
    "Expression",
    "Number",
    "Operator",
    "Slope",
    "Step",
    "Symbol",
    "Text",
    "bind",
    "derivative",
    "differentiate",
    "evaluate",
    "not_finite_part",
    "parse",
    "renamed",
    "simplify",
    "substitute",
    "symbols",
    "text",
]
