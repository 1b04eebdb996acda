"""Open what NET names on the command line."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from clearprop.errors import InvalidArgument
from clearprop.interop.problem import NoActivations
from clearprop.loading import is_model, load
from clearprop.network.problem import Problem

if TYPE_CHECKING:
    from clearprop.tables.made_for import NoTarget


def opened(net: str, *, inputs: str | None = None, targets: str | None = None, **table: Any) -> Problem:
    """Return the problem that NET and its options name, with one example from the command line if ``inputs`` has its
    cells; ``table`` are the options of ``rows_of``."""
    problem = rows_of(net, inputs=inputs, targets=targets, **table)
    if inputs is not None and table.get("data") is not None and is_model(net):
        raise InvalidArgument("--data: a model needs no table to read --inputs; leave out one of the two")
    return on_example(problem, inputs, targets)


def rows_of(
    net: str,
    *,
    data: str | None = None,
    target: tuple[str, ...] = (),
    inputs: str | None = None,
    targets: str | None = None,
    **more: Any,
) -> Problem:
    """Return the problem that NET and its options name, without the example in ``inputs``; ``more`` are other options
    of ``load``."""
    if inputs is None and targets is not None:
        raise InvalidArgument("--targets are those of the example in --inputs; give both")
    try:
        return load(net, data=data, target=target or None, **more)
    except NoActivations as error:
        raise with_activations(error) from None
    except InvalidArgument as error:
        from clearprop.tables.made_for import NoTarget  # with all that reads tables: start-up counts

        if isinstance(error, NoTarget):
            raise with_command(error, net) from None
        raise


def on_example(problem: Problem, inputs: str | None, targets: str | None) -> Problem:
    """Return the problem with one example from the command line, if ``inputs`` has its cells."""
    if inputs is None:
        return problem
    from clearprop.tables.one_row import with_one_row

    return with_one_row(problem, inputs, targets)


def with_activations(error: NoActivations) -> InvalidArgument:
    """Return the refusal of weights without activations with the whole command to type."""
    command = shlex.join(["clearprop", *_typed(), "--activations", error.example])
    return InvalidArgument(f"{error}; type: {command}")


def with_command(error: NoTarget, net: str) -> InvalidArgument:
    """Return the refusal of a table without a target with the command to type."""
    command = shlex.join(["clearprop", *(_typed() or ("train", net)), "--target", error.columns[-1]])
    return InvalidArgument(f"{error}; type: {command}")


def _typed() -> list[str]:
    """Return what was typed after ``clearprop``."""
    context = click.get_current_context(silent=True)
    return list(context.find_root().obj or ()) if context is not None else []
