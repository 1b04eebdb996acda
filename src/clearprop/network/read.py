"""Read a network file: TOML to a problem.

All faults of a file are reported at once, those of form (a string where a number belongs) together with those of
meaning (weights that do not fit the layer before). So reading continues after a fault with what is known, and each
check needs only one part of the file.
"""

from __future__ import annotations

import os
import tomllib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from clearprop.errors import ClearpropError, Fault, InvalidArgument, InvalidNetwork, Notice, UnreadableFile
from clearprop.expressions import Number
from clearprop.fields import (
    accepted,
    at_least_zero,
    checks,
    integer,
    list_of,
    names,
    number,
    numbers,
    one_of,
    string,
    suggests_options,
)
from clearprop.messages import abridged, counted
from clearprop.network import values
from clearprop.network.data import Data
from clearprop.network.description import AUTO, Network, Objective, objective, usual_loss
from clearprop.network.examples import Examples, row_faults
from clearprop.network.layer import Dense
from clearprop.network.notation import DEFAULT, NOTATIONS
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem, Settings
from clearprop.network.section import Section
from clearprop.network.source import read_text, require_shallow, toml_message
from clearprop.rules.activations import Activation, activation
from clearprop.rules.losses import LOSSES, Loss
from clearprop.rules.optimizers import OPTIMIZERS, SGD, Optimizer, hyperparameter_check, optimizer, optimizer_keys
from clearprop.rules.other_names import own_name
from clearprop.rules.penalties import Penalty

FORMAT = 1
AFTER_SOFTMAX = (
    "binary_cross_entropy after softmax counts each class's share twice; for classes that exclude each other the loss "
    "is categorical_cross_entropy"
)

IDENTITY = activation("identity")
Inputs = int | tuple[str, ...] | Literal["auto"]
Row = tuple[list[float] | None, Sequence[float] | None]
"""The inputs and targets of an example; None where they could not be read, no targets where it has none."""
UNKNOWN = Activation("unknown", Number(0.0), "stands in for one that could not be read", bounds=None)


def read_file(path: str | os.PathLike[str]) -> Problem:
    """Return the problem in a network file."""
    return read(read_text(Path(path)), str(path))


