"""Files are written whole or not at all, and an interrupt or a full disk costs nothing."""

from __future__ import annotations

import errno
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support import HANG, EachEpoch, command, signalled

import clearprop as cp
from clearprop import atomic_write
from clearprop.atomic_write import require_writable, write_atomically
from clearprop.errors import Unwritable
from clearprop.models.read import read_model
from clearprop.training.callbacks import Callback

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals, permissions and devices as POSIX has them")
UNTOUCHED = "what was there before is untouched, choose another place with --output"


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for content, expected in (("ä\n", "ä\n".encode()), (b"\0\xff", b"\0\xff"), ("", b"")):
        write_atomically(path, content)
        assert path.read_bytes() == expected
        assert names(tmp_path) == ["a.txt"]


@posix
def test_permissions_stay(tmp_path: Path) -> None:
    path, mask = tmp_path / "a.txt", os.umask(0o027)
    try:
        write_atomically(path, "new")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write_atomically(path, "again")
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(mask)


@posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(Path("folder") / "a.txt")
    for content in ("new", "again"):
        require_writable(tmp_path / "link")
        write_atomically(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "folder" / "a.txt").read_text() == content


@pytest.mark.parametrize("write", [lambda path: write_atomically(path, "x"), require_writable])
def test_places_that_cannot_be_written(write: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place, message in (
        (tmp_path, f"{tmp_path}: expected a file to write to, found a folder; give a file's name"),
        (tmp_path / "none" / "a", f"{tmp_path / 'none' / 'a'}: there is no folder {tmp_path / 'none'}; make it first"),
        (tmp_path / "file" / "a", f"cannot be written: Not a directory; {UNTOUCHED}"),
        (tmp_path / ("a" * 300), f"cannot be written: File name too long; {UNTOUCHED}"),
        ("a\0b", f"cannot be written: embedded null byte; {UNTOUCHED}"),
    ):
        with pytest.raises(Unwritable) as caught:
            write(place)
        assert str(caught.value).endswith(message)
        assert caught.value.exit_code == 1
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_devices_are_written_as_they_are(tmp_path: Path) -> None:
    require_writable("/dev/full")
    write_atomically("/dev/null", "x")
    with pytest.raises(Unwritable) as caught:
        write_atomically("/dev/full", "x")
    assert str(caught.value) == f"/dev/full: cannot be written: No space left on device; {UNTOUCHED}"


@posix
def test_a_read_only_folder(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere; the next test emulates it")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(Unwritable, match="cannot be written: Permission denied"):
            require_writable(tmp_path / "a.txt")
    finally:
        tmp_path.chmod(0o700)


def test_where_no_temporary_file_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    path.write_text("before")

    def refuse(target: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(atomic_write, "_temporary", refuse)
    message = re.escape(f"{path}: cannot be written: Permission denied; {UNTOUCHED}")
    for write in (require_writable, lambda path: write_atomically(path, "x")):
        with pytest.raises(Unwritable, match=message):
            write(path)
    steps: list[int] = []
    with pytest.raises(Unwritable, match=message):
        cp.train(cp.load("lecture"), output=path, callbacks=[EachEpoch(lambda epoch, logs: steps.append(epoch))])
    assert (steps, path.read_text()) == ([], "before")


# --- what others left ----------------------------------------------------------------------------------

WRITER = """
import os, sys
import clearprop.atomic_write as files
os.fsync = lambda descriptor: (print(flush=True), sys.stdin.read())
files.write_atomically(sys.argv[1], "x" * 1000)
"""


def writer(path: Path) -> subprocess.Popen[bytes]:
    """A process in the middle of writing a file, until its standard input ends."""
    line = [sys.executable, "-c", WRITER, str(path)]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


@posix
def test_what_the_dead_left_is_removed_and_what_the_living_write_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    (tmp_path / ".a.txt.mine.part").write_text("not ours: other letters")
    (tmp_path / ".b.txt.abcdefgh.part").write_text("of another file")
    others = names(tmp_path)
    with writer(path) as dead, writer(path) as living:
        assert len(names(tmp_path)) == len(others) + 2
        dead.kill()
        dead.wait()
        require_writable(path)
        assert len(names(tmp_path)) == len(others) + 1
        living.communicate()
    assert names(tmp_path) == sorted([*others, "a.txt"])
    assert path.read_text() == "x" * 1000


@posix
def test_a_file_that_another_process_cleared_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that starts on the same file takes one that nobody has locked yet for one that was left."""
    path, made = tmp_path / "a.txt", atomic_write._temporary
    left = [1, 2, 3]

    def cleared(target: Path) -> tuple[int, str]:
        found = made(target)
        if left:
            left.pop()
            require_cleared(target)
        return found

    def require_cleared(target: Path) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(atomic_write, "_temporary", made)
            require_writable(target)
        assert names(tmp_path) == []

    monkeypatch.setattr(atomic_write, "_temporary", cleared)
    write_atomically(path, "whole")
    assert (left, names(tmp_path), path.read_text()) == ([], ["a.txt"], "whole")
    path.unlink()
    left.append(1)
    require_writable(path)
    assert (left, names(tmp_path)) == ([], [])


@posix
def test_a_file_is_locked_until_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, replace, cleared = tmp_path / "a.txt", os.replace, []

    def late(temporary: str, target: Path) -> None:
        atomic_write._clear(target)
        cleared.append(os.path.exists(temporary))
        replace(temporary, target)

    monkeypatch.setattr(os, "replace", late)
    write_atomically(path, "whole")
    assert (cleared, path.read_text()) == ([True], "whole")


@posix
def test_other_threads_keep_their_permissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mask belongs to the whole process: a thread that makes a file meanwhile would get another one's."""

    def opened(mask: int) -> int:
        raise AssertionError(f"the mask was set to {mask:o}")

    monkeypatch.setattr(os, "umask", opened)
    write_atomically(tmp_path / "a.txt", "new")


@posix
def test_what_replaces_a_private_file_is_never_open_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, fsync, modes = tmp_path / "a.txt", os.fsync, []
    path.write_text("secret")
    path.chmod(0o600)

    def seen(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    write_atomically(path, "another secret")
    assert modes == [0o600]


@posix
def test_the_new_name_is_on_the_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, a machine that is lost may come back with the former file."""
    kinds: list[tuple[str, list[str]]] = []

    def noted(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        kinds.append((kind, [name for name in names(tmp_path) if not name.endswith(".part")]))
        if kind == "folder":
            raise OSError(errno.EINVAL, "a folder cannot be written here")

    monkeypatch.setattr(os, "fsync", noted)
    write_atomically(tmp_path / "a.txt", "new")
    assert kinds == [("file", []), ("folder", ["a.txt"])]


# --- interrupted ---------------------------------------------------------------------------------------


@posix
def test_interrupted_by_signals_it_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    expected = command("train", "iris", "--output", "m.safetensors", "--quiet", cwd=tmp_path)
    assert expected.returncode == 0
    for signals in ([signal.SIGINT], [signal.SIGTERM], [signal.SIGINT] * 2, [signal.SIGTERM, signal.SIGINT]):
        line = ["train", "iris", "--output", "m.safetensors", "--resume", "--checkpoint", "0", "--quiet"]
        done = signalled("checkpoints", signals, 7, *line, cwd=folder)
        assert (done.returncode, done.stderr) == (130, "")
        assert done.stdout.startswith("Interrupted: what was learnt so far is kept.\n")
        assert done.stdout.endswith("saved as m.safetensors\n")
        progress = read_model(folder / "m.safetensors").progress
        assert progress is not None
        assert progress.status == "interrupted"
        assert names(folder) == ["m.safetensors"]
    assert command("train", "iris", "--output", "m.safetensors", "--resume", cwd=folder).returncode == 0
    assert (folder / "m.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


# --- a full disk ---------------------------------------------------------------------------------------

NO_SPACE = "m.safetensors: cannot be written: File too large; " + UNTOUCHED
# No file may be larger than 4,000 bytes; a model of iris is.
FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
from clearprop.cli import main
sys.argv[1:] = ["train", "iris", "--output", "m.safetensors", "--checkpoint", "0", "--epochs", "60"]
main()
"""


@posix
def test_a_full_disk_costs_nothing(tmp_path: Path) -> None:
    before = b"what was there"
    (tmp_path / "m.safetensors").write_bytes(before)
    line = [sys.executable, "-W", "error", "-c", FULL]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=HANG, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("The limit of 60 epochs was reached before the loss converged.\n")
    assert "saved as" not in done.stdout
    assert NO_SPACE in done.stderr
    assert done.stderr.endswith(f"clearprop: {NO_SPACE}\n")
    assert (tmp_path / "m.safetensors").read_bytes() == before
    assert names(tmp_path) == ["m.safetensors"]


def test_a_disk_that_is_full_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said of it, and that later checkpoints are written again."""
    usual, calls, told = os.fsync, [0], []

    def full(descriptor: int) -> None:
        calls[0] += stat.S_ISREG(os.fstat(descriptor).st_mode)
        if 3 <= calls[0] <= 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        usual(descriptor)

    class Listener(Callback):
        def on_checkpoint_failed(self, error: Unwritable) -> bool:
            told.append(str(error))
            return True

        def on_epoch_end(self, epoch: int, logs: object) -> None:
            assert read_model(path).progress is not None or epoch == 1

    path = tmp_path / "m.safetensors"
    monkeypatch.setattr(os, "fsync", full)
    cp.train(cp.load("lecture"), epochs=1, output=path)
    fit = cp.train(cp.load("lecture"), epochs=9, output=path, checkpoint=0, callbacks=[Listener()])
    assert told == [f"{path}: cannot be written: No space left on device; {UNTOUCHED}"] * 3
    assert fit.unsaved is None
    monkeypatch.undo()
    cp.train(cp.load("lecture"), epochs=9, output=tmp_path / "other.safetensors")
    assert path.read_bytes() == (tmp_path / "other.safetensors").read_bytes()
    assert names(tmp_path) == ["m.safetensors", "other.safetensors"]


def test_a_disk_that_is_full_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    cp.train(cp.load("lecture"), epochs=1, output=path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(RuntimeWarning, match="training continues, but .*No space left on device"):
        fit = cp.train(cp.load("lecture"), epochs=2, output=path, checkpoint=0)
    assert str(fit.unsaved) == f"{path}: cannot be written: No space left on device; {UNTOUCHED}"
    assert (fit.epochs, fit.status.value) == (2, "epoch_limit")
    assert path.read_bytes() == before
    assert names(tmp_path) == ["m.safetensors"]
