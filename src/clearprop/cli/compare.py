"""``clearprop compare``"""

from __future__ import annotations

from typing import Any

from clearprop.cli.net import opened
from clearprop.cli.output import deliver, deliver_text, which_example
from clearprop.errors import InvalidArgument
from clearprop.interop.compare import compare
from clearprop.interop.problem import Stated
from clearprop.rendering.comparison import answer_result, comparison_result


def run_compare(
    nets: tuple[str, ...],
    *,
    example: str,
    tolerance: float,
    probe: str | None,
    probe_answer: str | None,
    format: str | None = None,
    output: str | None = None,
    activations: str | None = None,
    loss: str | None = None,
    optimizer: str | None = None,
    **rows: Any,
) -> int:
    """Print how two networks differ; return 1 if they do."""
    if probe is not None or probe_answer is not None:
        return _probe(nets, probe, probe_answer, format, output)
    if len(nets) != 2:
        raise InvalidArgument(f"compare: expected two networks, A and B, found {len(nets)}")
    told = {"activations": activations, "loss": loss, "optimizer": optimizer}
    refused: list[Stated] = []
    first, second = (_opened(net, told, rows if net is nets[0] else {}, refused) for net in nets)
    if len(refused) == 2:  # neither is a file that leaves something open
        raise refused[0]
    found = compare(first, second, which_example(example), tolerance=tolerance)
    deliver(comparison_result(found), format, output)
    return 0 if found.same else 1


def _opened(net: str, told: dict[str, str | None], rows: dict[str, Any], refused: list[Stated]) -> Any:
    """Open a network; what files of other frameworks are told counts for those that leave it open."""
    given = {key: value for key, value in told.items() if value is not None}
    try:
        return opened(net, **rows, **given)
    except Stated as error:
        refused.append(error)
    given.pop("activations", None)
    try:
        return opened(net, **rows, **given)
    except Stated:
        return opened(net, **rows)


def _probe(nets: tuple[str, ...], name: str | None, answer: str | None, format: str | None, output: str | None) -> int:
    from clearprop.interop.probe import conventions, program, read_answer

    if nets or (name is None) == (answer is None):
        raise InvalidArgument("compare: give --probe FRAMEWORK alone, or --probe-answer FILE alone")
    if name is not None:
        deliver_text(program(name), output)
        return 0
    assert answer is not None
    found = conventions(read_answer(answer))
    deliver(answer_result(found), format, output)
    return 1 if found is None else 0