@suggests_options()
def read(text: str, source: str = "the network") -> Problem:
    """Return the problem that TOML text describes; ``source`` names it in messages.

    Raises:
        UnreadableFile: not TOML; says the line.
        InvalidNetwork: everything that is wrong with it.
    """
    text, source = accepted(string, text, "text"), accepted(string, source, "source")
    require_shallow(text, abridged(source, 200))
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableFile(f"{abridged(source, 200)}: not valid TOML: {toml_message(error, text)}") from None
    except (ValueError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UnreadableFile(f"{abridged(source, 200)}: not valid TOML: {what}") from None
    return _Reader(content, abridged(source, 200)).problem()


def read_structure(content: Mapping[str, Any], source: str, fill: Callable[[Parameters], None]) -> Problem:
    """Return the problem that a model's tables without numbers describe; ``fill`` puts the numbers in.

    Names that an earlier version allowed and that are reserved now get a number.
    """
    try:
        return _Reader(content, abridged(source, 200)).problem(fill)
    except InvalidNetwork as error:
        reserved = {fault.name for fault in error.problems}
        if "" in reserved:
            raise
    return read_structure(_renamed(content, {name: f"{name}_2" for name in reserved}), source, fill)


def _renamed(value: Any, new: Mapping[str, str]) -> Any:
    """Return a model's tables with other names of inputs and parameters."""
    if isinstance(value, Mapping):
        return {
            key: _renamed(item, new) if key in ("inputs", "names", "layers", "weight_names", "bias_names") else item
            for key, item in value.items()
        }
    if isinstance(value, str):
        return new.get(value, value)
    return [_renamed(item, new) for item in value] if isinstance(value, list) else value


class _Reader:
    def __init__(self, content: Mapping[str, Any], source: str) -> None:
        self.faults: list[Fault] = []
        self.root = Section(content, "", self.faults)
        self.source = source

    def problem(self, fill: Callable[[Parameters], None] | None = None) -> Problem:
        root = self.root
        # A later format may mean anything: say so before complaining about its keys.
        root.take("format", self.format, FORMAT)
        if self.faults:
            raise InvalidNetwork(self.faults, self.source)
        title = root.take("title", string, "")
        notation = root.take("notation", one_of("notation", NOTATIONS), DEFAULT)
        network, weights, biases, sizes, rule = self.network()
        chosen_optimizer = self.optimizer()
        penalty = root.table("penalty").make(Penalty)
        settings = root.table("training").make(Settings)
        data = self.data()
        rows, weights_of_rows = self.examples()
        root.finish()
        if self.faults or network is None or not all(_is_whole(row, sizes) for row in rows):
            self.faults.extend(row_faults(((number, *row) for number, row in enumerate(rows, start=1)), *sizes, rule))
            raise InvalidNetwork(self.faults, self.source)
        # Their numbers are checked where the problem is made.
        examples = _examples(rows, weights_of_rows, network.sizes[-1]) if rows else None
        if fill is None:
            parameters = Parameters.of(network, weights, biases, seed=settings.seed)
        else:
            fill(parameters := Parameters(network.layout, np.empty(network.layout.size)))
        parts = parameters, chosen_optimizer, penalty, examples, settings, data, notation, self.source
        return Problem(network, *parts, title=title)

    @staticmethod
    def format(value: Any) -> int:
        version = integer(1)(value)
        if version > FORMAT:
            raise InvalidArgument(
                f"this file has format {version}, this clearprop reads up to {FORMAT}; upgrade: "
                "pip install --upgrade clearprop"
            )
        return version

    def network(self) -> tuple[Network | None, list[Any], list[Any], tuple[int | None, int | None], Loss | None]:
        inputs = self.inputs()
        size = inputs if isinstance(inputs, int) else len(inputs) if isinstance(inputs, tuple) else None
        first, layers, weights, biases = size, [], [], []
        tables = self.root.tables("layers")
        if not self.root.content.get("layers"):
            self.root.fault("layers", "missing: describe each layer under [[layers]]")
        for table in tables:
            layer, matrix, bias, size = self.layer(table, size)
            layers.append(layer)
            weights.append(matrix)
            biases.append(bias)
        objective, rule = self.loss([layer for layer in layers if layer])
        network = None
        if inputs is not None and layers and all(layers):
            # Built even if something in it is at fault: what its names say is wrong is reported too.
            try:
                network = Network(inputs, [layer for layer in layers if layer], objective)
            except InvalidNetwork as error:
                self.faults.extend(error.problems)
        return network, weights, biases, (first, size if tables else None), rule

    def inputs(self) -> Inputs | None:
        table = self.root.table("inputs")
        of_table = isinstance(self.root.content.get("data"), dict) and "examples" not in self.root.content
        if "inputs" not in self.root.content and not of_table:
            self.root.fault("inputs", 'missing: [inputs] with names = ["x1", …] or count = 2')
        if not isinstance(self.root.content.get("inputs", {} if of_table else None), dict):
            return None
        given = table.take("names", names, None)
        count = table.take("count", values.count_of_inputs, None)
        table.finish()
        if count == AUTO and not of_table:
            table.fault("count", '"auto" counts the columns of a table, but there is no [data]; give their number')
            return None
        if given is None and of_table and (count == AUTO or "count" not in table.content):
            return self.columns_of_weights() or AUTO
        if given is not None and count is not None and count != len(given):
            self.root.fault("inputs", f"found {counted(len(given), 'name')} but count = {count}; leave one of them out")
        if given is None and count is None and not {"names", "count"} & set(table.content):
            self.root.fault("inputs", "expected names or count, found neither")
        return count if given is None else tuple(given)

    def columns_of_weights(self) -> int | None:
        """Return the number of inputs that the first layer's weights or their names are written for, if they are."""
        layers = self.root.content.get("layers")
        first = layers[0] if isinstance(layers, list) and layers and isinstance(layers[0], dict) else {}
        rows = first.get("weights") or first.get("weight_names")
        return len(rows[0]) if isinstance(rows, list) and isinstance(rows[0], list) else None

    def layer(
        self, table: Section, inputs: int | None
    ) -> tuple[Dense | None, list[list[float]] | None, float | list[float] | None, int | None]:
        if "units" not in table.content:
            table.fault("units", "missing: the units' names, or their number")
        units = table.take("units", values.units, None)
        size = units if units is None or isinstance(units, int) else len(units)
        rule = table.take("activation", values.activation_rule, UNKNOWN if "activation" in table.content else IDENTITY)
        matrix = table.take("weights", list_of(numbers, "rows of numbers"), None)
        rows = table.take("weight_names", list_of(names, "rows of names"), None)
        bias = table.take("bias", values.bias, None)
        bias_names = table.take("bias_names", values.bias_names, None)
        train_bias = table.take("train_bias", checks(Dense)["train_bias"], True)
        init = table.take("init", values.initializer_name, None)
        dropout = table.take("dropout", checks(Dense)["dropout"], 0.0)
        table.finish()
        if matrix is not None:
            self.weights_shape(table, matrix, size, inputs)
        if isinstance(bias, list) and size is not None and len(bias) != size:
            table.fault("bias", f"expected {size} numbers, one per unit, found {len(bias)}")
        if units is None:
            return None, None, None, None
        policy: Any = "none" if bias is False else "shared" if isinstance(bias, float) else "unit"
        layer = Dense(units, rule, policy, rows, bias_names, train_bias, init, dropout)
        return layer, matrix, None if isinstance(bias, bool) else bias, size

    @staticmethod
    def weights_shape(table: Section, matrix: list[list[float]], size: int | None, inputs: int | None) -> None:
        if size is not None and len(matrix) != size:
            expected = counted(size, "row") + (f" of {counted(inputs, 'number')}" if inputs is not None else "")
            lengths = sorted({len(row) for row in matrix})
            found = f"{counted(len(matrix), 'row')} of {' or '.join(map(str, lengths))}" if lengths else "an empty list"
            transposed = len(matrix) == inputs and lengths == [size]
            hint = "; it looks transposed: one row per unit, one column per input" if transposed else ""
            table.fault("weights", f"expected {expected} (one row per unit), found {found}{hint}")
            return
        for row, entries in enumerate(matrix, start=1):
            if inputs is not None and len(entries) != inputs:
                expected = f"expected {inputs} numbers, one per input of the layer"
                table.fault(f"weights[{row}]", f"{expected}, found {len(entries)}")

    def loss(self, layers: Sequence[Dense]) -> tuple[Objective | None, Loss | None]:
        table = self.root.table("loss")
        name = table.take("name", string, None)
        over_outputs = table.take("over_outputs", checks(Objective)["over_outputs"], None)
        over_examples: Any = table.take("over_examples", checks(Objective)["over_examples"], "mean")
        constants = self.constants(table, name)
        if "name" in table.content and name is None:
            return None, None
        try:
            meant = Objective(usual_loss(layers), named=False) if name is None else objective(name, layers, **constants)
        except ClearpropError as error:
            if not layers or layers[-1].rule is not UNKNOWN:  # without an activation, no loss can be judged
                table.fault("name", str(error))
            return None, None
        meant = replace(meant, over_outputs=over_outputs or meant.over_outputs, over_examples=over_examples)
        if meant.rule.name == "binary_cross_entropy" and layers and layers[-1].rule.name == "softmax":
            warnings.warn(f"{self.source}: {AFTER_SOFTMAX}", Notice, stacklevel=2)
        return meant, meant.rule

    @staticmethod
    def constants(table: Section, name: str | None) -> dict[str, float]:
        """Return the named constants in the rest of the loss's table."""
        rest = [key for key in table.content if key not in table.known]
        own = own_name(name or "", LOSSES)
        usual = LOSSES[own].constants if own in LOSSES else {}
        for key in rest:
            if key not in usual:
                table.unknown(key, [*table.known, *usual])
        found = {key: table.take(key, number, None) for key in rest if key in usual}
        return {key: value for key, value in found.items() if value is not None}

    def optimizer(self) -> Optimizer:
        table = self.root.table("optimizer")
        name = own_name(table.take("name", string, "sgd"), OPTIMIZERS)
        given: dict[str, Any] = {}
        before = len(self.faults)
        known = optimizer_keys(name) if name in OPTIMIZERS else table.content
        for key in table.content:
            if key != "name":
                # A key that does not exist is reported as such, whatever its value.
                check = hyperparameter_check(key)
                value = table.take(key, check if key in known else lambda value: value, None)
                if key in known or not table.belongs_elsewhere(key):
                    given[key] = value
        if len(self.faults) > before:
            return SGD()
        try:
            return optimizer(name, **given)
        except ClearpropError as error:
            self.root.fault("optimizer", str(error))
            return SGD()

    def data(self) -> Data | None:
        table = self.root.table("data")
        if "data" not in self.root.content:
            return None
        table.require("file", "target")
        return table.make(Data, file="", target=())

    def examples(self) -> tuple[list[Row], list[float | None]]:
        """Return the inputs and targets of each example, and its weight."""
        rows: list[Row] = []
        weights: list[float | None] = []
        for table in self.root.tables("examples"):
            table.require("inputs")
            inputs = table.take("inputs", values.any_numbers, None)
            if "targets" in table.content:
                rows.append((inputs, table.take("targets", values.any_numbers, None)))
            else:
                rows.append((inputs, ()))
            weights.append(table.take("weight", at_least_zero, None))
            table.finish()
        if weights and all(weight == 0 for weight in weights):
            self.root.fault("examples", "every example has weight 0; at least one must count")
        return rows, weights


def _is_whole(row: Row, sizes: tuple[int | None, int | None]) -> bool:
    """Return whether an example has as many numbers as the network takes; it may have no targets."""
    inputs, targets = row
    return len(inputs or ()) == sizes[0] and (targets == () or len(targets or ()) == sizes[1])


def _examples(rows: Sequence[Row], weights: Sequence[float | None], outputs: int) -> Examples:
    """Return the examples, with weights if one of them has any."""
    found = Examples.of([inputs for inputs, _ in rows], [targets or [np.nan] * outputs for _, targets in rows])
    told = np.array([bool(targets) for _, targets in rows])
    if not told.all():
        found = replace(found, training=np.flatnonzero(told), without_target=np.flatnonzero(~told))
    if all(weight is None for weight in weights):
        return found
    return replace(found, weights=np.array([1.0 if weight is None else weight for weight in weights]))
