"""Write a problem as a file of another framework, or of clearprop: the end of its name says which."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from clearprop.atomic_write import write_atomically
from clearprop.errors import InvalidArgument
from clearprop.interop.layers_of import MOST
from clearprop.messages import abridged
from clearprop.network.data import shown_label
from clearprop.network.problem import Problem
from clearprop.network.write import write

Bytes = Callable[[Problem], tuple[bytes, list[str]]]


def _network_file(problem: Problem) -> tuple[bytes, list[str]]:
    notes = []
    fitted = problem.fitted
    if fitted is not None and not fitted.leaves_as_they_are(tuple(each.name for each in fitted.columns)):
        raise InvalidArgument(
            "a network file cannot hold what was fitted on a table, so its outputs would be others; write .safetensors"
        )
    if fitted is not None and fitted.standardized:
        raise InvalidArgument("a network file cannot hold the scaling of targets; write .safetensors")
    if fitted is not None and fitted.classes is not None:
        notes.append("a network file has no classes: its outputs keep their names")
    return write(problem).encode(), notes


def _model(problem: Problem) -> tuple[bytes, list[str]]:
    from clearprop.models.model import Model, content, require_savable

    require_savable(problem)
    return content(Model(problem)), []


def _onnx(problem: Problem) -> tuple[bytes, list[str]]:
    from clearprop.interop.write_onnx import written_model

    model, notes = written_model(problem)
    return model.SerializeToString(), notes


def _torch(problem: Problem) -> tuple[bytes, list[str]]:
    from clearprop.interop.write_torch import state_dict_bytes

    return state_dict_bytes(problem)


def _keras(problem: Problem) -> tuple[bytes, list[str]]:
    from clearprop.interop.write_keras import keras_bytes

    return keras_bytes(problem)


WRITERS: Mapping[str, Bytes] = {
    ".toml": _network_file,
    ".safetensors": _model,
    ".onnx": _onnx,
    ".pt": _torch,
    ".pth": _torch,
    ".keras": _keras,
}


def writer_of(target: str | os.PathLike[str]) -> Bytes:
    """Return what writes a file of that name.

    Raises:
        InvalidArgument: no kind of file that is written ends so.
    """
    suffix = Path(target).suffix.lower()
    if suffix not in WRITERS:
        raise InvalidArgument(
            f"{abridged(str(target), 200)}: expected a name that ends in {', '.join(WRITERS)}, found "
            f"{abridged(suffix, 20) or 'no end'}"
        )
    return WRITERS[suffix]


def convert(problem: Problem, target: str | os.PathLike[str]) -> list[str]:
    """Write the problem, whole or not at all; return what the file cannot hold."""
    content, notes = writer_of(target)(problem)
    write_atomically(target, content)
    return [*notes, *_outputs(problem, target)]


def _outputs(problem: Problem, target: str | os.PathLike[str]) -> list[str]:
    """Return a note on the order of the outputs, where the file's own framework has no names for them."""
    own = Path(target).suffix.lower() in (".toml", ".safetensors")
    if own or problem.fitted is None or problem.fitted.classes is None:
        return []
    names = [abridged(shown_label(each), 30) for each in problem.fitted.classes]
    only = "only clearprop can read its class names"
    if problem.network.sizes[-1] == 1:
        return [f"{only}; its output is near 0 for {names[0]}, near 1 for {names[1]}"]
    return [f"{only}; its outputs are, in order: {', '.join(names[:MOST])}{', …' if len(names) > MOST else ''}"]
