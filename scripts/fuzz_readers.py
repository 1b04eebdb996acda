"""Mutate files of other frameworks and read them: each must be read, or refused with one message.

    .venv/test/bin/python scripts/fuzz_readers.py --count 100000 --seed 0 .onnx .keras

COUNT mutated files of each kind: bytes changed, cut out, doubled, cut off, numbers made extreme, also within the parts
of archives. Files are read in a process that has none of the frameworks; a file that ends it, takes longer than ten
seconds or more than 1 GB of memory, fails with anything but one of clearprop's messages, or makes something run, is
kept in the folder of faults, and the next file is read. Exit code 1 if there was one.

HDF5 is read in a thread, ten times as fast as in the process that clearprop gives it; a file that ends or stops that is
read again with its process.
"""

from __future__ import annotations

import argparse
import io
import json
import mmap
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.simplefilter("ignore")

import clearprop as cp  # noqa: E402
from clearprop.errors import ClearpropError  # noqa: E402
from clearprop.interop import hdf5, hdf5_process  # noqa: E402
from clearprop.interop.convert import WRITERS  # noqa: E402
from clearprop.interop.hdf5_process import serve  # noqa: E402
from clearprop.interop.problem import NoActivations  # noqa: E402

SECONDS, MEMORY = 10, 2**30
SOON = 2
"""Seconds after which a file is read again with a process for HDF5, as one that libhdf5 reads for ever."""
FAST = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
"""Where files are written: in memory, where there is such a folder."""
EACH = 2_000
"""Files that one process reads: of what libraries leave behind after a broken file, a little stays each time."""
EXTREME = (
    b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7, b"\x80" + b"\0" * 7, b"9" * 12, b"-1", b"1e999", b"NaN", b"[" * 64,
)  # fmt: skip
FORBIDDEN = ("os.system", "subprocess.Popen", "os.exec", "os.fork", "socket.connect", "os.posix_spawn")


# --- sound files ----------------------------------------------------------------------------------


def _written(suffix: str) -> bytes:
    network = cp.Network(3, [cp.Dense(4, "gelu"), cp.Dense(2, "softmax")])
    return WRITERS[suffix](cp.Problem(network, cp.Parameters.random(network)))[0]


