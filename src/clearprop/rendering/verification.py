"""A verification as a document and as a structure: the worst relative error of each layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from clearprop.interop.own_forward import OwnCheck
from clearprop.messages import brief
from clearprop.rendering.document import Document, Lines, View
from clearprop.rendering.formats import Result
from clearprop.verification.engines import TOLERANCES, EngineCheck
from clearprop.verification.finite_differences import EXTENDED, FLOOR, LayerVerification, Verification
from clearprop.verification.zeros import why_zero, zero_gradients


def verification_result(
    report: Verification, engine: Sequence[EngineCheck] = (), own: OwnCheck | None = None
) -> Result:
    """Return a verification to print, with the checks of the compiled engine."""
    problem = report.cycle.problem
    document = verification_document(report, engine, own)
    return Result(problem.heading, document, View(problem.names), lambda: verification_structure(report, engine, own))


def all_agree(report: Verification, engine: Sequence[EngineCheck], own: OwnCheck | None = None) -> bool:
    """Return whether no gradient is off."""
    return report.agrees and all(check.agrees for check in engine) and (own is None or own.agrees)


def verification_document(
    report: Verification, engine: Sequence[EngineCheck] = (), own: OwnCheck | None = None
) -> Document:
    """Describe what was compared, the worst relative error of each layer, and whether all agree."""
    precision = "extended precision" if EXTENDED else "float64, the best that this machine has"
    floor = FLOOR * max(1.0, abs(report.cycle.error))
    tolerances = [
        f"relative to the larger value (floor {brief(floor, '.1e')}); tolerance {brief(report.tolerance, '.0e')}"
    ]
    for each in engine:
        result = "within" if each.agrees else f"off by {brief(each.worst, '.1e')}, tolerance"
        allowed = brief(TOLERANCES[each.dtype], ".0e")
        tolerances.append(f"compiled engine in {each.dtype}: {result} {allowed} of a layer's largest gradient")
    if own is not None:
        tolerances.append(_own_line(own))
    verdict = "all agree" if all_agree(report, engine, own) else "NOT all agree"
    tolerances.append(verdict if report.compared else "nothing was compared: every parameter is on a kink")
    return (
        Lines((f"gradients against central differences in {precision}",)),
        Lines(tuple(line for layer in report.layers for line in _layer(report, layer))),
        Lines(tuple(tolerances)),
    )


def _own_structure(own: OwnCheck) -> dict[str, object]:
    if own.skipped:
        return {"framework": own.framework, "skipped": own.skipped}
    return {"framework": own.framework, "agrees": own.agrees, "outputs": own.outputs, "gradients": own.gradients}


def _own_line(own: OwnCheck) -> str:
    if own.skipped:
        return f"{own.framework} itself was not run: {own.skipped}"
    autograd = "" if own.gradients is None else f", of its autograd {brief(own.gradients, '.1e')}"
    return f"{own.framework} itself: the largest difference of the outputs is {brief(own.outputs, '.1e')}{autograd}"


def _layer(report: Verification, layer: LayerVerification) -> Iterator[str]:
    line = f"layer {layer.layer + 1}: {len(layer.smooth)} of {layer.parameters} checked"
    worst = layer.worst
    name = "" if worst is None else report.cycle.parameters.layout.name(worst.index)
    if worst is not None:
        line += f", worst relative error {brief(worst.relative_error, '.1e')} at {name}"
    if layer.kinks:
        line += f"; {layer.kinks} not compared: on a kink"
    yield line
    if why := why_zero(report.cycle, layer.layer):
        yield f"  {why}"
    if worst is not None and not worst.relative_error <= report.tolerance:
        found, expected = brief(worst.gradient, ""), brief(worst.difference, "")
        yield f"  {name}: backward found {found}, the central difference is {expected}"


def verification_structure(
    report: Verification, engine: Sequence[EngineCheck] = (), own: OwnCheck | None = None
) -> dict[str, Any]:
    """Return the verification for ``verify --format json``."""
    name = report.cycle.parameters.layout.name
    return {
        "agrees": all_agree(report, engine, own),
        "worst": report.worst,
        "tolerance": report.tolerance,
        "layers": [
            {
                "layer": layer.layer + 1,
                "parameters": layer.parameters,
                "checked": len(layer.smooth),
                "kinks": layer.kinks,
                "zero": [name(index) for index in zero_gradients(report.cycle, layer.layer)],
                "worst": None
                if layer.worst is None
                else {
                    "name": name(layer.worst.index),
                    "gradient": layer.worst.gradient,
                    "difference": layer.worst.difference,
                    "relative_error": layer.worst.relative_error,
                },
            }
            for layer in report.layers
        ],
        "engine": [
            {"dtype": each.dtype, "agrees": each.agrees, "worst": each.worst, "tolerance": TOLERANCES[each.dtype]}
            for each in engine
        ],
        **({} if own is None else {"own": _own_structure(own)}),
    }  # fmt: skip
