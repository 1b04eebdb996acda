"""What several tests need: random networks, the lecture's numbers, the command."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

import clearprop as cp
from clearprop.cli import run

HANG = 200
"""Seconds after which a process or a thread counts as hanging: far more than any of them takes on a busy machine."""

SMOOTH = ("identity", "logistic", "tanh", "softplus", "gelu", "silu", "z * logistic(z)", "log(1 + z**2)")
KINKED = ("relu", "leaky_relu", "elu", "selu")
LOSSES = ("half_squared_error", "squared_error", "absolute_error", "huber", "(t - y)**2 + 0.1 * (t - y)**4")

# As the lecture prints them: cut off after five decimals.
LECTURE = {
    "sum_h1": "0.41", "sum_h2": "0.47", "sum_o1": "1.01977", "sum_o2": "1.26306",
    "output_h1": "0.60108", "output_h2": "0.61538", "output_o1": "0.73492", "output_o2": "0.77955",
    "E_1": "0.23456", "E_2": "0.01452", "E_total": "0.24908",
}  # fmt: skip
LECTURE_GRADIENTS = {"w1": "0.00110", "w5": "0.08020", "w6": "0.08211", "w7": "-0.01760", "w8": "-0.01802"}
LECTURE_UPDATED = {
    "w1": "0.09933", "w2": "0.19919", "w3": "0.29667", "w4": "0.39597",
    "w5": "0.45187", "w6": "0.55073", "w7": "0.71056", "w8": "0.81081",
}  # fmt: skip
LECTURE_COMPONENTS = {
    "∂E_total/∂output_o1": "0.68492",
    "∂output_o1/∂sum_o1": "0.19480",
    "∂E_total/∂output_o2": "-0.17044",
    "∂output_o2/∂sum_o2": "0.17184",
    "∂output_h1/∂sum_h1": "0.23978",
}


class EachEpoch(cp.Callback):
    """Calls a function after each epoch."""

    def __init__(self, function: Callable[[int, Mapping[str, float]], Any]) -> None:
        self.function = function

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> Any:
        return self.function(epoch, logs)


def with_rows_aside(problem: cp.Problem, aside: list[int]) -> cp.Problem:
    """The problem with these examples set aside."""
    assert problem.examples is not None
    learnt = np.setdiff1d(np.arange(len(problem.examples)), aside)
    return replace(problem, examples=replace(problem.examples, training=learnt, validation=np.array(aside)))


@st.composite
def problems(
    draw: st.DrawFn, *, max_depth: int = 4, kinks: bool = True, optimizer: Any = None, weights: bool = False
) -> cp.Problem:
    """Random networks with their numbers, loss, penalty and examples, and with ``weights`` how much these count."""
    depth = draw(st.integers(1, max_depth))
    names = SMOOTH + KINKED if kinks else SMOOTH
    sizes = draw(st.lists(st.integers(1, 4), min_size=depth, max_size=depth))
    inputs = draw(st.integers(1, 4))
    last = draw(st.sampled_from(["any", "any", "softmax", "logistic"]))
    layers = []
    for index, size in enumerate(sizes):
        final = index == depth - 1
        hidden = draw(st.sampled_from((*names, "softmax")))
        layers.append(
            cp.Dense(
                size,
                last if final and last != "any" else hidden,
                bias=draw(st.sampled_from(["unit", "shared", "none"])),
                train_bias=draw(st.booleans()),
            )
        )
    regression = LOSSES if kinks else ("half_squared_error", "squared_error", LOSSES[-1])
    fitting = {"softmax": ("categorical_cross_entropy",), "logistic": ("binary_cross_entropy",)}.get(last, ())
    rule = cp.loss(draw(st.sampled_from((*regression, *fitting))))
    over_examples: Any = st.sampled_from(["sum", "mean", *(["weighted_mean"] if weights else [])])
    objective = cp.Objective(rule, draw(st.sampled_from(["sum", "mean"])), draw(over_examples))
    network = cp.Network(inputs, layers, objective)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    parameters = cp.Parameters.random(network, draw(st.integers(0, 1000)))
    parameters.vector[:] = rng.normal(size=parameters.vector.size) * 0.8
    rows = draw(st.integers(1, 3))
    targets = rng.uniform(0.05, 0.95, (rows, sizes[-1]))
    if rule.name == "categorical_cross_entropy":
        targets /= targets.sum(axis=1, keepdims=True)
    penalty = draw(st.sampled_from([cp.Penalty(), cp.Penalty(l2=0.1), cp.Penalty(l1=0.05), cp.Penalty(0.02, 0.03)]))
    penalty = replace(penalty, divide_by_examples=draw(st.booleans()))
    counts = st.lists(st.sampled_from([0.0, 0.3, 1.0, 2.0, 3.75]), min_size=rows, max_size=rows)
    counted = np.array(draw(counts)) if weights else None
    examples = cp.Examples(rng.normal(size=(rows, inputs)), targets, counted)
    return cp.Problem(network, parameters, optimizer or cp.SGD(0.1), penalty=penalty, examples=examples)


def command(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """``clearprop ARGUMENTS`` in this process: the same as ``process`` without the second in which that starts."""
    printed, complained = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with chdir(cwd or "."), redirect_stdout(printed), redirect_stderr(complained):
        code = run(list(arguments))
    texts = (each.buffer.getvalue().decode() for each in (printed, complained))
    return subprocess.CompletedProcess(arguments, code, *texts)


def process(*arguments: str, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """``clearprop ARGUMENTS`` as its own process."""
    environment = {**os.environ, "PYTHONUTF8": "1", **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "clearprop", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=HANG,
        check=False,
        **options,
    )


SIGNALLED = """
import os, sys
from clearprop.atomic_write import write_atomically
from clearprop.cli import main
from clearprop.cli.signals import Interrupts
from clearprop.training import checkpoint

