"""``clearprop explore``: the page is written where it was wanted, and a browser is started or not."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest
from tests.support import command

from clearprop.cli.explore import run_explore
from clearprop.errors import InvalidArgument


def test_the_page_is_written_and_its_place_printed(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    done = command("explore", "lecture", "--output", str(path), "--no-open")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}\n", "")
    page = path.read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "w5" in page


@pytest.mark.parametrize("starts", [True, False])
def test_a_browser_is_asked_to_open_that_page(
    starts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where none starts, the reader is told what to open."""
    opened: list[str] = []

    def open_(address: str) -> bool:
        opened.append(address)
        return starts

    monkeypatch.setattr(webbrowser, "open", open_)
    path = tmp_path / "a page.html"
    assert run_explore("xor", output=str(path), opens=True, data=None, target=()) == 0
    assert opened == [path.as_uri()]
    shown = capsys.readouterr()
    assert shown.out == f"{path}\n"
    assert shown.err == ("" if starts else f"clearprop: no browser started; open {path} yourself\n")


def test_without_a_place_it_is_a_new_one_named_after_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    given = tmp_path / "(my first;net).toml"
    given.write_text("[inputs]\ncount = 1\n[[layers]]\nunits = 1\n[[examples]]\ninputs = [1]\ntargets = [2]\n")
    places = set[str]()
    for _ in range(2):
        run_explore(str(given), output=None, opens=False, data=None, target=())
        places.add(capsys.readouterr().out.strip())
    assert len(places) == 2
    assert {Path(place).name for place in places} == {"my-first-net.html"}
    assert all(Path(place).is_file() for place in places)


@pytest.mark.parametrize("suffix", [".pdf", ".toml", ".md", ".png"])
def test_what_is_no_page_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"page{suffix}"
    said = rf"^--output: explore writes a page, found a file that ends in {suffix}; name it .html \(for a document: "
    with pytest.raises(InvalidArgument, match=said):
        run_explore("xor", output=str(path), opens=False, data=None, target=())
    assert not path.exists()
