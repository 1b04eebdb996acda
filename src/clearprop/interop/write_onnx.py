"""Write ONNX, opset 17: a Gemm for each layer, and its activation by the operator of that name, or in pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.expressions import Apply, Expression, Number, Operator
from clearprop.fields import accepted, suggests_options
from clearprop.interop.layers_of import layers_of
from clearprop.interop.onnx_file import onnx_module
from clearprop.interop.table_names import KEY, names_as_text
from clearprop.network.problem import Problem, a_problem
from clearprop.rules.activations import Activation, AnyActivation

OPSET, IR = 17, 8
OPERATORS = {
    Operator.ADD: "Add", Operator.SUBTRACT: "Sub", Operator.MULTIPLY: "Mul", Operator.DIVIDE: "Div",
    Operator.POWER: "Pow", Operator.NEGATE: "Neg", Operator.LESS: "Less", Operator.LESS_EQUAL: "LessOrEqual",
    Operator.GREATER: "Greater", Operator.GREATER_EQUAL: "GreaterOrEqual", Operator.EXP: "Exp", Operator.LOG: "Log",
    Operator.SQRT: "Sqrt", Operator.SIN: "Sin", Operator.COS: "Cos", Operator.TANH: "Tanh",
    Operator.LOGISTIC: "Sigmoid", Operator.SOFTPLUS: "Softplus", Operator.ERF: "Erf", Operator.ABS: "Abs",
    Operator.FLOOR: "Floor", Operator.MAX: "Max", Operator.MIN: "Min", Operator.WHERE: "Where",
}  # fmt: skip
NAMED = {"logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "softplus": "Softplus", "softsign": "Softsign"}
DOUBLE = ("logistic", "tanh", "relu")
"""Those that onnxruntime has in float64, too."""
ROUNDED = "erf is computed in float32, since onnxruntime has it in no other type"


@suggests_options()
def to_onnx(problem: Problem) -> Any:
    """Return an ONNX model with the same outputs: input ``input``, output ``output``, in the type of numbers that the
    problem trains in.

    Raises:
        MissingExtra: the package onnx is not installed.
    """
    return written_model(problem)[0]


def written_model(problem: Problem) -> tuple[Any, list[str]]:
    """Return the model, and what it leaves out."""
    accepted(a_problem, problem, "problem")
    onnx = onnx_module()
    written = layers_of(problem, "ONNX")
    made = _Making(onnx, written.dtype)
    value = "input"
    for number, layer in enumerate(written.layers, start=1):
        given = [value, made.tensor(layer.weights, f"layers.{number}.weights")]
        if layer.bias is not None:
            given.append(made.tensor(layer.bias, f"layers.{number}.biases"))
        value = made.node("Gemm", given, transB=1)
        value = made.activation(layer.rule, value)
    made.nodes.append(onnx.helper.make_node("Identity", [value], ["output"], name="output"))
    kind = onnx.TensorProto.FLOAT if written.dtype == "float32" else onnx.TensorProto.DOUBLE
    sizes = written.layers[0].weights.shape[1], len(written.layers[-1].weights)
    ends = [
        onnx.helper.make_tensor_value_info(name, kind, ["rows", size])
        for name, size in zip(("input", "output"), sizes, strict=True)
    ]
    graph = onnx.helper.make_graph(made.nodes, "clearprop", ends[:1], ends[1:], made.tensors)
    opset = onnx.helper.make_opsetid("", OPSET)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=IR, producer_name="clearprop")
    if (names := names_as_text(problem)) is not None:
        onnx.helper.set_model_props(model, {KEY: names})
    return model, [*written.notes, *([ROUNDED] if made.rounded else [])]


class _Making:
    """The nodes and tensors of a graph, as they are made."""

    def __init__(self, onnx: Any, dtype: str) -> None:
        self.onnx, self.dtype = onnx, dtype
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []
        self.numbers: dict[float, str] = {}
        self.rounded = False

    def tensor(self, values: Any, name: str) -> str:
        """Add a constant; return its name."""
        self.tensors.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(values, dtype=self.dtype), name))
        return name

    def number(self, value: float) -> str:
        if value not in self.numbers:
            self.numbers[value] = self.tensor(value, f"number.{len(self.numbers) + 1}")
        return self.numbers[value]

    def node(self, op: str, given: list[str], **attributes: Any) -> str:
        """Add a node; return the name of what it gives."""
        name = f"{op}.{len(self.nodes) + 1}"
        self.nodes.append(self.onnx.helper.make_node(op, given, [name], name=name, **attributes))
        return name

    def activation(self, rule: AnyActivation, value: str) -> str:
        """Add an activation applied to a value. In float64 it is in pieces: attributes are of float32 alone, and
        onnxruntime has few operators of activations in another type."""
        double = self.dtype == "float64"
        match rule.name:
            case "identity":
                return value
            case "softmax":
                return self.node("Softmax", [value], axis=-1)
            case "leaky_relu" if not double:
                return self.node("LeakyRelu", [value], alpha=rule.constants["slope"])
            case "elu" if not double:
                return self.node("Elu", [value], alpha=rule.constants["alpha"])
            case "selu" if not double:
                return self.node("Selu", [value], alpha=rule.constants["alpha"], gamma=rule.constants["scale"])
        if rule.name in (DOUBLE if double else NAMED):
            return self.node(NAMED[rule.name], [value])
        assert isinstance(rule, Activation)
        return self.expression(rule.formula, value)

    def expression(self, tree: Expression, value: str) -> str:
        """Add the operators of an expression in z."""
        if isinstance(tree, Number):
            return self.number(tree.value)
        if not isinstance(tree, Apply):
            return value
        given = [self.expression(each, value) for each in tree.arguments]
        match tree.operator:
            case Operator.LOG1P:
                return self.node("Log", [self.node("Add", [self.number(1.0), *given])])
            case Operator.EXPM1:
                return self.node("Sub", [self.node("Exp", given), self.number(1.0)])
            case Operator.SOFTPLUS if self.dtype == "float64":
                small = self.node("Exp", [self.node("Neg", [self.node("Abs", given)])])
                rest = self.node("Log", [self.node("Add", [self.number(1.0), small])])
                return self.node("Add", [self.node("Max", [*given, self.number(0.0)]), rest])
            case Operator.ERF if self.dtype == "float64":
                self.rounded = True
                single = self.node("Erf", [self.node("Cast", given, to=self.onnx.TensorProto.FLOAT)])
                return self.node("Cast", [single], to=self.onnx.TensorProto.DOUBLE)
        op, result = OPERATORS[tree.operator], given[0]
        if len(given) <= 2 or op == "Where":
            return self.node(op, given)
        for each in given[1:]:
            result = self.node(op, [result, each])
        return result
