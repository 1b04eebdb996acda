"""The folder of compiled code: only what was put in comes out, and whatever is wrong with it is no error."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.support.kept import CODE, HERE, ONE, OTHER, got, kept_at, put
from tests.support import HANG

from clearprop.engine import cache

pytestmark = pytest.mark.usefixtures("kept")

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners, permissions and pipes as POSIX has them")


# --- in and out ----------------------------------------------------------------------------------------------


def test_what_was_put_in_comes_out(kept: Path) -> None:
    assert got() is None
    put()
    assert got() == CODE
    assert got(OTHER) is None
    assert got(machine=HERE + ",+avx512f") is None
    assert os.listdir(kept) == [kept_at(kept).name]
    put(code=b"newer")
    assert got() == b"newer"


@posix
def test_folder_and_file_are_the_users_alone(kept: Path) -> None:
    mask = os.umask(0)
    try:
        put()
    finally:
        os.umask(mask)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept_at(kept).stat().st_mode) == 0o600


def test_one_program_is_not_taken_for_another(kept: Path) -> None:
    put()
    kept_at(kept).rename(kept_at(kept, OTHER))
    assert got(OTHER) is None


# --- damage --------------------------------------------------------------------------------------------------


def test_every_flipped_bit_is_seen(kept: Path) -> None:
    put()
    whole = kept_at(kept).read_bytes()
    for place in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        assert cache._unpacked(bytes(damaged), ONE, HERE) is None, place
    assert cache._unpacked(whole, ONE, HERE) == CODE


def test_every_other_length_is_seen(kept: Path) -> None:
    put()
    whole = kept_at(kept).read_bytes()
    for length in range(len(whole)):
        kept_at(kept).write_bytes(whole[:length])
        assert got() is None, length
    kept_at(kept).write_bytes(whole + b"\0")
    assert got() is None
    kept_at(kept).write_bytes(whole)
    assert got() == CODE


def test_other_versions_of_the_format_are_not_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put()
    monkeypatch.setattr(cache, "VERSION", cache.VERSION + 1)
    assert got() is None
    put()
    assert got() == CODE


def test_code_of_no_length_is_none(kept: Path) -> None:
    put(code=b"")
    assert kept_at(kept).exists()
    assert got() is None


# --- places --------------------------------------------------------------------------------------------------


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    real = path.with_suffix(".real")
    path.rename(real)
    path.symlink_to(real)


@posix
@pytest.mark.parametrize("make", [_folder, _pipe])
def test_another_thing_in_its_place_is_nothing(make: Callable[[Path], None], kept: Path) -> None:
    kept.mkdir(mode=0o700)
    make(kept_at(kept))
    before = len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 0
    assert got() is None
    put()  # a pipe is replaced, a folder stays
    assert got() == (CODE if make is _pipe else None)
    assert before == (len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 0)
    assert not list(kept.glob("*.part"))


@posix
def test_links_are_not_followed(kept: Path) -> None:
    put()
    _link(kept_at(kept))
    assert got() is None


@posix
@pytest.mark.parametrize("mode", [0o660, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_run(mode: int, kept: Path) -> None:
    put()
    kept_at(kept).chmod(mode)
    assert got() is None
    put()
    assert got() == CODE


@posix
@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1777])
def test_a_folder_that_others_can_write_is_not_used(mode: int, kept: Path) -> None:
    put()
    kept.chmod(mode)
    assert got() is None
    put(OTHER)
    assert os.listdir(kept) == [kept_at(kept).name]
    assert cache.unused() == f"{kept}: others can write to it"
    kept.chmod(0o755)  # to be read by all is no harm
    assert got() == CODE
    assert cache.unused() is None


@posix
def test_what_belongs_to_somebody_else_is_not_run(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert got() is None
    put(OTHER)
    assert os.listdir(kept) == [kept_at(kept).name]
    assert cache.unused() == f"{kept}: it belongs to another user"


@posix
def test_a_file_of_somebody_else_in_the_folder_is_not_run(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put()
    monkeypatch.setattr(cache, "_unsafe", lambda place: None)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert got() is None


@pytest.mark.parametrize("off", ["", "off", "OFF", " "])
def test_switched_off_there_is_nothing(off: str, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put()
    monkeypatch.setenv(cache.PLACE, off)
    assert not cache.enabled()
    assert cache.folder() is None
    assert cache.unused() == "CLEARPROP_CACHE_DIR says so"
    assert got() is None
    put(OTHER)
    assert os.listdir(kept) == [kept_at(kept).name]


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "/home/ada/.cache/clearprop"),
        ("linux", {"XDG_CACHE_HOME": "/fast"}, "/fast/clearprop"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/ada/.cache/clearprop"),
        ("linux", {"XDG_CACHE_HOME": ""}, "/home/ada/.cache/clearprop"),
        ("linux", {"HOME": "relative"}, None),
        ("darwin", {}, "/home/ada/Library/Caches/clearprop"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/clearprop/Cache"),
        ("win32", {}, "/home/ada/AppData/Local/clearprop/Cache"),
        ("linux", {cache.PLACE: "/my/place"}, "/my/place"),
        ("linux", {cache.PLACE: "~/place"}, "/home/ada/place"),
    ],
)
@posix
def test_the_platform_says_where(
    platform: str, environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (cache.PLACE, "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"HOME": "/home/ada"} | environment).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    found = cache.folder()
    monkeypatch.undo()
    assert found == (None if expected is None else Path(expected))


# --- bounds --------------------------------------------------------------------------------------------------


def numbered(number: int) -> str:
    return f"{number:064x}"


def kept_numbers(folder: Path) -> list[int]:
    return sorted(int(path.stem, 16) for path in folder.glob("*.code"))


def test_what_was_not_used_for_longest_goes_first(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_FILES", 3)
    for number in range(3):
        put(numbered(number))
        os.utime(kept_at(kept, numbered(number)), (1000 + number, 1000 + number))
    assert kept_numbers(kept) == [0, 1, 2]
    assert got(numbered(0)) == CODE  # used last now
    put(numbered(3))
    assert kept_numbers(kept) == [0, 2, 3]
    put(numbered(4))
    assert kept_numbers(kept) == [0, 3, 4]


def test_no_more_than_so_many_bytes_are_kept(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES", 5000)
    for number in range(6):
        put(numbered(number), b"x" * 1000)
        os.utime(kept_at(kept, numbered(number)), (1000 + number, 1000 + number))
    assert kept_numbers(kept) == [2, 3, 4, 5]
    assert sum(path.stat().st_size for path in kept.iterdir()) <= 5000


def test_what_is_not_the_caches_is_left_alone(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_FILES", 1)
    kept.mkdir(mode=0o700)
    others = ["notes.txt", "1.code", ".code-abc.part.txt", f"{'G' * 64}.code"]
    for name in others:
        (kept / name).write_text("x")
        os.utime(kept / name, (0, 0))
    (kept / f"{'a' * 64}.code").mkdir()
    put()
    put(OTHER)
    names = sorted(path.name for path in kept.iterdir())
    assert names == sorted([*others, f"{'a' * 64}.code", f"{OTHER}.code"])


def test_what_killed_writers_left_is_removed_in_time(kept: Path) -> None:
    kept.mkdir(mode=0o700)
    old, young = kept / ".code-abcd_123.part", kept / ".code-efgh_456.part"
    for path in (old, young):
        path.write_text("half")
    os.utime(old, (0, 0))
    put()
    assert not old.exists()
    assert young.exists()


def test_a_file_that_is_far_too_large_is_not_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put()
    monkeypatch.setattr(cache, "MOST_BYTES", 10)
    assert got() is None


# --- several at once -----------------------------------------------------------------------------------------

WORKER = """
import sys
from clearprop.engine import cache
cache.MOST_FILES = 4
found = 0
print(flush=True)
sys.stdin.readline()  # all begin together
for turn in range(150):
    mark = f"{turn // 2 % 6:064x}"  # twice in a row: the second time it is there
    code = mark.encode() * 500
    read = cache.read(mark, "here")
    assert read in (None, code), "what was read is not what was written"
    found += read is not None
    cache.write(mark, "here", code)
print(found)
"""


def test_processes_do_not_disturb_each_other(kept: Path) -> None:
    """They write, read, replace and remove the same files: each reads all of what was written, or nothing."""
    run, pipe = [sys.executable, "-c", WORKER], subprocess.PIPE
    processes = [subprocess.Popen(run, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    results = [process.communicate(timeout=HANG) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], results
    assert [error for _, error in results] == ["", "", ""]
    assert sum(int(found) for found, _ in results) > 0
    put()
    assert got() == CODE
    assert not list(kept.glob(".*"))


def test_a_torn_write_would_be_noticed(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's check is one: a cache that does not look at what it reads fails it."""
    monkeypatch.setattr(cache, "_unpacked", lambda content, *_: content[-len(CODE) :])
    put()
    kept_at(kept).write_bytes(kept_at(kept).read_bytes()[:-3])
    assert got() not in (None, CODE)


def test_temporary_files_are_in_the_same_folder(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere they could not be renamed over what is there."""
    seen = []
    real = tempfile.mkstemp

    def watched(**options: Any) -> tuple[int, str]:
        seen.append(Path(options["dir"]))
        return real(**options)

    monkeypatch.setattr(tempfile, "mkstemp", watched)
    put()
    assert seen == [kept]
