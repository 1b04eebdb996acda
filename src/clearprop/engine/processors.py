"""The number of processors that the engine may use: those that the process has, and no more than others grant it.

A container's share is the processor time it may spend (Linux's ``cpu.max``): threads beyond it are stopped for the rest
of each tenth of a second, wherever they are. Libraries such as joblib, Dask and Ray limit their workers through the
environment, and ``threadpoolctl`` limits a block of code.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Each limits the threads of libraries that compute; the lowest one counts."""

GROUPS = Path("/sys/fs/cgroup")


def processors() -> int:
    """Return the number of processors that this process may use, at least 1."""
    least = sys.maxsize
    for limit in _limits():
        least = min(least, limit)
        if least <= 1:  # the limits that take longest to find are the last
            return 1
    return least


@contextmanager
def limited_to(count: int) -> Iterator[None]:
    """Let this thread have no more processors than that: others work beside it."""
    before = getattr(_own, "count", sys.maxsize)
    _own.count = count
    try:
        yield
    finally:
        _own.count = before


_own = threading.local()


def _limits() -> Iterator[int]:
    yield getattr(_own, "count", sys.maxsize)
    for name in VARIABLES:
        # OMP_NUM_THREADS may hold a number for each level: 4,2.
        given = os.environ.get(name, "").partition(",")[0].strip()
        if given.isdecimal() and int(given) > 0:
            yield int(given)
    yield _of_container()
    # Since Python 3.13 PYTHON_CPU_COUNT counts too.
    yield getattr(os, "process_cpu_count", os.cpu_count)() or 1
    if hasattr(os, "sched_getaffinity"):
        yield len(os.sched_getaffinity(0))
    if "threadpoolctl" in sys.modules:
        yield from (library.num_threads for library in _limited() if library.num_threads)


@cache
def _of_container() -> int:
    """Return how many processors the container's share of time keeps busy, at all times."""
    try:
        own = Path("/proc/self/cgroup").read_text()
    except OSError:
        return sys.maxsize
    return int(min(shares(own, GROUPS), default=sys.maxsize))


def shares(own: str, groups: Path) -> Iterator[float]:
    """Yield the processors that each of a process's groups may keep busy, from its ``/proc/self/cgroup``.

    A group is limited by those above it too. Within a container the group's path is often that of the host, and its
    files lie at the root.
    """
    for line in own.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = (
            groups if not controllers else next((g for g in (groups / "cpu", groups / controllers) if g.is_dir()), None)
        )
        if top is None:
            continue
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            yield from _share(folder)
            if folder == top:
                break


def _share(folder: Path) -> Iterator[float]:
    try:
        if (limit := folder / "cpu.max").is_file():
            quota, period = limit.read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        # No limit is "max", or -1.
        if quota != "max" and int(quota) > 0 and int(period) > 0:
            yield int(quota) / int(period)
    except (OSError, ValueError):
        return


def _limited() -> Any:
    """Return the libraries whose threads ``threadpoolctl`` can limit; who has it limits them all together."""
    return _controller().lib_controllers


@cache
def _controller() -> Any:
    return sys.modules["threadpoolctl"].ThreadpoolController()
