"""The number of processors is the smallest that the system, a container, the environment or a library grants."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from clearprop.engine import processors
from clearprop.engine.processors import shares


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of eight, on which nothing else is limited."""
    for name in processors.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "threadpoolctl", raising=False)
    monkeypatch.setattr(os, "process_cpu_count" if hasattr(os, "process_cpu_count") else "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(processors, "_of_container", lambda: sys.maxsize)


def test_all_processors_unless_limited() -> None:
    assert processors.processors() == 8


def test_affinity_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    assert processors.processors() == 2


@pytest.mark.parametrize("name", processors.VARIABLES)
@pytest.mark.parametrize(
    ("given", "found"), [("3", 3), ("3,2", 3), (" 2 ", 2), ("64", 8), ("0", 8), ("many", 8), ("", 8)]
)
def test_the_environment_limits(name: str, given: str, found: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, given)
    assert processors.processors() == found


def test_the_lowest_limit_counts_and_one_is_always_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.setenv("MKL_NUM_THREADS", "2")
    assert processors.processors() == 2
    monkeypatch.setattr(processors, "_of_container", lambda: 0)  # half a processor
    assert processors.processors() == 1


def test_a_thread_among_others_has_its_share() -> None:
    found = []
    with processors.limited_to(3):
        other = threading.Thread(target=lambda: found.append(processors.processors()))
        other.start()
        other.join()
        assert processors.processors() == 3
        with processors.limited_to(2):
            assert processors.processors() == 2
        assert processors.processors() == 3
    assert [*found, processors.processors()] == [8, 8]


def test_threadpoolctl_limits_a_block_of_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="threadpoolctl is not installed")
    before = processors.processors()
    with threadpoolctl.threadpool_limits(1):
        assert processors.processors() == 1
    assert processors.processors() == before


def test_a_library_without_a_number_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", SimpleNamespace())
    libraries = [SimpleNamespace(num_threads=None), SimpleNamespace(num_threads=3)]
    monkeypatch.setattr(processors, "_controller", lambda: SimpleNamespace(lib_controllers=libraries))
    assert processors.processors() == 3


# --- containers ------------------------------------------------------------------------------------------------------


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def test_cpu_max_of_a_group_and_of_those_above(tmp_path: Path) -> None:
    group(tmp_path / "a/b", cpu__max="150000 100000\n")
    group(tmp_path / "a", cpu__max="400000 100000\n")
    group(tmp_path)
    assert list(shares("0::/a/b\n", tmp_path)) == [1.5, 4.0]


def test_no_limit_is_none(tmp_path: Path) -> None:
    group(tmp_path / "a", cpu__max="max 100000\n")
    group(tmp_path / "b", cpu__cfs_quota_us="-1\n", cpu__cfs_period_us="100000\n")
    assert list(shares("0::/a\n0::/b\n", tmp_path)) == []


def test_the_first_version_has_a_folder_for_each_controller(tmp_path: Path) -> None:
    files = {"cpu.cfs_quota_us": "250000\n", "cpu.cfs_period_us": "100000\n"}
    (tmp_path / "cpu,cpuacct/docker/1").mkdir(parents=True)
    for name, content in files.items():
        (tmp_path / "cpu,cpuacct/docker/1" / name).write_text(content)
    assert list(shares("3:memory:/docker/1\n2:cpu,cpuacct:/docker/1\n", tmp_path)) == [2.5]


def test_within_a_container_the_groups_files_lie_at_the_root(tmp_path: Path) -> None:
    group(tmp_path, cpu__max="200000 100000\n")
    assert list(shares("0::/kubepods/pod1/of-the-host\n", tmp_path)) == [2.0]


@pytest.mark.parametrize("content", ["", "half\n", "100000\n", "100000 0\n", "x 100000\n"])
def test_what_cannot_be_read_limits_nothing(content: str, tmp_path: Path) -> None:
    group(tmp_path, cpu__max=content)
    assert list(shares("0::/\nnonsense\n", tmp_path)) == []