def _tensors() -> bytes:
    header = json.dumps({"0.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    return len(header).to_bytes(8, "little") + header + np.zeros(6, "f4").tobytes()


def _module() -> Any:
    from torch import nn

    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).eval()


def _saved(save: Callable[[Path], object], name: str = "m") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save(path := Path(folder) / name)
        return path.read_bytes()


def _torch(what: Any, **options: Any) -> bytes:
    import torch

    return _saved(lambda path: torch.save(what, path, **options))


def _program() -> bytes:
    import torch

    raw = io.BytesIO()
    torch.export.save(torch.export.export(_module(), (torch.zeros(2, 3),)), raw)
    return raw.getvalue()


def _keras(name: str) -> bytes:
    import keras

    layers = keras.layers
    model = keras.Sequential([layers.Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(2)])
    model.compile(optimizer="adam", loss="mse")
    return _saved(model.save, name)


def _skops() -> bytes:
    import skops.io as sio
    from sklearn.neural_network import MLPRegressor

    rows = np.random.default_rng(0).normal(size=(20, 3))
    return sio.dumps(MLPRegressor(hidden_layer_sizes=(4,), max_iter=2).fit(rows, rows[:, 0]))  # type: ignore[no-any-return]


SEEDS: dict[str, Callable[[], bytes]] = {
    ".pt": lambda: _written(".pt"),
    "seq.pt": lambda: _torch(_module()),
    "legacy.pt": lambda: _torch(_module().state_dict(), _use_new_zipfile_serialization=False),
    ".pt2": _program,
    ".onnx": lambda: _written(".onnx"),
    ".keras": lambda: _keras("m.keras"),
    ".h5": lambda: _keras("m.h5"),
    ".safetensors": _tensors,
    ".skops": _skops,
    "own.safetensors": lambda: _written(".safetensors"),
    ".toml": lambda: _written(".toml"),
}
"""How a small sound file of each kind is made."""


# --- faults ---------------------------------------------------------------------------------------


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """Return a file with one to four faults; in an archive often within one of its parts."""
    if raw.startswith(b"PK") and chance.random() < 0.6:
        with zipfile.ZipFile(io.BytesIO(raw)) as file:
            parts = {name: file.read(name) for name in file.namelist()}
        name = chance.choice([*parts])
        parts[name] = mutated(b"x" + parts[name], chance)[1:]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as file:
            for each, content in parts.items():
                file.writestr(each, content)
        return packed.getvalue()
    changed = bytearray(raw)
    in_place = chance.random() < 0.5  # the rest of a file whose lengths do not fit is hardly looked at
    for _ in range(chance.randint(1, 4)):
        if not changed:
            break
        at = chance.randrange(len(changed))
        match chance.randrange(2 if in_place else 6):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                changed[at] ^= 1 << chance.randrange(8)
            case 2:
                del changed[at : at + chance.choice([1, 2, 8, 100])]
            case 3:
                changed[at:at] = changed[at : at + chance.choice([1, 8, 100])]
            case 4:
                del changed[at:]
            case 5:
                extreme = chance.choice(EXTREME)
                changed[at : at + len(extreme)] = extreme
    return bytes(changed)


class Threaded:
    """Stands for the process that reads HDF5 files: a thread of this one."""

    def __init__(self) -> None:
        (here, self_in), (self_out, there) = os.pipe(), os.pipe()
        self.stdin, self.stdout = os.fdopen(self_in, "wb"), os.fdopen(self_out, "rb")
        self.thread = threading.Thread(target=self.serve, args=(here, there), daemon=True)
        self.thread.start()

    @staticmethod
    def serve(here: int, there: int) -> None:
        """Answer until nobody asks."""
        with suppress(OSError), os.fdopen(here, "rb") as requests, os.fdopen(there, "wb") as answers:
            serve(requests, answers)

    def kill(self) -> None:
        """Ask for nothing more; who waits for a thread that goes on is ended by the clock."""

    def __enter__(self) -> Threaded:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.thread.join()


def _threaded() -> None:
    """Read HDF5 in a thread. Its time is that of this process, which lives on."""
    hdf5.started = Threaded  # type: ignore[assignment]
    lower = hdf5_process._lower

    def memory_only(resource: Any, which: int, most: int) -> None:
        if which != resource.RLIMIT_CPU:
            lower(resource, which, most)

    hdf5_process._lower = memory_only


# --- reading --------------------------------------------------------------------------------------


def read(path: Path) -> bool:
    """Return whether a reading took the file; fail if it was refused with anything but a message."""
    try:
        try:
            cp.load(path)
        except NoActivations:
            cp.load(path, activations="relu,identity")  # type: ignore[arg-type]
    except ClearpropError as error:
        if error.exit_code not in (1, 2) or len(str(error)) > 2_000:
            raise AssertionError(f"a message that is none: {error}") from error
        return False
    return True


def _end_if_it_runs(event: str, _: object) -> None:
    if event in FORBIDDEN:
        print(f"a file made {event} run", flush=True)
        os._exit(1)  # an exception would become "its content makes no sense"


def read_on(kind: str, raw: bytes, numbers: range, seed: int, path: Path, reached: mmap.mmap) -> None:
    """Read mutated files until one fails; this process ends then. ``reached`` says how far it came."""
    path.write_bytes(raw)
    read(path)  # what the libraries run when they are imported is no fault of a file
    with suppress(ImportError):
        import h5py  # noqa: F401
    _threaded()
    sys.addaudithook(_end_if_it_runs)
    slowest, taken = 0.0, 0
    for number in numbers:
        reached[:8] = number.to_bytes(8, "little")
        path.write_bytes(mutated(raw, random.Random(f"{seed} {kind} {number}")))
        _end_after(SOON)
        began = time.monotonic()
        try:
            taken += read(path)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        _end_after(0)
        slowest = max(slowest, time.monotonic() - began)
        if (memory := _memory()) > MEMORY:
            print(f"{memory / 2**20:,.0f} MB")
            os._exit(1)
    print(f"{kind}: files {numbers[0]:,} to {numbers[-1]:,}: {taken:,} taken, slowest {slowest:.2f} s, "
          f"{memory / 2**20:,.0f} MB", flush=True)  # fmt: skip
    os._exit(0)


def _end_after(seconds: float) -> None:
    """End this process after so many seconds of work, also in native code that loops, or many more of waiting: a busy
    machine is no fault of a file."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(round(60 * seconds))


def _memory() -> int:
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) * 1024


def read_again(path: Path) -> None:
    """Read one file as clearprop reads it, with a process for HDF5 that is given up sooner; this process ends then."""
    hdf5.SECONDS = SOON
    _end_after(SECONDS)
    try:
        read(path)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(int(_memory() > MEMORY))


def faults_of(kind: str, raw: bytes, count: int, seed: int, kept: Path) -> int:
    """Return how many mutated files of a kind fail, and keep them."""
    found, first, again, reached = 0, 0, 0, mmap.mmap(-1, 8)
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        path = Path(folder) / f"m{kind}"
        while first < count:
            if (child := os.fork()) == 0:
                read_on(kind, raw, range(first, min(first + EACH, count)), seed, path, reached)
            status = os.waitpid(child, 0)[1]
            if status == 0:
                first += EACH
                continue
            number = int.from_bytes(reached[:8], "little")
            first = number + 1
            if os.WIFSIGNALED(status) and os.path.getsize(path):
                again += 1
                if (child := os.fork()) == 0:
                    read_again(path)
                if (status := os.waitpid(child, 0)[1]) == 0:
                    continue
            found += 1
            kept.mkdir(exist_ok=True)
            (at := kept / f"{number}{kind}").write_bytes(path.read_bytes())
            ended = f"by {signal.Signals(os.WTERMSIG(status)).name}" if os.WIFSIGNALED(status) else "with a fault"
            print(f"{kind}: file {number} (seed {seed}) ended its reading {ended}; kept as {at}", flush=True)
    print(f"{kind}: {count:,} files, seed {seed}: {found} faults, {again} read again with a process", flush=True)
    return found


def seed_of(kind: str) -> bytes | None:
    """Return a sound file, made in a process that ends: its framework is not there when files are read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        if (child := os.fork()) == 0:
            try:
                path.write_bytes(SEEDS[kind]())
            except (ImportError, ClearpropError) as error:
                print(f"{kind}: left out: {error}", flush=True)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        return path.read_bytes() if path.exists() else None


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=f"kinds: {', '.join(SEEDS)}"
    )
    parser.add_argument("kinds", nargs="*", default=[*SEEDS], metavar="KIND", help="kinds of files; default all")
    parser.add_argument("--count", type=int, default=100_000, help="mutated files of each kind (default 100,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    parser.add_argument("--faults", type=Path, default=Path("faults"), help="folder for the files that fail")
    parser.add_argument("--file", type=Path, help="read this one kept file, and show how it fails")
    given = parser.parse_args()
    if given.file:
        _end_after(SECONDS)
        print("taken" if read(given.file) else "refused")
        return 0
    for kind in given.kinds:
        if kind not in SEEDS:
            parser.error(f"{kind}: no such kind; the kinds are {', '.join(SEEDS)}")
    raws = {kind: seed_of(kind) for kind in given.kinds}
    found = [faults_of(kind, raw, given.count, given.seed, given.faults) for kind, raw in raws.items() if raw]
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
