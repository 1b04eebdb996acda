"""Parse: text from a network file to a tree.

A precedence-climbing parser over a fixed grammar. Nothing is ever executed; it accepts exactly
the language of ``tree``, bounded in size and nesting::

    choice      expression, or inside where(...) first: expression (< <= > >=) expression
    expression  term ((+|-) term)*
    term        signed ((*|/) signed)*
    signed      -signed | power
    power       atom (** signed)?            right-associative, binds tighter than the sign
    atom        number | symbol | function(argument, ...) | (expression)

The functions are those of the table ``Operator``: exp, log, log1p, expm1, sqrt, sin, cos, tanh,
logistic, softplus, erf, abs and floor of one argument, max and min of two, and where of three.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import NamedTuple, NoReturn

import numpy as np

from clearprop.errors import InvalidExpression
from clearprop.expressions.evaluate import evaluate
from clearprop.expressions.printing import text
from clearprop.expressions.tree import Apply, Expression, Number, Operator, Symbol
from clearprop.messages import abridged, unknown

MAX_CHARACTERS = 2_000
MAX_NODES = 500
MAX_NESTING = 60

FUNCTIONS: Mapping[str, Operator] = {o.value: o for o in Operator if o.arity is not None}
INFIX: Mapping[str, Operator] = {o.value: o for o in Operator if o.arity is None and o is not Operator.NEGATE}
RELATIONS = ("<", "<=", ">", ">=")

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r"|(?P<sign>\*\*|<=|>=|[-+*/(),<>]))"
)


class Token(NamedTuple):
    kind: str  # "number", "name", "sign" or "end"
    text: str
    position: int


def parse(source: str, names: Mapping[str, Hashable]) -> Expression:
    """Return the tree of an expression; ``names`` has the symbols that it may use, and their keys.

    Raises:
        InvalidExpression: with the character at which the text stops making sense.

    >>> from clearprop.expressions import text
    >>> text(parse("z*logistic(z)", {"z": "z"}))
    'z * logistic(z)'
    """
    return _Parser(source, names).whole()


class _Parser:
    def __init__(self, source: str, names: Mapping[str, Hashable]) -> None:
        self.source, self.names = source, names
        self.nodes = 0
        if len(source) > MAX_CHARACTERS:
            self.fail(
                MAX_CHARACTERS,
                f"the expression is too long: {len(source)} characters, at most {MAX_CHARACTERS} are read",
            )
        self.tokens = list(self.tokenise())
        self.next = 0

    def fail(self, position: int, message: str) -> NoReturn:
        raise InvalidExpression(self.source, position, message)

    def tokenise(self) -> Iterator[Token]:
        position = 0
        end = len(self.source.rstrip())
        while position < end:
            match = TOKEN.match(self.source, position)
            if match is None:
                position += len(self.source[position:]) - len(self.source[position:].lstrip())
                character = abridged(self.source[position])
                hint = "; a power is written **" if character == "^" else ""
                self.fail(position, f'unexpected character "{character}"{hint}')
            kind = match.lastgroup or ""
            yield Token(kind, match[kind], match.start(kind))
            position = match.end()
        yield Token("end", "", end)

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        token = self.token
        self.next += 1
        return token

    def accept(self, *texts: str) -> Token | None:
        return self.take() if self.token.kind == "sign" and self.token.text in texts else None

    def expect(self, text: str, reason: str) -> None:
        if not self.accept(text):
            self.fail(self.token.position, f'expected "{text}" {reason}, found {self.found()}')

    def found(self) -> str:
        return "the end" if self.token.kind == "end" else f'"{abridged(self.token.text)}"'

    def node(self, tree: Expression, position: int, depth: int) -> Expression:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.fail(position, f"the expression is too large: more than {MAX_NODES} parts")
        if depth > MAX_NESTING:
            self.too_deep(position)
        if isinstance(tree, Apply) and not tree.symbols and not np.all(np.isfinite(evaluate(tree, {}))):
            self.fail(position, f"{abridged(text(tree))} is not a finite number")
        return tree

    def too_deep(self, position: int) -> NoReturn:
        self.fail(position, f"the expression is nested too deeply: more than {MAX_NESTING} levels")

    def whole(self) -> Expression:
        if self.token.kind == "end":
            self.fail(0, "the expression is empty")
        tree, _ = self.expression(0)
        if self.token.kind != "end":
            if self.token.text in RELATIONS:
                message = f'"{self.token.text}" is only understood as the condition of where(condition, then, else)'
                self.fail(self.token.position, message)
            self.fail(self.token.position, f"expected an operator or the end, found {self.found()}")
        return tree

    # Each method returns the tree and its height; ``level`` counts the enclosing calls.

    def binary(
        self, operator: Token, left: tuple[Expression, int], right: tuple[Expression, int]
    ) -> tuple[Expression, int]:
        height = max(left[1], right[1]) + 1
        tree = Apply(INFIX[operator.text], (left[0], right[0]))
        return self.node(tree, operator.position, height), height

    def expression(self, level: int) -> tuple[Expression, int]:
        left = self.term(level)
        while operator := self.accept("+", "-"):
            left = self.binary(operator, left, self.term(level))
        return left

    def term(self, level: int) -> tuple[Expression, int]:
        left = self.signed(level)
        while operator := self.accept("*", "/"):
            left = self.binary(operator, left, self.signed(level))
        return left

    def signed(self, level: int) -> tuple[Expression, int]:
        if level > MAX_NESTING:
            self.too_deep(self.token.position)
        if minus := self.accept("-"):
            tree, height = self.signed(level + 1)
            if isinstance(tree, Number):
                return Number(-tree.value), height
            return self.node(-tree, minus.position, height + 1), height + 1
        return self.power(level)

    def power(self, level: int) -> tuple[Expression, int]:
        base = self.atom(level)
        if operator := self.accept("**"):
            return self.binary(operator, base, self.signed(level + 1))
        return base

    def atom(self, level: int) -> tuple[Expression, int]:
        token = self.take()
        if token.kind == "number":
            value = float(token.text)
            if not math.isfinite(value):
                self.fail(token.position, f"the number {abridged(token.text)} is too large")
            return self.node(Number(value), token.position, 1), 1
        if token.kind == "name":
            if token.text in FUNCTIONS:
                return self.call(token, level)
            if self.token.text == "(":
                self.fail(token.position, unknown("function", token.text, FUNCTIONS))
            if token.text not in self.names:
                self.fail(token.position, unknown("symbol", token.text, [*self.names, *FUNCTIONS]))
            return self.node(Symbol(self.names[token.text]), token.position, 1), 1
        if token.text == "(":
            inside = self.expression(level + 1)
            self.expect(")", "to close the parenthesis")
            return inside
        self.next -= 1
        self.fail(token.position, f"expected a number, a symbol or a function, found {self.found()}")

    def call(self, name: Token, level: int) -> tuple[Expression, int]:
        operator = FUNCTIONS[name.text]
        self.expect("(", f"after {name.text}")
        arguments: list[tuple[Expression, int]] = []
        while True:
            if operator is Operator.WHERE and not arguments:
                arguments.append(self.condition(level + 1))
            else:
                arguments.append(self.expression(level + 1))
            if not self.accept(","):
                break
        self.expect(")", f"to close {name.text}(")
        if len(arguments) != operator.arity:
            takes = "1 argument" if operator.arity == 1 else f"{operator.arity} arguments"
            self.fail(name.position, f"{name.text} takes {takes}, found {len(arguments)}")
        height = max(height for _, height in arguments) + 1
        tree = Apply(operator, tuple(argument for argument, _ in arguments))
        return self.node(tree, name.position, height), height

    def condition(self, level: int) -> tuple[Expression, int]:
        left = self.expression(level)
        relation = self.accept(*RELATIONS)
        if relation is None:
            self.fail(
                self.token.position,
                f"where needs a condition first, such as z > 0: expected < <= > or >=, found {self.found()}",
            )
        return self.binary(relation, left, self.expression(level))
