"""What README and docs show is what the software does."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.documents import ROOT, blocks, differences, rewritten, same

import clearprop as cp
from clearprop.cli.application import application
from clearprop.rules.activations import ACTIVATIONS
from clearprop.rules.initializers import INITIALIZERS
from clearprop.rules.losses import LOSSES
from clearprop.rules.optimizers import OPTIMIZERS, optimizer_keys

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED = [*DOCUMENTS, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


NEEDED = {"many-models.md": ("sklearn", "optuna")}
"""What the examples of a document need, beyond clearprop."""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_example_prints_what_is_shown(path: Path) -> None:
    for package in NEEDED.get(path.name, ()):
        pytest.importorskip(package, reason=f"{package} is not installed: the examples are not run")
    found = list(differences(path.read_text(encoding="utf-8")))
    assert not found, "\n\n".join(map(str, found))


SKIPPED = [
    pytest.param(block, id=f"{path.name}:{block.line}")
    for path in DOCUMENTS
    for block in blocks(path.read_text(encoding="utf-8"))
    if block.skipped is not None
]


@pytest.mark.parametrize("block", SKIPPED)
def test_an_example_that_is_not_run_says_why(block: object) -> None:
    pytest.skip(f"not run: {block.skipped}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", LINKED, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", prose):
        link = target[0] or target[1]
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        to = (path.parent / name) if name else path
        assert to.exists(), f"{path.name}: {link}"
        if anchor:
            titles = re.findall(r"^#+ (.*)$", to.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}, link


# --- nothing is left out ---------------------------------------------------------------------------------


def test_the_readme_fits_two_screens() -> None:
    assert read("README.md").count("\n") <= 130


def test_every_command_and_option_is_documented() -> None:
    text = read("docs/commands.md")
    for name, command in application.commands.items():
        assert f"`{name} " in text or f"`{name}`" in text, name
        for option in (spelled for parameter in command.params for spelled in parameter.opts if spelled[:2] == "--"):
            assert option in text, f"{name} {option}"


def test_every_public_name_is_documented() -> None:
    text = read("docs/python.md")
    assert [name for name in cp.__all__ if not re.search(rf"\b{name}\b", text)] == []


def test_every_rule_is_documented() -> None:
    text = read("docs/network-file.md")
    keys = {key for name in OPTIMIZERS for key in optimizer_keys(name)}
    for name in [*ACTIVATIONS, *LOSSES, *OPTIMIZERS, *INITIALIZERS, *keys]:
        assert f"`{name}`" in text, name


def test_the_whole_network_file_is_the_bundled_one() -> None:
    assert f"```toml lecture.toml\n{(ROOT / 'src/clearprop/examples/lecture.toml').read_text('utf-8')}```" in read(
        "docs/network-file.md"
    )


# --- planted faults: the check itself is tested ----------------------------------------------------------


def test_a_wrong_number_is_caught() -> None:
    good = (
        "```console\n$ clearprop examples lecture > mine.toml\n$ clearprop explain mine.toml sum_h1\n…\n…= 0.41\n```\n"
    )
    assert list(differences(good)) == []
    (found,) = differences(good.replace("0.41", "0.42"))
    assert "0.42" in found.shown
    assert "= 0.41" in found.printed


def test_a_wrong_python_result_is_caught_and_can_be_rewritten() -> None:
    text = "```python\nimport clearprop as cp\nprint(cp.cycle(cp.load('lecture'))['sum_h1'])\n```\n\n```text\n{}\n```\n"
    assert list(differences(text.format("0.4100…"))) == []
    assert len(list(differences(text.format("0.14")))) == 1
    assert rewritten(text.format("0.14")) == text.format("0.41000000000000003")


def test_a_network_file_that_is_not_valid_is_caught() -> None:
    assert list(differences('```toml\n[optimizer]\nname = "adam"\n```\n')) == []
    with pytest.raises(cp.ClearpropError, match="adma"):
        list(differences('```toml\n[optimizer]\nname = "adma"\n```\n'))


@pytest.mark.parametrize("language", ["sh", "", "text", "console"])
def test_what_is_not_run_needs_a_reason(language: str) -> None:
    text = f"```{language}\n$ rm -r x\n```\n"
    with pytest.raises(ValueError, match="line 1"):
        list(differences(text))
    assert list(differences("<!-- not run: it would delete something -->\n" + text)) == []


def test_elisions_stand_for_a_part_of_a_line_or_for_lines() -> None:
    assert same("a … c\n…\nz", "a b c\nd\ne\nz\n")
    assert same("a\n…\nz", "a\nz")
    assert same("a\n…", "a\nb\nc")
    assert not same("a … c", "a b d")
    assert not same("a\n…\nz", "a\nb\ny")
    assert not same("a\nz", "a\nb\nz")


def test_times_are_not_compared_and_digits_only_where_they_vary() -> None:
    assert same("1,686 steps, 1.20 s", "1,686 steps, 2.5 s")
    assert not same("1,686 steps, 1.20 s", "1,687 steps, 1.20 s")
    assert same("R² 0.8902 ┤█•", "R² 0.8811 ┤██•", varies=True)
    assert not same("R² 0.8902", "RMSE 0.8902", varies=True)


def test_the_readme_of_a_package_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On an index there is nothing beside it: neither a picture nor a page to link to."""
    for name in ("hatchling", "hatchling.metadata", "hatchling.metadata.plugin", "hatchling.metadata.plugin.interface"):
        module: Any = ModuleType(name)
        module.MetadataHookInterface = object
        monkeypatch.setitem(sys.modules, name, module)
    standing_alone = runpy.run_path(str(ROOT / "scripts" / "package_readme.py"))["standing_alone"]
    text = standing_alone((ROOT / "README.md").read_text(encoding="utf-8"))
    assert not re.search(r"\]\((?!https?:|#)", text)
    assert "docs/student.md" in text
    assert standing_alone("![a](docs/b.png)\n\nsee [c](docs/d.md), [docs/e.md](docs/e.md)\n") == (
        "see c (docs/d.md), docs/e.md\n"
    )
