"""HDF5 files, read in a process of their own (``hdf5_process.py``): a damaged one can make libhdf5 run for ever."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import MissingExtra
from clearprop.interop.numbers import numbers
from clearprop.interop.problem import damaged
from clearprop.messages import abridged
from clearprop.network.description import MAX_PARAMETERS
from clearprop.types import Array

SECONDS, PER_SECOND = 6.0, 2**25
"""How long reading may take; longer for a file of more bytes than a slow disk gives in the meantime."""
PROGRAM = Path(__file__).with_name("hdf5_process.py")
FLOATS = {each: each for each in ("<f2", "<f4", "<f8", "<f16")} | {"|V2": "bf16"}
"""What numbers may be sent as. Of bfloat16 HDF5 knows only that each has two bytes."""


def started() -> subprocess.Popen[bytes]:
    """Start the process. It takes libraries from where this one does, and from nowhere else."""
    line = [sys.executable, "-I", str(PROGRAM), *sys.path]
    return subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


class Hdf5:
    """An open file: what lies at a path of names, or None.

    Raises:
        DamagedModel: links, other files, shapes without their bytes, and whatever the library cannot read.
        MissingExtra: h5py is not installed.
    """

    def __init__(self, process: subprocess.Popen[bytes], seconds: float, shown: str) -> None:
        self.process, self.seconds, self.shown, self.late = process, seconds, shown, False

    def end(self) -> None:
        """End the process, which has not answered in time."""
        self.late = True
        self.process.kill()

    def ask(self, request: Any, raw: bytes = b"") -> dict[str, Any]:
        """Return the answer to a request."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(OSError):  # it has ended: there is no answer
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.write(raw)
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        self._in_time()
        answer: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {"broken": "reading it fails"}
        if "missing" in answer:
            raise MissingExtra("reading Keras files", answer["missing"], "keras")
        if "refused" in answer:
            name, what = answer["refused"]
            raise damaged(self.shown, f"{abridged(str(name), 60)} {what}")
        if "broken" in answer:
            raise damaged(self.shown, f"its HDF5 part is not whole ({answer['broken']})")
        return answer

    def _in_time(self) -> None:
        if self.late:
            raise damaged(self.shown, f"its HDF5 part cannot be read within {self.seconds:g} seconds")

    def has(self, *path: str) -> bool:
        """Return whether something lies there."""
        return bool(self.ask(["group", path])["found"])

    def text(self, path: Sequence[str], name: str) -> str | None:
        """Return an attribute of text."""
        found: str | None = self.ask(["text", path, name]).get("text")
        return found

    def texts(self, path: Sequence[str], name: str) -> list[str]:
        """Return an attribute that lists texts."""
        return list(self.ask(["texts", path, name]).get("texts", ()))

    def array(self, path: Sequence[str]) -> Array | None:
        """Return the numbers of a data set."""
        answer = self.ask(["array", path])
        if not answer["found"]:
            return None
        kind, shape = FLOATS[answer["dtype"]], tuple(map(int, answer["shape"]))
        assert self.process.stdout is not None
        raw = self.process.stdout.read(math.prod(shape) * np.dtype(answer["dtype"]).itemsize)
        self._in_time()
        return numbers(raw, kind).reshape(shape)


@contextmanager
def opened(source: str | os.PathLike[str] | bytes, shown: str) -> Iterator[Hdf5]:
    """Open a file, or the bytes of one, for as long as reading it may take."""
    size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
    seconds = SECONDS + size // PER_SECOND
    with started() as process:
        file = Hdf5(process, seconds, shown)
        clock = threading.Timer(seconds, file.end)
        clock.daemon = True
        clock.start()
        path = None if isinstance(source, bytes) else str(Path(source).absolute())
        about = {"path": path, "size": size, "most": MAX_PARAMETERS, "seconds": seconds}
        try:
            file.ask(about, source if isinstance(source, bytes) else b"")
            yield file
        finally:
            clock.cancel()
            process.kill()
            with suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]
