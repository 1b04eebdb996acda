"""Loading: a network file with its table, or a model, by path or by the name of an example."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from clearprop import examples
from clearprop.errors import InvalidArgument, UnreadableFile
from clearprop.messages import abridged, unknown
from clearprop.network.data import Data
from clearprop.network.parameters import Parameters
from clearprop.network.problem import Problem
from clearprop.network.read import read, read_file
from clearprop.tables.csv_file import Progress


def is_model(path: Path) -> bool:
    """Whether a file is meant as a model: by its name, or by how safetensors files begin."""
    if path.suffix == ".safetensors":
        return True
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except (OSError, ValueError):
        return False
    # Eight bytes of length, little-endian, then the header's brace. A text has no zero bytes.
    return len(head) == 9 and head[8:] == b"{" and 0 in head[:8]


def read_network(net: str | os.PathLike[str]) -> Problem:
    """Return the problem in a network file, or the bundled example of that name."""
    path = Path(net)
    if isinstance(net, str) and net in examples.DESCRIPTIONS:
        return read(examples.source(net), net)
    if not os.path.exists(path) and not path.suffix and len(path.parts) == 1:
        hint = unknown("example", str(net), examples.DESCRIPTIONS)
        raise UnreadableFile(f'"{abridged(str(net))}": no such file, and {hint}')
    return read_file(path)


def load_network(net: str | os.PathLike[str]) -> Problem:
    """The problem in a network file or a model, without looking at any table."""
    if not is_model(Path(net)):
        return read_network(net)
    from clearprop.models.read import load_model

    return load_model(net).problem


def load(
    net: str | os.PathLike[str],
    *,
    data: str | os.PathLike[str] | None = None,
    target: str | tuple[str, ...] | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Problem:
    """The problem in a network file or a model, or the bundled example of that name.

    A table that the file names under ``[data]`` is read from beside it; ``data`` and ``target`` take
    the place of its file and its target, ``seed`` that of its own: of random weights, of the split
    and of shuffling. ``progress`` is told how many bytes of a table have been
    read, of how many.

    Raises:
        UnreadableFile: missing, a folder, binary, too large, or not TOML.
        InvalidNetwork: everything that is wrong with what it says.
        DamagedModel: a model file that is not whole.
        UnfitTable: a table that does not fit the network.

    >>> iris = load("iris")
    >>> len(iris.examples), iris.fitted.classes
    (150, ('setosa', 'versicolor', 'virginica'))
    """
    targets = (target,) if isinstance(target, str) else target
    if is_model(Path(net)):
        return _model(net, data, targets, seed, progress)
    problem = reseeded(read_network(net), seed)
    asked = _asked(problem, data, targets)
    if asked is None:
        return problem
    if data is None and problem.examples is not None:
        raise InvalidArgument(f"{problem.name}: found both [[examples]] and [data]; leave one of them out")
    from clearprop.training.given import from_file

    path = Path(asked.file) if data is not None else examples.beside(net) / asked.file
    return from_file(replace(problem, examples=None), asked, path, progress)


def reseeded(problem: Problem, seed: int | None) -> Problem:
    """The problem with another seed, and every layer that was drawn at random drawn again."""
    old = problem.settings.seed
    if seed is None or seed == old:
        return problem
    network = problem.network
    drawn, again = Parameters.random(network, old), Parameters.random(network, seed)
    changed = problem.parameters.with_vector(problem.parameters.vector.copy())
    for layer in range(network.depth):
        if (changed.weights(layer) == drawn.weights(layer)).all():
            changed.weights(layer)[:] = again.weights(layer)
    return replace(problem, parameters=changed, settings=replace(problem.settings, seed=seed))


def _asked(problem: Problem, data: str | os.PathLike[str] | None, targets: tuple[str, ...] | None) -> Data | None:
    """What is asked of a table, if there is one."""
    if data is None and problem.data is None:
        if targets is not None:
            raise InvalidArgument("--target names a column of a table; give the table with --data")
        return None
    if targets is None and problem.data is None:
        raise InvalidArgument(f"{problem.name}: which column of the table is the target? Name it with --target")
    asked = problem.data or Data("", targets or ())
    if data is not None:
        asked = replace(asked, file=str(data))
    return asked if targets is None else replace(asked, target=targets)


def _model(
    net: str | os.PathLike[str],
    data: str | os.PathLike[str] | None,
    targets: tuple[str, ...] | None,
    seed: int | None,
    progress: Progress | None,
) -> Problem:
    problem = load_network(net)
    if seed is not None:
        problem = replace(problem, settings=replace(problem.settings, seed=seed))
    if targets is not None:
        raise InvalidArgument("--target is for a network file; a model knows its target")
    if data is None:
        return problem
    if problem.fitted is None:
        raise InvalidArgument(f"{abridged(str(net), 200)}: this model was not trained on a table; leave out --data")
    from clearprop.tables.prepare import with_rows
    from clearprop.tables.read import read_table

    return with_rows(problem, lambda wanted: read_table(Path(data), wanted, progress))
