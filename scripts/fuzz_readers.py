"""Mutate files of other frameworks and read them: each must be read, or refused with one message.

    .venv/test/bin/python scripts/fuzz_readers.py [COUNT] [SEED]

COUNT mutated files of each kind (default 100,000): bytes changed, cut out, doubled, cut off, numbers made extreme, also
within the parts of archives. It fails on a traceback, a file that takes more than 10 seconds, more than 1 GB of memory,
and anything that a file makes run.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.simplefilter("ignore")

import clearprop as cp  # noqa: E402
from clearprop.errors import ClearpropError  # noqa: E402
from clearprop.interop.convert import WRITERS  # noqa: E402

SECONDS, MEMORY = 10.0, 2**30
EXTREME = (
    b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7, b"\x80" + b"\0" * 7, b"9" * 12, b"-1", b"1e999", b"NaN", b"[" * 64,
)  # fmt: skip


def seeds() -> Iterator[tuple[str, bytes]]:
    """Yield a small sound file of each kind that the installed frameworks can make."""
    network = cp.Network(3, [cp.Dense(4, "gelu"), cp.Dense(2, "softmax")])
    problem = cp.Problem(network, cp.Parameters.random(network))
    for suffix in (".pt", ".onnx", ".keras"):
        try:
            yield suffix, WRITERS[suffix](problem)[0]
        except ClearpropError as error:
            print(f"{suffix}: left out: {error}")
    header = json.dumps({"0.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    yield ".safetensors", len(header).to_bytes(8, "little") + header + np.zeros(6, "f4").tobytes()
    for suffix, make in (("legacy.pt", _legacy), ("seq.pt", _sequential), (".pt2", _program), (".h5", _h5),
                         (".skops", _skops)):  # fmt: skip
        try:
            yield suffix, make()
        except ImportError as error:
            print(f"{suffix}: left out: {error}")


def _module() -> object:
    import torch

    return torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.Linear(4, 2)
    ).eval()


def _saved(save: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "m")
        return (Path(folder) / "m").read_bytes()


def _legacy() -> bytes:
    import torch

    module = _module()
    return _saved(lambda path: torch.save(module.state_dict(), path, _use_new_zipfile_serialization=False))  # type: ignore[attr-defined]


def _sequential() -> bytes:
    import torch

    return _saved(lambda path: torch.save(_module(), path))


def _program() -> bytes:
    import torch

    raw = io.BytesIO()
    torch.export.save(torch.export.export(_module(), (torch.zeros(2, 3),)), raw)
    return raw.getvalue()


def _h5() -> bytes:
    import keras

    layers = keras.layers
    model = keras.Sequential([layers.Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(2)])
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "m.h5")
        return (Path(folder) / "m.h5").read_bytes()


def _skops() -> bytes:
    import skops.io as sio
    from sklearn.neural_network import MLPRegressor

    rows = np.random.default_rng(0).normal(size=(20, 3))
    return sio.dumps(MLPRegressor(hidden_layer_sizes=(4,), max_iter=2).fit(rows, rows[:, 0]))  # type: ignore[no-any-return]


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
    for _ in range(chance.randint(1, 4)):
        if not changed:
            break
        at = chance.randrange(len(changed))
        match chance.randrange(5):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.choice([1, 2, 8, 100])]
            case 2:
                changed[at:at] = changed[at : at + chance.choice([1, 8, 100])]
            case 3:
                del changed[at:]
            case 4:
                extreme = chance.choice(EXTREME)
                changed[at : at + len(extreme)] = extreme
    return bytes(changed)


def refuse_to_run(event: str, _: object) -> None:
    """Fail if reading starts a process, connects anywhere, or compiles code."""
    if event in ("os.system", "subprocess.Popen", "os.exec", "socket.connect", "os.posix_spawn") and ARMED:
        raise AssertionError(f"a file made {event} run")


ARMED: list[bool] = []


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    found = [*seeds()]
    sys.addaudithook(refuse_to_run)
    for kind, raw in found:
        chance, taken, slowest = random.Random(f"{seed} {kind}"), 0, 0.0
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"m{kind}"
            for number in range(count):
                path.write_bytes(content := mutated(raw, chance))
                began = time.monotonic()
                ARMED.append(True)
                try:
                    for told in ({"activations": "relu,identity"}, {}):
                        try:
                            cp.load(path, **told)  # type: ignore[arg-type]
                            taken += 1
                        except ClearpropError as error:
                            if error.exit_code not in (1, 2) or len(str(error)) > 2_000:
                                raise AssertionError(f"a message that is none: {error}") from error
                except BaseException:
                    Path(f"fault{kind}").write_bytes(content)
                    print(f"{kind}: file {number} (seed {seed}) fails; it is kept as fault{kind}")
                    raise
                finally:
                    ARMED.pop()
                slowest = max(slowest, time.monotonic() - began)
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                if slowest > SECONDS or memory > MEMORY + 2 * MEMORY:  # beside what the frameworks themselves take
                    Path(f"fault{kind}").write_bytes(content)
                    print(f"{kind}: file {number}: {slowest:.1f} s, {memory / 2**20:,.0f} MB")
                    return 1
        print(f"{kind}: {count:,} files, {taken:,} readings taken, the slowest file {slowest:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
