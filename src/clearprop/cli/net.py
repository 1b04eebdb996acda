"""Open what NET names on the command line."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from clearprop.errors import InvalidArgument
from clearprop.loading import load
from clearprop.network.data import Task
from clearprop.network.problem import Problem

if TYPE_CHECKING:
    from clearprop.tables.made_for import NoTarget


def opened(
    net: str,
    *,
    data: str | None = None,
    target: tuple[str, ...] = (),
    task: Task | None = None,
    hidden: tuple[int, ...] | None = None,
    inputs: str | None = None,
    targets: str | None = None,
    **more: Any,
) -> Problem:
    """Return the problem that NET and its options name, with one example from the command line if ``inputs`` has its
    cells; ``more`` are other options of ``load``."""
    if inputs is None and targets is not None:
        raise InvalidArgument("--targets are those of the example in --inputs; give both")
    try:
        problem = load(net, data=data, target=target or None, task=task, hidden=hidden, **more)
    except InvalidArgument as error:
        from clearprop.tables.made_for import NoTarget  # with all that reads tables: start-up counts

        if isinstance(error, NoTarget):
            raise with_command(error, net) from None
        raise
    if inputs is None:
        return problem
    from clearprop.tables.one_row import with_one_row

    return with_one_row(problem, inputs, targets)


def with_command(error: NoTarget, net: str) -> InvalidArgument:
    """Return the refusal of a table without a target with the command to type."""
    context = click.get_current_context(silent=True)
    command = context.command_path if context is not None else "clearprop train"
    return InvalidArgument(f"{error}; type: {command} {shlex.quote(net)} --target {shlex.quote(error.columns[-1])}")
