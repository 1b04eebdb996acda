"""``clearprop verify``"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clearprop.cli.output import deliver, which_example
from clearprop.loading import load
from clearprop.rendering.as_json import dumps
from clearprop.verification.engines import TOLERANCES, EngineCheck, check_engine
from clearprop.verification.finite_differences import EXTENDED, FLOOR, Verification, verify


def run_verify(
    net: str,
    *,
    example: str,
    sample: int | None,
    format: str,
    data: str | None = None,
    target: tuple[str, ...] = (),
) -> int:
    """Print the worst relative error per layer; exit code 1 if any gradient is off."""
    report = verify(load(net, data=data, target=target or None), which_example(example), sample=sample)
    engine = check_engine(report.cycle)
    deliver(dumps(structure(report, engine)) if format == "json" else text(report, engine), None)
    return 0 if agree(report, engine) else 1


def agree(report: Verification, engine: Sequence[EngineCheck]) -> bool:
    """Whether nothing is off."""
    return report.agrees and all(check.agrees for check in engine)


def structure(report: Verification, engine: Sequence[EngineCheck]) -> dict[str, Any]:
    """The report for ``--format json``."""
    name = report.cycle.parameters.layout.name
    return {
        "agrees": agree(report, engine),
        "worst": report.worst,
        "tolerance": report.tolerance,
        "layers": [
            {
                "layer": layer.layer + 1,
                "parameters": layer.parameters,
                "checked": len(layer.smooth),
                "kinks": layer.kinks,
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
    }


def text(report: Verification, engine: Sequence[EngineCheck]) -> str:
    """The report as lines of text."""
    name = report.cycle.parameters.layout.name
    precision = "extended precision" if EXTENDED else "float64, the best that this machine has"
    lines = [f"gradients against central differences in {precision}", ""]
    for layer in report.layers:
        checked = f"{len(layer.smooth)} of {layer.parameters}"
        line = f"layer {layer.layer + 1}: {checked} checked"
        if layer.worst is not None:
            line += f", worst relative error {layer.worst.relative_error:.1e} at {name(layer.worst.index)}"
        if layer.kinks:
            line += f"; {layer.kinks} set apart, on a kink"
        lines.append(line)
        if layer.worst is not None and not layer.worst.relative_error <= report.tolerance:
            lines.append(
                f"  {name(layer.worst.index)}: backward found {layer.worst.gradient!r}, "
                f"the central difference is {layer.worst.difference!r}"
            )
    floor = FLOOR * max(1.0, abs(report.cycle.error))
    lines += [
        "",
        f"relative to the larger of the two, at least {floor:.1e}; tolerance {report.tolerance:.0e}",
    ]
    for each in engine:
        lines.append(
            f"compiled engine in {each.dtype}: "
            + ("within" if each.agrees else f"off by {each.worst:.1e}, tolerance")
            + f" {TOLERANCES[each.dtype]:.0e} of a layer's largest gradient"
        )
    lines.append("all agree" if agree(report, engine) else "NOT all agree")
    return "\n".join(lines) + "\n"
