"""Simulated students: whole cycles worked out in NumPy, right or with a mistake.

Written from the sentences of the mistakes, without a line of the bank: forward and backward are plain loops over
arrays here. What a student writes down may be rounded, and may be carried on as it was rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tests.checking.exercises import FUNCTIONS, LOSSES, Exercise, logistic
from tests.checking.written_down import Written


@dataclass
class Student:
    """Somebody who works out a cycle; ``mistakes`` by name, ``keep`` what is carried on of a number."""

    exercise: Exercise
    mistakes: frozenset[str] = frozenset()
    keep: Callable[[float], float] = lambda number: number
    sheet: Written = field(default_factory=dict)

    def makes(self, name: str) -> bool:
        """Return whether the student makes a mistake."""
        return name in self.mistakes

    def put(self, name: str, number: Any) -> float:
        """Write a number down, and go on with what is kept of it."""
        self.sheet[name] = self.keep(float(number))
        return self.sheet[name]

    def work(self) -> Written:
        """Return the whole sheet."""
        with np.errstate(all="ignore"):
            self._forward()
            self._errors()
            self._backward()
        return self.sheet

    # --- forward ------------------------------------------------------------------------------------------

    def _forward(self) -> None:
        self.sums: list[Any] = []
        self.outputs: list[Any] = [np.asarray(self.exercise.inputs)]
        for layer, rule in enumerate(self.exercise.activations):
            sums = self._sums(layer)
            if rule == "softmax":
                own = np.exp(sums) / np.exp(sums).sum()
                if self.makes("softmax_without_exponential"):
                    own = sums / sums.sum()
                if self.makes("bias_after_activation"):
                    own = own + np.broadcast_to(self.exercise.biases[layer], (len(sums),))
                outputs = np.array([self.put(f"output_{self.exercise.unit(layer, u)}", o) for u, o in enumerate(own)])
            else:
                outputs = np.array([
                    self.put(f"output_{self.exercise.unit(layer, u)}", self._activated(layer, rule, u, sums[u]))
                    for u in range(len(sums))
                ])  # fmt: skip
            self.sums.append(sums)
            self.outputs.append(outputs)

    def _sums(self, layer: int) -> Any:
        exercise = self.exercise
        w, seen = exercise.weights[layer], self.outputs[-1]
        bias = np.broadcast_to(exercise.biases[layer], (len(w),))
        if self.makes("sum_passed_on") and layer:
            seen = self.sums[-1]
        if self.makes("inputs_of_another_layer") and layer and len(seen) == len(self.outputs[-2]):
            seen = self.outputs[-2]
        if self.makes("transposed") and w.shape[0] == w.shape[1]:
            w = w.T
        if self.makes("weights_of_another_unit"):
            w = np.roll(w, -1, axis=0)
        products = w * seen
        if self.makes("product_left_out"):
            products = w
        if self.makes("last_input_left_out") and w.shape[1] > 1:
            products = products[:, :-1]
        sums = products.sum(axis=1)
        if self.makes("bias_subtracted"):
            sums = sums - bias
        elif self.makes("bias_once_per_input"):
            sums = sums + bias * w.shape[1]
        elif not (self.makes("bias_left_out") or self.makes("bias_after_activation")):
            sums = sums + bias
        return np.array([self.put(f"sum_{exercise.unit(layer, u)}", s) for u, s in enumerate(sums)])

    def _activated(self, layer: int, rule: str, unit: int, s: float) -> float:
        output = FUNCTIONS[rule][0](np.float64(s))
        if rule == "logistic":
            if self.makes("exponent_sign"):
                output = 1 / (1 + np.exp(s))
            if self.makes("reciprocal_left_out"):
                output = 1 + np.exp(-s)
            if self.makes("tanh_for_logistic"):
                output = np.tanh(s)
            if self.makes("activation_applied_twice"):
                output = logistic(logistic(s))
        if rule == "tanh" and self.makes("logistic_for_tanh"):
            output = logistic(s)
        if rule == "relu" and self.makes("size_for_relu"):
            output = abs(s)
        if self.makes("output_not_activated"):
            output = s
        if self.makes("bias_after_activation"):
            output = output + np.broadcast_to(self.exercise.biases[layer], (self.exercise.sizes[layer + 1],))[unit]
        return float(output)

    # --- error --------------------------------------------------------------------------------------------

    def _errors(self) -> None:
        exercise = self.exercise
        t, o = np.asarray(exercise.targets, dtype=float), self.outputs[-1]
        own_t = np.roll(t, -1) if self.makes("targets_swapped") else t
        errors = LOSSES[exercise.loss][0](own_t, o)
        factor = 0.5 if exercise.loss == "half_squared_error" else 1.0
        if exercise.loss in ("half_squared_error", "squared_error"):
            if self.makes("half_left_out") and factor == 0.5:
                errors = (t - o) ** 2
            if self.makes("not_squared"):
                errors = factor * (t - o)
            if self.makes("absolute_difference"):
                errors = np.abs(t - o)
            if self.makes("difference_of_squares"):
                errors = factor * (t**2 - o**2)
        if "cross_entropy" in exercise.loss:
            if self.makes("logarithm_to_base_ten"):
                errors = errors / np.log(10)
            if self.makes("logarithm_sign"):
                errors = -errors
        if self.makes("one_class_only") and exercise.loss == "binary_cross_entropy":
            errors = -t * np.log(o)
        if exercise.mean:
            errors = errors / len(o)
        if self.makes("error_divided_by_outputs"):
            errors = errors / len(o)
        self.errors = np.array([self.put(f"E_{k + 1}", e) for k, e in enumerate(errors)])
        total = self.errors.sum()
        if self.makes("errors_averaged"):
            total = self.errors.mean()
        if self.makes("one_error_only"):
            total = self.errors[0]
        if self.makes("differences_added_first") and exercise.loss in ("half_squared_error", "squared_error"):
            total = factor * ((t - o).sum()) ** 2
        if exercise.l2:
            penalty = self.put("penalty", exercise.l2 / 2 * sum((w**2).sum() for w in exercise.weights))
            total = total if self.makes("penalty_left_out") else total + penalty
        self.total = self.put("E_total", total)

    # --- backward -----------------------------------------------------------------------------------------

    def _backward(self) -> None:
        exercise = self.exercise
        last = len(exercise.weights) - 1
        self.new = [w.copy() for w in exercise.weights]
        signals: list[Any] = [None] * (last + 1)
        self.slopes: list[Any] = [None] * (last + 1)
        self.by_output: list[Any] = [None] * (last + 1)
        for layer in range(last, -1, -1):
            name = [exercise.unit(layer, u) for u in range(exercise.sizes[layer + 1])]
            joined = layer == last and exercise.activations[layer] == "softmax"
            if not joined:
                by = self._loss_slope() if layer == last else self._handed_back(layer, signals[layer + 1])
                by = np.array([self.put(f"∂E_total/∂output_{n}", d) for n, d in zip(name, by, strict=True)])
                slope = self._slope(layer)
                slope = np.array([
                    self.put(f"∂output_{n}/∂sum_{n}", d) for n, d in zip(name, slope, strict=True)
                ])  # fmt: skip
                self.by_output[layer], self.slopes[layer] = by, slope
                signal = self._signal(layer, by, slope)
            else:
                signal = self._loss_slope()
                if self.makes("extra_slope"):
                    signal = signal * self.outputs[-1] * (1 - self.outputs[-1])
            signals[layer] = np.array([self.put(f"∂E_total/∂sum_{n}", d) for n, d in zip(name, signal, strict=True)])
            self._gradients(layer, signals[layer])

    def _loss_slope(self) -> Any:
        exercise = self.exercise
        t, o = np.asarray(exercise.targets, dtype=float), self.outputs[-1]
        if self.makes("targets_swapped"):
            t = np.roll(t, -1)
        if exercise.activations[-1] == "softmax":
            slope = o - t
            if self.makes("softmax_diagonal_only"):
                slope = -t * (1 - o)
        else:
            slope = LOSSES[exercise.loss][1](t, o)
            if self.makes("sign_of_inner_derivative") and exercise.loss == "binary_cross_entropy":
                slope = -t / o - (1 - t) / (1 - o)
        if self.makes("factor_two") and exercise.loss == "half_squared_error":
            slope = 2 * (o - t)
        if self.makes("factor_two_lost") and exercise.loss == "squared_error":
            slope = o - t
        if self.makes("half_kept") and exercise.loss == "half_squared_error":
            slope = (o - t) / 2
        if self.makes("output_for_difference") and exercise.loss == "half_squared_error":
            slope = o
        if exercise.mean:
            slope = slope / len(o)
        if self.makes("signal_divided_by_outputs"):
            slope = slope / len(o)
        if self.makes("error_for_difference"):
            slope = self.errors
        if self.makes("total_error_for_difference"):
            slope = np.full(len(o), self.total)
        return -slope if self.makes("sign_of_error") else slope

    def _slope(self, layer: int) -> Any:
        rule, s, o = self.exercise.activations[layer], self.sums[layer], self.outputs[layer + 1]
        slope = FUNCTIONS[rule][1](s, o)
        wrong: dict[str, dict[str, Any]] = {
            "logistic": {
                "slope_of_output": logistic(o) * (1 - logistic(o)),
                "slope_of_sum": s * (1 - s),
                "slope_one_minus_output": 1 - o,
                "slope_is_output": o,
                "slope_plus": o * (1 + o),
                "tanh_slope_for_logistic": 1 - o**2,
            },
            "tanh": {
                "slope_of_output": 1 - np.tanh(o) ** 2,
                "slope_of_sum": 1 - s**2,
                "logistic_slope_for_tanh": o * (1 - o),
                "tanh_slope_plus": 1 + o**2,
                "tanh_slope_without_one": -(o**2),
                "tanh_slope_not_squared": 1 - o,
                "tanh_slope_of_arctangent": 1 / (1 + s**2),
            },
            "relu": {"relu_slope_keeps_sum": np.where(s > 0, 1.0, s), "relu_slope_is_output": o},
        }
        for name, other in wrong.get(rule, {}).items():
            if self.makes(name):
                slope = other
        return slope

    def _signal(self, layer: int, by: Any, slope: Any) -> Any:
        rule = self.exercise.activations[layer]
        if rule == "identity":
            return by * slope
        last = len(self.slopes) - 1
        joined = layer == last and (self.exercise.loss, rule) == ("binary_cross_entropy", "logistic")
        if joined:
            return by * slope
        if self.makes("slope_left_out"):
            return by
        if self.makes("slope_added"):
            return by + slope
        if self.makes("slope_twice"):
            return by * slope**2
        if self.makes("relu_upstream_dropped"):
            return slope
        if self.makes("relu_on_gradient") and rule == "relu":
            return np.maximum(by, 0)
        if self.makes("next_layers_slope") and layer < last and self.slopes[layer + 1] is not None:
            later = self.slopes[layer + 1]
            return by * np.array([later[min(u, len(later) - 1)] for u in range(len(by))])
        return by * slope

    def _handed_back(self, layer: int, signal: Any) -> Any:
        w, new = self.exercise.weights[layer + 1], self.new[layer + 1]
        products = signal[:, None] * w
        if self.makes("updated_weights"):
            products = signal[:, None] * new
        if self.makes("half_updated"):
            products[0] = signal[0] * new[0]
        if self.makes("row_for_column") and w.shape[0] == w.shape[1]:
            products = signal[:, None] * w.T
        if self.makes("weights_left_out"):
            products = signal[:, None] * np.ones_like(w)
        if self.makes("split_by_weight_share"):
            products = signal[:, None] * w / w.sum(axis=1, keepdims=True)
        if self.makes("error_for_signal") and self.by_output[layer + 1] is not None:
            products = self.by_output[layer + 1][:, None] * w
        if self.makes("slope_for_signal") and self.slopes[layer + 1] is not None:
            products = self.slopes[layer + 1][:, None] * w
        if self.makes("one_output_only"):
            products = products[:1]
        return products.mean(axis=0) if self.makes("mean_over_outputs") else products.sum(axis=0)

    def _gradients(self, layer: int, signal: Any) -> None:
        exercise, seen = self.exercise, self.outputs[layer]
        w, units = exercise.weights[layer], range(len(signal))
        for u in units:
            for i in range(w.shape[1]):
                number = exercise.weight_number(layer, u, i)
                gradient = self._gradient(layer, u, i, signal, seen)
                if exercise.l2:
                    own = self.put(f"∂penalty/∂w{number}", exercise.l2 * w[u, i])
                    gradient = gradient if self.makes("penalty_left_out") else gradient + own
                gradient = self.put(f"∂E_total/∂w{number}", gradient)
                self.new[layer][u, i] = self.put(f"new_w{number}", self._updated(w[u, i], gradient))
        if exercise.shared:
            together = signal.sum()
            if self.makes("shared_bias_one_unit"):
                together = signal[0]
            if self.makes("shared_bias_mean"):
                together = signal.mean()
            self._bias(layer, f"b{layer + 1}", float(exercise.biases[layer]), together)
            return
        for u in units:
            own = signal.sum() if self.makes("bias_gradient_of_layer") else signal[u]
            self._bias(layer, f"b_{exercise.unit(layer, u)}", exercise.biases[layer][u], own)

    def _gradient(self, layer: int, u: int, i: int, signal: Any, seen: Any) -> float:
        w = self.exercise.weights[layer]
        factor, own = seen[i], signal[u]
        if self.makes("input_for_output") and layer and i < len(self.exercise.inputs):
            factor = self.exercise.inputs[i]
        if self.makes("sum_for_output") and layer:
            factor = self.sums[layer - 1][i]
        if self.makes("weight_for_input"):
            factor = w[u, i]
        if self.makes("neighbours_input"):
            factor = seen[(i + 1) % len(seen)]
        if self.makes("neighbours_signal"):
            own = signal[(u + 1) % len(signal)]
        if self.makes("gradient_transposed") and w.shape[0] == w.shape[1]:
            own, factor = signal[i], seen[u]
        if self.makes("own_output_for_input"):
            factor = self.outputs[layer + 1][u]
        if self.makes("input_left_out"):
            factor = 1.0
        plain = self.exercise.activations[layer] not in ("identity", "softmax")
        if self.makes("slope_left_out_of_gradient") and plain:
            own = self.by_output[layer][u]
        if self.makes("signal_left_out") and plain:
            own = self.slopes[layer][u]
        return float(own * factor)

    def _bias(self, layer: int, name: str, bias: float, signal: float) -> None:
        if self.makes("bias_gradient_times_input"):
            signal = signal * self.outputs[layer][0]
        if self.makes("bias_gradient_times_bias"):
            signal = signal * bias
        if self.makes("bias_gradient_zero"):
            signal = 0.0
        gradient = self.put(f"∂E_total/∂{name}", signal)
        new = self._updated(bias, gradient)
        if (self.exercise.frozen and not self.makes("frozen_bias_moved")) or self.makes("trained_bias_kept"):
            new = bias
        elif self.exercise.frozen:
            new = bias - self.exercise.rate * gradient
        self.put(f"new_{name}", new)

    def _updated(self, w: float, gradient: float) -> float:
        rate = self.exercise.rate
        ways: dict[str, float] = {
            "added": w + rate * gradient,
            "no_rate": w - gradient,
            "change_for_weight": -rate * gradient,
            "rate_squared": w - rate**2 * gradient,
            "rate_divides": w - gradient / rate,
            "weight_in_change": w * (1 - rate * gradient),
            "gradient_for_change": rate * w - gradient,
        }
        return next((value for name, value in ways.items() if self.makes(name)), w - rate * gradient)


STAGES: dict[str, tuple[str, ...]] = {
    "forward": (
        "bias_left_out", "bias_subtracted", "bias_after_activation", "bias_once_per_input", "transposed",
        "sum_passed_on", "inputs_of_another_layer", "output_not_activated", "exponent_sign", "reciprocal_left_out",
        "tanh_for_logistic", "logistic_for_tanh", "softmax_without_exponential", "size_for_relu",
        "weights_of_another_unit", "product_left_out", "last_input_left_out", "activation_applied_twice",
    ),
    "error": (
        "half_left_out", "error_divided_by_outputs", "not_squared", "absolute_difference", "difference_of_squares",
        "differences_added_first", "targets_swapped", "logarithm_to_base_ten", "one_class_only", "logarithm_sign",
        "errors_averaged", "one_error_only", "penalty_left_out",
    ),
    "output signal": (
        "sign_of_error", "factor_two", "factor_two_lost", "half_kept", "error_for_difference",
        "total_error_for_difference", "signal_divided_by_outputs", "output_for_difference", "extra_slope",
        "sign_of_inner_derivative", "softmax_diagonal_only", "slope_left_out", "slope_added", "slope_twice",
        "slope_of_output", "slope_of_sum", "slope_one_minus_output", "slope_is_output", "slope_plus",
        "tanh_slope_for_logistic", "logistic_slope_for_tanh", "tanh_slope_plus", "tanh_slope_without_one",
        "tanh_slope_not_squared", "tanh_slope_of_arctangent", "relu_slope_keeps_sum", "relu_slope_is_output",
        "relu_upstream_dropped", "relu_on_gradient",
    ),
    "weight gradient": (
        "input_for_output", "sum_for_output", "weight_for_input", "neighbours_input", "neighbours_signal",
        "gradient_transposed", "own_output_for_input", "input_left_out", "slope_left_out_of_gradient",
        "signal_left_out", "bias_gradient_times_input", "bias_gradient_times_bias", "bias_gradient_zero",
        "shared_bias_one_unit", "shared_bias_mean", "bias_gradient_of_layer",
    ),
    "hidden signal": (
        "updated_weights", "half_updated", "one_output_only", "mean_over_outputs", "row_for_column",
        "weights_left_out", "error_for_signal", "slope_for_signal", "split_by_weight_share", "next_layers_slope",
    ),
    "update": (
        "added", "no_rate", "change_for_weight", "rate_squared", "rate_divides", "weight_in_change",
        "gradient_for_change", "frozen_bias_moved", "trained_bias_kept",
    ),
}  # fmt: skip
"""The mistakes that these students can make, by stage."""
