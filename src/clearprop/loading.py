"""Loading: a problem from a file of any known kind, or from the bundled example of that name.

``READERS`` is the one table of the kinds of file that hold a network. Which of them a file is, its
content decides; the end of its name only where the content leaves it open.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_LE
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from clearprop import examples
from clearprop.errors import InvalidArgument, UnreadableFile
from clearprop.fields import (
    Unexpected,
    accepted,
    checks,
    columns,
    either,
    function,
    integer,
    list_of,
    optional,
    string,
    suggests_options,
)
from clearprop.fields import path as path_of_file
from clearprop.interop import files as interop
from clearprop.interop.problem import Stated, Told
from clearprop.messages import abridged, unknown
from clearprop.network.data import Data, Task
from clearprop.network.layer import MAX_UNITS
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.network.read import read, read_file
from clearprop.network.source import readable
from clearprop.tables import foreign
from clearprop.tables.foreign import Foreign, starts
from clearprop.tables.layout import DELIMITERS, SPACE, delimiter

if TYPE_CHECKING:
    from clearprop.tables.csv_file import ReadingProgress
    from clearprop.tables.table import Table, Wanted

TABLES = (".csv", ".tsv", ".parquet", ".pq")
HEAD = 4096
"""Bytes that are looked at to recognise a file."""


class Reader(NamedTuple):
    """A kind of file that holds a network: how to recognise it by its first bytes, and how to read it.

    What was fitted on the table of a ``trained`` one is applied to other tables, not fitted anew. A file of another
    framework, which leaves things open, is told them.
    """

    suffix: str
    recognises: Callable[[bytes], bool]
    read: Callable[[str | os.PathLike[str], Told], Problem]
    trained: bool = True
    foreign: bool = False


def _is_safetensors(head: bytes) -> bool:
    # Eight bytes of length, little-endian, then the header's brace. A text has no zero bytes.
    return head[8:9] == b"{" and 0 in head[:8]


def _is_network_file(head: bytes) -> bool:
    """Text, unless it looks like a table; whether it is a network, reading it says best."""
    return 0 not in head and not any(each.recognises(head) for each in FOREIGN)


def _read_tensors(path: str | os.PathLike[str], told: Told) -> Problem:
    """Return the problem in a safetensors file: a model of clearprop, or tensors by name."""
    from clearprop.interop.safetensors_file import is_of_others, read_tensors
    from clearprop.models.read import read_model

    if is_of_others(path):
        return interop.whole(read_tensors)(path, told)
    _refuse(told, path)
    return read_model(path).problem


def _read_own(path: str | os.PathLike[str], told: Told) -> Problem:
    _refuse(told, path)
    return read_file(path)


def _refuse(told: Told, path: str | os.PathLike[str]) -> None:
    if told:
        option = next(name for name in ("activations", "loss", "optimizer") if getattr(told, name) is not None)
        raise Stated(
            f"--{option} is for a file of another framework that does not state it; {abridged(str(path), 200)} does"
        )


READERS = (
    Reader(".safetensors", _is_safetensors, _read_tensors),
    *(Reader(each.suffix, each.recognises, each.read, foreign=True) for each in interop.FILES),
    Reader(".toml", _is_network_file, _read_own, trained=False),
)


def _text(head: bytes) -> str:
    """Return the beginning of a text; one with the mark of UTF-16 is read as that."""
    marked = head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) and not head.startswith(BOM_UTF32_LE)
    return head.decode("utf-16" if marked else "latin-1", "ignore")


def _is_table(head: bytes) -> bool:
    """Lines of text with a delimiter in each, below comments, and nothing of TOML: neither a key nor a section."""
    lines = [line for line in _text(head).split("\n") if line.strip() and line.lstrip()[0] != "#"][:3]
    if not lines or any("=" in line or line.lstrip()[0] == "[" for line in lines):
        return False
    return any(all(mark in line for line in lines) for mark in DELIMITERS) or delimiter(lines) == SPACE


TABLE = "name it under [data] of a network file, or give a network file and the table with --data"
FOREIGN = (
    Foreign(f"a Parquet table; {TABLE}", starts(b"PAR1")),
    *foreign.FOREIGN,
    Foreign(f"a table; {TABLE}", _is_table),
)
"""Files that are not read as a network: what they look like, and how that is seen."""


def head_of(path: str | os.PathLike[str]) -> bytes | None:
    """Return the first bytes of a file; none where it cannot be read, and reading it will say why."""
    try:
        with open(path, "rb") as file:
            return file.read(HEAD)
    except (OSError, ValueError):
        return None


def reader_of(path: str | os.PathLike[str]) -> Reader:
    """Return the reader for a file; say what a file without a network looks like."""
    head, suffix = head_of(path) or b"", Path(path).suffix.lower()
    found = [reader for reader in READERS if reader.recognises(head)] if head else []
    found = found or [reader for reader in READERS if reader.suffix == suffix]
    if found or not head:
        return found[0] if found else READERS[-1]
    kind = next((each for each in FOREIGN if each.recognises(head)), None)
    looks = "a binary file" if kind is None else kind.what
    if kind is not None and kind.remedy != foreign.AS_CSV:
        looks += f"; {kind.remedy}"
    if "pickle" in looks:
        looks += "; save the model with skops, as ONNX, or its weights alone: torch.save(model.state_dict(), FILE)"
    raise UnreadableFile(
        f"{abridged(str(path), 200)}: expected a network file (TOML) or a model (safetensors), found what looks like "
        f"{looks}"
    )


def read_problem(net: str | os.PathLike[str], told: Told = Told()) -> Problem:  # noqa: B008 - it is frozen
    """Return the problem in a file, or the bundled example of that name, without reading any table."""
    return _opened(net, told)[0]


def _opened(net: str | os.PathLike[str], told: Told) -> tuple[Problem, Reader]:
    """Return the problem, and what read it."""
    if isinstance(net, str) and net in examples.DESCRIPTIONS:
        _refuse(told, net)
        return read(examples.source(net), net), READERS[-1]
    path = Path(net)
    if not os.path.exists(path) and not path.suffix and len(path.parts) == 1:
        hint = unknown("example", str(net), examples.DESCRIPTIONS)
        raise UnreadableFile(f'"{abridged(str(net))}": no such file, and {hint}')
    reader = reader_of(net)
    if not reader.foreign:
        return reader.read(net, told), reader
    with readable(path, "a model"):
        return reader.read(net, told), reader


def _net(value: Any) -> str | os.PathLike[str]:
    """Accept what may name a network."""
    if not isinstance(value, (str, os.PathLike)):
        raise Unexpected("the path of a file, or the name of an example")
    return value


def _sizes(value: Any) -> tuple[int, ...]:
    """Accept the numbers of units in hidden layers; one number is one layer."""
    return tuple(list_of(integer(1, MAX_UNITS), "numbers of units")([value] if isinstance(value, int) else value))


def is_table(net: str | os.PathLike[str]) -> bool:
    """Return whether a file is a table of data, for which a network can be made."""
    if isinstance(net, str) and net in examples.DESCRIPTIONS:
        return False
    head = head_of(net)
    if head is None or any(reader.recognises(head) for reader in READERS if reader.trained):
        return False
    suffix = Path(net).suffix.lower()
    if starts(b"PAR1")(head) or suffix in TABLES:
        return True
    foreign_text = any(each.recognises(head) for each in foreign.FOREIGN)
    return suffix != ".toml" and "\0" not in _text(head) and not foreign_text and _is_table(head)


def is_model(net: str | os.PathLike[str]) -> bool:
    """Return whether a file is a trained model."""
    return net not in examples.DESCRIPTIONS and not is_table(net) and reader_of(net).trained


def made(
    table: str | os.PathLike[str],
    target: tuple[str, ...] | None,
    *,
    task: Task | None = None,
    hidden: Sequence[int] | None = None,
    about: Mapping[str, Any],
    seed: int | None = None,
    progress: ReadingProgress | None = None,
    file: str | None = None,
) -> tuple[Problem, Problem]:
    """Return the network made for a table: as a network file states it, and with the table's rows.

    ``about`` is as ``about_table`` returns it; ``file`` is how that network file names the table, if not as ``table``
    does. The errors are those of ``load``.
    """
    from clearprop.tables.made_for import HIDDEN, made_for, without_target

    reading, sizes = _reading(table, progress), HIDDEN if hidden is None else hidden
    named = str(table) if file is None else file
    if not target:
        raise without_target(reading, about.get("names"))
    return made_for(named, target, reading, name=str(table), task=task, hidden=sizes, about=about, seed=seed)


def about_table(**given: Any) -> dict[str, Any]:
    """Return the fields of ``Data`` that a request gives, checked as those of a file."""
    known = checks(Data)
    found = {name: accepted(known[name], value, name) for name, value in given.items() if value is not None}
    return {name: value for name, value in found.items() if value != ()}


@suggests_options()
def load(
    net: str | os.PathLike[str],
    *,
    data: str | os.PathLike[str] | None = None,
    target: str | tuple[str, ...] | None = None,
    task: Task | None = None,
    hidden: int | Sequence[int] | None = None,
    exclude: str | Sequence[str] = (),
    categorical: str | Sequence[str] = (),
    na: Sequence[str] | None = None,
    decimal: Literal[".", ","] | None = None,
    names: Sequence[str] | None = None,
    seed: int | None = None,
    progress: ReadingProgress | None = None,
    activations: str | Sequence[str] | None = None,
    loss: Any = None,
    optimizer: Any = None,
) -> Problem:
    """Return the problem in a network file or a model, or the bundled example of that name; for a table, one that
    is made for it.

    For a table, CSV or Parquet, ``target`` names the column to predict, or several of numbers. ``task`` says
    whether these are ``"classes"`` or ``"numbers"``, if that is not to be inferred from the column; ``hidden`` are
    the sizes of the hidden layers. ``exclude`` names columns that are not used, ``categorical`` those whose numbers are
    categories; ``na``, ``decimal`` and ``names`` say how the table is written, as under ``[data]``.

    A table that the file names under ``[data]`` is read from the same folder. ``data`` and ``target``
    replace its file and its target, ``seed`` the file's seed of random weights, of the split and of
    shuffling. ``activations`` (one per layer, or two: of the hidden layers and of the last), ``loss`` and
    ``optimizer`` state what another framework's file does not.
    ``progress`` is called with the number of bytes of a table read so far, and of all.

    Raises:
        UnreadableFile: missing, a folder, too large, or of no known kind.
        InvalidNetwork: everything that is wrong with a network file.
        InvalidArgument: arguments that do not go together, or an impossible seed.
        UnknownName: a ``target`` that is no column of the table.
        DamagedModel: a model file that is incomplete or damaged.
        UnfitTable: a table that does not fit the network.

    >>> iris = load("iris")
    >>> len(iris.examples), iris.fitted.classes
    (150, ('setosa', 'versicolor', 'virginica'))
    """
    accepted(_net, net, "net")
    data, seed = accepted(optional(path_of_file), data, "data"), accepted(optional(integer(0)), seed, "seed")
    accepted(optional(function), progress, "progress")
    targets = None if target is None else accepted(columns, target, "target")
    task = accepted(optional(either(*get_args(Task))), task, "task")  # type: ignore[arg-type]  # one of these words
    sizes = accepted(optional(_sizes), hidden, "hidden")
    about = about_table(exclude=exclude, categorical=categorical, na=na, decimal=decimal, names=names)
    if is_table(net):
        if data is not None:
            raise InvalidArgument(f"{abridged(str(net), 200)}: found a table and --data; give one of them")
        return made(net, targets, task=task, hidden=sizes, about=about, seed=seed, progress=progress)[1]
    problem, reader = _opened(net, told(activations, loss, optimizer))
    for name, given in (("task", task), ("hidden", hidden)):
        if given is not None:
            raise InvalidArgument(f"--{name} is for a network made for a table; {abridged(str(net), 200)} has its own")
    problem = _reseeded(problem, seed, redraw=not reader.trained)
    if targets is not None and data is None and (problem.of_others or not (reader.trained or problem.data)):
        raise InvalidArgument("--target names a column of a table; give the table with --data")
    model = reader.trained or problem.of_others
    for name in filter(about.get, ("exclude", "categorical") if model else ()):
        raise InvalidArgument(f"--{name} is for a network file or a table; a model knows its columns")
    table = None if model else _table(problem, data, targets)
    if about and data is None and table is None:
        raise InvalidArgument(f"--{next(iter(about))} says how a table is read; give the table with --data")
    if model:
        return _with_rows(problem, None if data is None else _reading(data, progress, about), targets)
    if table is None:
        return problem
    if data is None and problem.examples is not None:
        raise InvalidArgument(f"{problem.name}: found both [[examples]] and [data]; leave one of them out")
    from clearprop.tables.made_for import without_target
    from clearprop.tables.prepare import prepared

    reading = _reading(table.file if data is not None else examples.beside(net) / table.file, progress)
    more = {name: (*getattr(table, name), *about.get(name, ())) for name in ("exclude", "categorical")}
    table = replace(table, **about | {name: tuple(dict.fromkeys(found)) for name, found in more.items()})
    if not table.target:
        raise without_target(reading, table.names)
    named = (*(targets or ()), *about.get("exclude", ()), *about.get("categorical", ()))
    return prepared(replace(problem, examples=None), table, reading, named)


def told(activations: str | Sequence[str] | None = None, loss: Any = None, optimizer: Any = None) -> Told:
    """Return what a request says of a file of another framework; losses and optimizers of theirs are understood."""
    given = split_names(activations) if isinstance(activations, str) else activations
    names = accepted(optional(list_of(string, "names, or names between commas")), given, "activations")
    if loss is not None or optimizer is not None:
        from clearprop.interop.live import loss_of, optimizer_of

        loss = None if loss is None else loss_of(loss)
        optimizer = None if optimizer is None else optimizer_of(optimizer)
    return Told(None if names is None else tuple(names), loss, optimizer)


def split_names(text: str) -> list[str]:
    """Return names and expressions between commas; those within parentheses separate nothing.

    >>> split_names("max(z, 0), softmax")
    ['max(z, 0)', 'softmax']
    """
    found, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth <= 0:
            found.append("")
        else:
            found[-1] += character
    return [each.strip() for each in found]


def _reading(
    path: str | os.PathLike[str], progress: ReadingProgress | None, about: Mapping[str, Any] | None = None
) -> Callable[[Wanted], Table]:
    """Return how to read a table, given what is wanted of it; ``about`` says how it is written."""
    from clearprop.tables.read import read_table

    written = {name: value for name, value in (about or {}).items() if name in ("na", "decimal", "names")}
    return lambda wanted: read_table(Path(path), replace(wanted, **written), progress)


def _reseeded(problem: Problem, seed: int | None, redraw: bool) -> Problem:
    """Return the problem with another seed; ``redraw`` the weights and biases that were drawn at random."""
    old = problem.settings.seed
    if seed is None or seed == old:
        return problem
    problem = replace(problem, settings=replace(problem.settings, seed=seed))
    if not redraw:
        return problem
    drawn, again = (Parameters.random(problem.network, each).vector for each in (old, seed))
    vector = problem.parameters.vector
    return replace(problem, parameters=problem.parameters.with_vector(np.where(vector == drawn, again, vector)))


def _table(problem: Problem, data: str | os.PathLike[str] | None, targets: tuple[str, ...] | None) -> Data | None:
    """Return the description of the table to read, if there is one."""
    if data is None and problem.data is None:
        return None
    table = problem.data or Data("", targets or ())
    if data is not None:
        table = replace(table, file=str(data))
    return table if targets is None else replace(table, target=targets)


def _with_rows(problem: Problem, reading: Callable[[Wanted], Table] | None, targets: tuple[str, ...] | None) -> Problem:
    """Return the problem of a model with the rows of a table, if there is one."""
    if targets is not None and not problem.of_others:
        raise InvalidArgument("--target is for a network file; a model knows its target")
    if reading is None:
        return problem
    if problem.of_others:
        from clearprop.interop.rows import with_table

        return with_table(problem, reading, targets)
    if problem.fitted is None:
        raise InvalidArgument(f"{problem.name}: this model was not trained on a table; leave out --data")
    from clearprop.tables.prepare import with_rows

    return with_rows(problem, reading)
