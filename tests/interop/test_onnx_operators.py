"""ONNX's elementwise operators, against onnxruntime and the data of the onnx wheel."""

from __future__ import annotations

import importlib
import io
from typing import Any

import numpy as np
import pytest
from tests.interop.models import LINEAR, W, X, assert_same, graph, onnx_module, outputs, run, sequential, torch_module

import clearprop as cp
from clearprop.interop.onnx_operators import short


def test_attributes_are_shown_by_their_shortest_decimal() -> None:
    problem = cp.from_onnx(graph(LINEAR, ("LeakyRelu", ["h"], ["y"], {"alpha": 0.1}), W=W))
    assert problem.network.layers[0].rule.constants == {"slope": 0.1}
    assert short(float(np.float32(0.3))) == 0.3


@pytest.mark.parametrize("name", ["SELU", "Hardsigmoid"])
@pytest.mark.filterwarnings("ignore")
def test_usual_constants_of_float32_in_a_model_of_float64_have_all_their_digits(name: str) -> None:
    """Attributes are of float32 whatever the numbers are; what PyTorch exported comes back as PyTorch computes it."""
    torch = torch_module()
    module = sequential(getattr(torch.nn, name)())
    file = io.BytesIO()
    torch.onnx.export(module, (torch.tensor(X),), file, dynamo=False, opset_version=17)
    problem = cp.from_onnx(onnx_module().load_model_from_string(file.getvalue()))
    assert problem.network.layers[0].rule == cp.activation({"Hardsigmoid": "hard_sigmoid"}.get(name, "selu"))
    assert_same(problem, outputs(module), 1e-10)
    other = cp.from_onnx(graph(LINEAR, ("Selu", ["h"], ["y"], {"alpha": 1.5, "gamma": 1.25}), W=W))
    assert other.network.layers[0].rule.constants == {"scale": 1.25, "alpha": 1.5}


ELEMENTWISE: dict[str, Any] = {
    "softplus with where": [("Constant", [], ["c"], {"value_float": 20.0}), ("Greater", ["h", "c"], ["m"], {}),
                            ("Softplus", ["h"], ["s"], {}), ("Where", ["m", "h", "s"], ["y"], {})],
    "own": [("Sin", ["h"], ["s"], {}), ("Mul", ["s", "h"], ["y"], {})],
    "clip": [("Constant", [], ["lo"], {"value_float": 0.0}), ("Constant", [], ["hi"], {"value_float": 6.0}),
             ("Clip", ["h", "lo", "hi"], ["y"], {})],
    "max and min": [("Constant", [], ["lo"], {"value_float": 0.1}), ("Max", ["h", "lo"], ["a"], {}),
                    ("Reciprocal", ["a"], ["r"], {}), ("Sqrt", ["r"], ["y"], {})],
}  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_operators_come_out_right(name: str) -> None:
    made = graph(LINEAR, *ELEMENTWISE[name], W=W)
    (expected,) = run(made.SerializeToString())
    assert_same(cp.from_onnx(made), expected, 1e-6)


NODES = (
    "relu", "elu", "selu", "celu", "leakyrelu", "sigmoid", "tanh", "softplus", "softsign", "hardsigmoid", "hardswish",
    "mish", "gelu", "thresholdedrelu", "exp", "log", "sqrt", "abs", "neg", "sin", "cos", "erf", "floor", "reciprocal",
    "shrink", "swish", "identity", "sign",
)  # fmt: skip
"""Cases of the onnx wheel's own test data that are elementwise: any of them can be the activation of a layer."""


def backend_cases(name: str) -> list[Any]:
    """The cases of one operator, without those that are its definition in pieces as a function of the model."""
    onnx_module()
    node = importlib.import_module("onnx.backend.test.case.node")
    try:
        importlib.import_module(f"onnx.backend.test.case.node.{name}")
    except ImportError:
        pytest.skip(f"this version of onnx has no cases of {name}")
    return [each for each in node._NodeTestCases if each.name.split("_")[1] == name]


@pytest.mark.parametrize("name", NODES)
def test_the_onnx_wheels_own_data(name: str) -> None:
    """A linear layer that changes nothing is put before the node, so that the whole is a chain."""
    helper, taken = onnx_module().helper, 0
    for case in backend_cases(name):
        (inputs, expected), model = case.data_sets[0], case.model
        given = inputs[0]
        if getattr(given, "dtype", None) not in (np.float32, np.float64) or len(model.graph.input) != 1:
            continue
        kind, first = model.graph.input[0].type.tensor_type.elem_type, model.graph.input[0].name
        inside = helper.make_graph(
            [helper.make_node("MatMul", ["row", "eye"], [first]), *model.graph.node],
            "g",
            [helper.make_tensor_value_info("row", kind, [None, 1])],
            [helper.make_tensor_value_info(model.graph.output[0].name, kind, [None, 1])],
            [onnx_module().numpy_helper.from_array(np.ones((1, 1), dtype=given.dtype), "eye")],
        )
        made = helper.make_model(inside, opset_imports=model.opset_import, functions=model.functions)
        assert_same(cp.from_onnx(made), expected[0].reshape(-1, 1), 1e-5, given.reshape(-1, 1).astype(float))
        taken += 1
    assert taken
