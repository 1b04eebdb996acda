"""A cache that cannot be used is no error: nothing is kept, and who asks is told why."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.engine.support.kept import CODE, got, put
from tests.engine.support.networks import by_engine, native, problem_of, same
from tests.support import in_a_copy

from clearprop.engine import build, cache

pytestmark = pytest.mark.usefixtures("kept")

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners, permissions and pipes as POSIX has them")


@contextmanager
def _silently(*reasons: str) -> Iterator[None]:
    """Nothing is kept, and nothing fails; only who asks is told why."""
    assert got() is None
    put()
    yield
    assert got() is None
    reason = cache.unused()
    assert reason is not None
    assert any(each in reason for each in reasons), reason


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(*_: Any) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv(cache.PLACE)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(Path, "expanduser", homeless)
    with _silently("this user has no home folder"):
        assert cache.folder() is None


@pytest.mark.parametrize("place", ["a file", "a file/below", "null\0byte", "x" * 300, "~nobody-of-that-name/place"])
def test_places_that_cannot_be(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a file").write_text("not a folder")
    where = place if place.startswith("~") else str(tmp_path / place)
    if "\0" in place:
        # The environment has no such names, but whoever calls may.
        monkeypatch.setattr(cache, "folder", lambda: Path(where))
    else:
        monkeypatch.setenv(cache.PLACE, where)
    with _silently("it is not a folder", "Not a directory", "embedded null", "too long", "no home"):
        assert os.listdir(tmp_path) == ["a file"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_home_that_is_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """In earnest, by a user who is not root: training works, and nothing is left behind."""
    problem, home = problem_of((2, 3, 1), 9, 3), Path(tempfile.mkdtemp())
    expected = by_engine(native(problem, "float32"))
    home.chmod(0o555)
    monkeypatch.setenv("HOME", str(home))
    for name in (cache.PLACE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def work() -> bool:
        if os.geteuid() == 0:
            os.setuid(65534)  # nobody
        build._kept.clear()
        alike = same(by_engine(native(problem, "float32")), expected)
        reason = cache.unused()
        return alike and reason is not None and reason.startswith(str(home)) and reason.endswith(": it cannot be made")

    try:
        assert in_a_copy(work)
        assert os.listdir(home) == []
    finally:
        home.rmdir()


@posix
@pytest.mark.parametrize("mode", [0o500, 0o600])
def test_a_folder_that_cannot_be_written_says_so(mode: int, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has is still read."""
    put()
    assert cache.unused() is None
    monkeypatch.setattr(os, "access", lambda path, asked: (path.stat().st_mode >> 6) & asked == asked)  # root may all
    kept.chmod(mode)
    assert cache.unused() == f"{kept}: nothing can be written to it"


@pytest.mark.parametrize("function", ["mkdir", "tempfile.mkstemp", "replace", "fdopen", "scandir"])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_system_that_refuses(function: str, number: int, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a folder that is read-only, or a disk that is full: for root there is no such folder."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    name = function if "." in function else f"os.{function}"
    with monkeypatch.context() as patch:
        patch.setattr(name, refuse)
        put()
        if function == "fdopen":
            assert got() is None
    assert not kept.exists() or not list(kept.glob(".*"))  # nothing half done is left
    assert got() == (CODE if function == "scandir" else None)


@posix
def test_a_file_that_may_not_grow(kept: Path) -> None:
    """A limit of the system in earnest: what was written of it is removed."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        put(code=b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(kept) == []


def test_an_unreadable_file_is_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put()

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert got() is None


def test_an_interrupt_is_not_swallowed_and_leaves_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        put()
    assert os.listdir(kept) == []


def test_a_folder_of_very_many_levels_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path.joinpath(*"a" * 1500)
    monkeypatch.setenv(cache.PLACE, str(place))
    put()
    assert got() is None
    assert cache.unused() == f"{place}: it cannot be made"


def test_a_full_disk_is_named_until_there_is_room_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    put()
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        put(code=b"more")
    assert cache.unused() == f"{kept}: No space left on device"
    put(code=b"more")
    assert cache.unused() is None
