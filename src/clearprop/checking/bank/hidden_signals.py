"""Mistakes where error signals are passed back to a hidden layer."""

from __future__ import annotations

from typing import Any

from clearprop.checking.here import Here, mean
from clearprop.checking.mistake import mistake
from clearprop.derivation.lines import Line, Stage
from clearprop.expressions import Expression, Symbol, substitute
from clearprop.expressions.tree import add, multiply
from clearprop.network import names as q

HIDDEN = Stage.HIDDEN_SIGNAL


def _of_hidden(here: Here, line: Line) -> tuple[int, int] | None:
    """Return the hidden unit whose ∂E/∂output a line is."""
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Output(layer, unit)) if layer < here.last:
            return layer, unit
    return None


def _updated(here: Here, tree: Expression, layer: int) -> Expression:
    """Return the tree with the new values of a layer's weights."""
    span = here.layout.weights[layer]

    def new(key: Any) -> Expression | None:
        weight = isinstance(key, q.Parameter) and span.start <= key.index < span.stop
        return Symbol(q.Updated(key)) if weight else None

    return substitute(tree, new)


@mistake(
    "updated_weights",
    HIDDEN,
    "∂E/∂output_h = Σ ∂E/∂sum_o · new_w",
    "The new weights of the next layer were used. All gradients are taken at the old weights; then all weights are "
    "updated at once.",
    "a famous published example: its last numbers come from exactly this",
)
def updated_weights(here: Here, line: Line, _: Any) -> Expression | None:
    at = _of_hidden(here, line)
    if at is None or here.batch or here.lines.optimizer.clip_norm is not None:
        return None
    return _updated(here, line.expression, at[0] + 1)


@mistake(
    "half_updated",
    HIDDEN,
    "∂E/∂output_h = ∂E/∂sum_o1 · w + ∂E/∂sum_o2 · new_w",
    "Some of the weights were already updated, others not. All gradients are taken at the old weights.",
    forms=(0, -1),
)
def half_updated(here: Here, line: Line, which: Any) -> Expression | None:
    at = _of_hidden(here, line)
    if at is None or here.batch or here.lines.optimizer.clip_norm is not None:
        return None
    terms = here.handed_back(*at)
    if len(terms) < 2:
        return None
    terms[which] = _updated(here, terms[which], at[0] + 1)
    return add(*terms)


@mistake(
    "one_output_only",
    HIDDEN,
    "∂E/∂output_h = ∂E/∂sum_o1 · w",
    "Only one unit of the next layer was counted. A hidden unit reaches every one of them: add up all their shares.",
    forms=(0, -1),
)
def one_output_only(here: Here, line: Line, which: Any) -> Expression | None:
    at = _of_hidden(here, line)
    if at is None or here.sizes[at[0] + 2] < 2:
        return None
    return here.handed_back(*at)[int(which)]


@mistake(
    "mean_over_outputs",
    HIDDEN,
    "∂E/∂output_h = mean of ∂E/∂sum_o · w",
    "The shares of the next layer's units were averaged. Add them up.",
)
def mean_over_outputs(here: Here, line: Line, _: Any) -> Expression | None:
    at = _of_hidden(here, line)
    if at is None or here.sizes[at[0] + 2] < 2:
        return None
    return mean(here.handed_back(*at))


@mistake(
    "row_for_column",
    HIDDEN,
    "∂E/∂output_h = Σ_v ∂E/∂sum_v · w_hv",
    "The weights that enter a unit were used for those that leave it. Going back, follow the arrows that begin at the "
    "hidden unit.",
    "programs that compute W δ for Wᵀ δ",
)
def row_for_column(here: Here, line: Line, _: Any) -> Expression | None:
    at = _of_hidden(here, line)
    if at is None or not here.square(at[0] + 1):
        return None
    layer, unit = at
    return add(*(
        multiply(here.signal(layer + 1, v), here.weight(layer + 1, unit, v)) for v in range(here.sizes[layer + 2])
    ))  # fmt: skip


@mistake(
    "weights_left_out",
    HIDDEN,
    "∂E/∂output_h = Σ ∂E/∂sum_o",
    "The weights were left out. Each error signal is passed back times the weight between the two units.",
)
def weights_left_out(here: Here, line: Line, _: Any) -> Expression | None:
    at = _of_hidden(here, line)
    if at is None:
        return None
    return add(*(here.signal(at[0] + 1, v) for v in range(here.sizes[at[0] + 2])))


@mistake(
    "error_for_signal",
    HIDDEN,
    "∂E/∂output_h = Σ ∂E/∂output_o · w",
    "∂E/∂output of the next layer was passed back without its slope. Pass back ∂E/∂sum.",
    forms=("derivative", "error"),
)
def error_for_signal(here: Here, line: Line, form: Any) -> Expression | None:
    at = _of_hidden(here, line)
    if at is None:
        return None
    layer, unit = at
    after = layer + 1
    if form == "error" and (after != here.last or here.batch):
        return None
    if form == "derivative" and here.scalar(after) and here.activation(after) == "identity":
        return None
    if form == "derivative" and not here.scalar(after):
        return None
    units = range(here.sizes[after + 1])
    handed: list[Expression] = [Symbol(q.Error(v)) if form == "error" else here.by_output(after, v) for v in units]
    return add(*(multiply(what, here.weight(after, v, unit)) for v, what in zip(units, handed, strict=True)))


@mistake(
    "slope_for_signal",
    HIDDEN,
    "∂E/∂output_h = Σ ∂output_o/∂sum_o · w",
    "The slope of the next layer was passed back alone. Pass back ∂E/∂sum, which is ∂E/∂output times the slope.",
)
def slope_for_signal(here: Here, line: Line, _: Any) -> Expression | None:
    at = _of_hidden(here, line)
    if at is None or not here.scalar(at[0] + 1):
        return None
    layer, unit = at
    return add(*(
        multiply(here.slope(layer + 1, v), here.weight(layer + 1, v, unit)) for v in range(here.sizes[layer + 2])
    ))  # fmt: skip


@mistake(
    "split_by_weight_share",
    HIDDEN,
    "∂E/∂output_h = Σ ∂E/∂sum_o · w / Σ w",
    "The error signal was split in proportion to the weights. It is not shared out: multiply by the weight itself.",
    "introductions that share the error out among the units",
)
def split_by_weight_share(here: Here, line: Line, _: Any) -> Expression | None:
    at = _of_hidden(here, line)
    if at is None:
        return None
    layer, unit = at
    terms = []
    for v in range(here.sizes[layer + 2]):
        whole = add(*(here.weight(layer + 1, v, i) for i in range(here.sizes[layer + 1])))
        terms.append(multiply(here.signal(layer + 1, v), here.weight(layer + 1, v, unit) / whole))
    return add(*terms)


@mistake(
    "next_layers_slope",
    HIDDEN,
    "∂E/∂sum_h = ∂E/∂output_h · ∂output_o/∂sum_o",
    "The slope of the next layer was used. A hidden unit's error signal needs the slope of its own output.",
    forms=("same", "first"),
)
def next_layers_slope(here: Here, line: Line, which: Any) -> Expression | None:
    match line.quantity:
        case q.Derivative(q.TotalError(), q.Sum(layer, unit)) if layer < here.last and here.scalar(layer):
            if not here.scalar(layer + 1) or (which == "first" and unit == 0 == here.sizes[layer + 1] - 1):
                return None
            other = min(unit, here.sizes[layer + 2] - 1) if which == "same" else 0
            return multiply(here.by_output(layer, unit), here.slope(layer + 1, other))
    return None
