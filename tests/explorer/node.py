"""The page's computations in Node: the functions of the committed bundle, without a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import clearprop as cp
from clearprop.explorer.export import exported
from clearprop.explorer.page import SCRIPT

DRIVER = Path(__file__).with_name("node.mjs")


def command() -> str | None:
    """The command to run, or None where Node is not installed."""
    return shutil.which("node") or shutil.which("nodejs")


class Node:
    """A process that evaluates JavaScript, with ``clearprop`` as in the page's console."""

    def __init__(self, place: str) -> None:
        bundle = resources.files("clearprop.explorer") / "bundle" / SCRIPT
        self.process = subprocess.Popen(
            [place, str(DRIVER), str(bundle)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Evaluate an expression, or call a function with one argument."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"script": script, "argument": argument}, allow_nan=False) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "Node has ended"
        answer = json.loads(line, object_hook=_number)
        assert "fault" not in answer, answer["fault"]
        return answer["value"]

    def on_page(self, problem: cp.Problem, script: str, address: str = "") -> Any:
        """Evaluate a function of the state that the page of a problem begins with."""
        opened = "([data, address]) => { const store = new clearprop.Store(data); "
        opened += "const refused = clearprop.goToAddress(store, address); return (" + script + ")(store, refused); }"
        return self.evaluate(opened, [exported(problem), address])

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def _number(table: dict[str, Any]) -> Any:
    return float(table["number"]) if table.keys() == {"number"} else table