signals, after = [int(each) for each in sys.argv[2].split(",")], int(sys.argv[3])
what, sys.argv[1:] = sys.argv[1], sys.argv[4:]
seen = 0

def note():
    global seen
    seen += 1
    if seen >= after and signals:
        os.kill(os.getpid(), signals.pop(0))

def write(path, data):
    write_atomically(path, data)
    note()

if what == "checkpoints":
    checkpoint.write_atomically = write
else:
    Interrupts.on_epoch_end = lambda self, epoch, logs: note()
main()
"""


def signalled(
    what: Literal["epochs", "checkpoints"], signals: Sequence[int], after: int, *arguments: str, cwd: Path
) -> subprocess.CompletedProcess[str]:
    """Run ``clearprop ARGUMENTS`` and send it these signals, one after each epoch or checkpoint from that on."""
    numbers = ",".join(str(int(each)) for each in signals)
    line = [sys.executable, "-W", "error", "-c", SIGNALLED, what, numbers, str(after), *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, timeout=HANG, check=False)


def trained(path: Path, name: str, **more: Any) -> bytes:
    """The bytes of a model of a bundled example."""
    cp.train(cp.load(name), output=path, **more)
    return path.read_bytes()


def apart(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is described, and the tensors, each with its type, its shape and its bytes."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    described = json.loads(header.pop("__metadata__")["clearprop"])
    body = data[8 + size :]
    return described, {
        name: [each["dtype"], each["shape"], body[slice(*each["data_offsets"])]] for name, each in header.items()
    }


@contextmanager
def few_calls(limit: int) -> Iterator[None]:
    """Fail as soon as the block has called more functions, Python's and C's together, than ``limit``.

    Calls measure work as a clock does, but are the same on every machine, busy or not.
    """
    count, before = 0, sys.getprofile()

    def counting(frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")
        if count > limit:
            sys.setprofile(before)
            raise AssertionError(f"more than {limit:,} calls")

    sys.setprofile(counting)
    try:
        yield
    finally:
        sys.setprofile(before)


def in_a_copy(work: Callable[[], bool]) -> bool:
    """Return what ``work`` returns in a copy of this process; False, if the copy fails or hangs."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if work() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
