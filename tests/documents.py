"""Run the examples of a document and compare what they print with what the document shows.

    .venv/test/bin/python -m tests.documents README.md …          check
    .venv/test/bin/python -m tests.documents --write README.md …  put the real output in

A fenced block is read by its language:

- ``console``: commands after ``$``, each followed by its output. A command is ``clearprop …``, perhaps with
  ``> FILE``. A command that fails shows its message.
- ``python``: run as a script; the blocks of a document share their names. A ``text`` block that follows
  directly is what it prints.
- ``toml NAME``: a whole network file, saved under that name. ``toml`` alone: part of one, which must be valid in a
  small network.
- any other language needs ``<!-- not run: REASON -->`` on the line before; so does a block that cannot be run.

In shown output, ``…`` stands for anything within its line, and alone on a line for any lines. Seconds and relative
errors are not compared; after ``console varies`` no digits are, for a training in single precision ends in
slightly different numbers on another processor.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

import clearprop as cp
from clearprop.cli import run

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(?:^<!-- not run: (.*?) -->\n)?^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PART_OF: dict[str, Any] = {"inputs": {"count": 2}, "layers": [{"units": 2, "activation": "logistic"}]}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and what stands after it, its text, its place, and why it is not run."""

    language: str
    detail: str
    text: str
    line: int
    follows_directly: bool
    skipped: str | None


@dataclass(frozen=True)
class Difference:
    """Shown output that is not what the example prints."""

    line: int
    example: str
    shown: str
    printed: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.example}\nshown:\n{self.shown}\nprinted:\n{self.printed}"


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a document, in order."""
    found, end = [], 0
    for match in BLOCK.finditer(text):
        language, _, detail = match[2].partition(" ")
        line = text.count("\n", 0, match.start(2)) + 1
        directly = not text[end : match.start()].strip()
        found.append(Block(language, detail, match[3], line, directly, match[1]))
        end = match.end()
    return found


def differences(text: str) -> Iterator[Difference]:
    """Run a document's examples in a new folder, and yield each output that is not as shown."""
    names: dict[str, Any] = {}
    printed, script = "", None
    with tempfile.TemporaryDirectory() as folder:
        before = Path.cwd()
        os.symlink(ROOT / "src", Path(folder, "src"))
        os.symlink(ROOT / "tests" / "field" / "house-prices" / "houses.csv", Path(folder, "houses.csv"))
        os.chdir(folder)
        try:
            for block in blocks(text):
                if block.skipped is not None:
                    continue
                match block.language:
                    case "console":
                        yield from _console(block)
                    case "python":
                        printed, script = _python(block, names), block
                    case "text" if script is not None and block.follows_directly:
                        if not same(block.text, printed):
                            yield Difference(block.line, script.text, block.text, printed)
                    case "toml":
                        _toml(block)
                    case other:
                        raise ValueError(f"line {block.line}: a block of {other or 'no language'} needs a reason")
                if block.language != "python":
                    script = None
        finally:
            os.chdir(before)


def _console(block: Block) -> Iterator[Difference]:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, shown = re.match(r"((?:[^\n]*\\\n)*[^\n]*)\n(.*)", part, re.DOTALL).groups()  # type: ignore[union-attr]
        printed = _command(command.replace("\\\n", " "), block.line)
        if not same(shown.rstrip("\n"), printed.rstrip("\n"), block.detail == "varies"):
            yield Difference(block.line, f"$ {command}", shown, printed)


def _command(command: str, line: int) -> str:
    words = shlex.split(command, comments=True)
    program, *arguments = words
    if program not in ("clearprop", "scripts/clearprop"):
        raise ValueError(f"line {line}: only clearprop can be run, found {program}")
    target = None
    if ">" in arguments:
        at = arguments.index(">")
        target, arguments = arguments[at + 1], arguments[:at]
    output, messages = _stream(), _stream()
    with redirect_stdout(output), redirect_stderr(messages):
        code = run(arguments)
    printed = _text(output)
    if target is not None:
        Path(target).write_text(printed, encoding="utf-8")
        printed = ""
    return printed + (_text(messages) if code else "")


def _python(block: Block, names: dict[str, Any]) -> str:
    output = _stream()
    with redirect_stdout(output):
        # The documents of this repository, and nothing else.
        exec(compile("\n" * block.line + block.text, "document", "exec"), names)
    return _text(output)


def _toml(block: Block) -> None:
    if block.detail:
        Path(block.detail).write_text(block.text, encoding="utf-8")
        cp.load(block.detail)
    else:
        cp.read(tomlkit.dumps({**PART_OF, **tomlkit.parse(block.text).unwrap()}), f"line {block.line}")


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8")


def same(shown: str, printed: str, varies: bool = False) -> bool:
    """Return whether printed output is as shown, apart from what may differ from run to run."""
    shown, printed = (_masked(text.rstrip(), varies) for text in (shown, printed))
    pattern = re.escape(shown)
    pattern = re.sub(r"(?:^|(?<=\n))[ \\]*…(?:\n|\\\n|$)", r"(?:[^\\n]*(?:\\n|$))*?", pattern)
    return re.fullmatch(pattern.replace("…", r"[^\n]*"), printed) is not None


def _masked(text: str, varies: bool) -> str:
    if varies:
        text = re.sub(r"[▁▂▃▄▅▆▇█•─ ]+", " ", re.sub(r"\d[\d,.e+-]*", "#", text))
    return re.sub(r"\b\d[\d.,]* (s|ms|µs)\b", r"# \1", re.sub(r"relative error [\de.+-]+", "relative error #", text))


def rewritten(text: str) -> str:
    """Return the document with the real output in place of every shown one that differs and elides nothing."""
    for each in differences(text):
        if "…" not in each.shown and each.shown in text:
            text = text.replace(each.shown, each.printed.rstrip("\n") + "\n", 1)
    return text


def main(arguments: list[str]) -> int:
    writes, wrong = "--write" in arguments, 0
    for name in arguments:
        if name == "--write":
            continue
        path = Path(name)
        if writes:
            path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
        for each in differences(path.read_text(encoding="utf-8")):
            print(f"{name}, {each}")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
