"""``clearprop new``"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from clearprop.cli.net import with_command
from clearprop.cli.output import deliver_text
from clearprop.errors import InvalidArgument
from clearprop.loading import about_table, head_of, is_table, made
from clearprop.messages import abridged
from clearprop.network.data import Task
from clearprop.network.write import outline
from clearprop.tables.foreign import foreign
from clearprop.tables.made_for import NoTarget


def run_new(
    table: str,
    *,
    target: tuple[str, ...],
    task: Task | None,
    hidden: tuple[int, ...] | None,
    output: str | None,
    **about: Any,
) -> int:
    """Print the network file of the network that is made for a table."""
    if os.path.exists(table) and not is_table(table):
        known = foreign(head_of(table) or b"")
        other = "a network file" if table.lower().endswith(".toml") else "something else"
        found = other if known is None else f"{known.what}; {known.remedy}"
        raise InvalidArgument(f"{abridged(table, 200)}: expected a table (CSV or Parquet), found {found}")
    file = table if output is None or os.path.isabs(table) else os.path.relpath(table, Path(output).parent)
    try:
        stated, _ = made(table, target, task=task, hidden=hidden, about=about_table(**about), file=file)
    except NoTarget as error:
        raise with_command(error, table) from None
    deliver_text(outline(stated), output)
    return 0
