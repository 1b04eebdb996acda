"""The page as a file: its policy, its size, its data, hostile names, warnings, accessibility."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.explorer.conftest import Visit
from tests.explorer.steps import choose, press
from tests.support import command

import clearprop as cp
from clearprop.explorer.export import escaped, exported
from clearprop.explorer.page import SCRIPT, STYLE, bundled, fingerprint
from clearprop.explorer.page import page as page_of

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"quotes' & <b>bold</b>",
    "\u202eright-to-left\u202c",
    "𝕦nicode 🦊 é ﷽ \u2028 \u2029",
    "x" * 1_000,
    "__proto__",
    "{{7*7}} ${7*7} \\u003cscript\\u003e",
]


# --- without a browser --------------------------------------------------------------------------


def test_the_policy_allows_this_script_and_this_style_and_nothing_else() -> None:
    content = page_of(cp.load("lecture"))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', content)
    assert policy is not None
    assert policy[1] == (
        f"default-src 'none'; script-src '{fingerprint(bundled(SCRIPT))}'; style-src '{fingerprint(bundled(STYLE))}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "</script" not in bundled(SCRIPT).lower()
    assert "</style" not in bundled(STYLE).lower()
    assert not re.search(
        r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", bundled(SCRIPT)
    )


def test_no_address_of_anything_is_in_the_page_but_names_of_standards() -> None:
    found = set(re.findall(r"\w+://[^\s\"'`<)]+", page_of(cp.load("lecture"))))
    assert found == {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}


def test_no_examples_is_said(tmp_path: Path) -> None:
    (tmp_path / "net.toml").write_text("[inputs]\ncount = 2\n[[layers]]\nunits = 1\n")
    ended = command("explore", "net.toml", "--no-open", cwd=tmp_path)
    assert ended.returncode == 2
    assert "there is no example to show; add one under [[examples]]" in ended.stderr


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    ended = command("explore", "lecture", "--no-open", "--output", "page.html", cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "page.html\n", "")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page_of(cp.load("lecture"))
    missing = command("explore", "lecture", "--no-open", "--output", "no/page.html", cwd=tmp_path)
    assert missing.returncode == 1
    assert "there is no folder no; make it first" in missing.stderr
    unknown = command("explore", "lectur", "--no-open", cwd=tmp_path)
    assert unknown.returncode == 2


# --- in the browser -----------------------------------------------------------------------------


def hostile(text: str) -> str:
    """The page of a network in which everything that has a name is called so."""
    problem = replace(cp.load("iris"), name=text)
    data = exported(problem)
    network = data["network"]
    network["inputs"]["names"] = [f"{text}{i}" for i in range(4)]
    network["layers"][0]["names"] = [f"{text}h{i}" for i in range(16)]
    network["layers"][1]["names"] = [f"{text}o{i}" for i in range(3)]
    network["layers"][1]["weight_names"] = [[f"{text}w{j}.{i}" for i in range(16)] for j in range(3)]
    network["layers"][1]["bias_names"] = [f"{text}b{j}" for j in range(3)]
    for rule in data["activations"]:
        rule["label"] = f"{text}{rule['name']}"
    for column in data["columns"]:
        column["name"], column["category"] = text, text
    whole = page_of(problem)
    start = whole.index('id="clearprop-data">') + len('id="clearprop-data">')
    return whole[:start] + escaped(data) + whole[whole.index("</script>", start) :]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_shown_as_text(visit: Visit, text: str) -> None:
    page = visit.open_text(hostile(text))
    page.evaluate("() => { window.alert = () => { throw new Error('ran') } }")
    for place in ("a-1.0", "z1.0", "p80", "e0", "d(total)/d(z1.2)"):
        choose(page, place)
    page.locator("summary", has_text="tables").click()
    assert page.locator("script").count() == 2
    assert page.locator("b, img, iframe").count() == 0
    assert text[:30] in page.locator("h1 bdi").get_attribute("title")
    # Nothing is wider than the window.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_nothing_is_asked_for_and_the_policy_forbids_it(browser: Any, tmp_path: Path) -> None:
    own = Visit(browser, tmp_path)
    page = own.open("lecture")
    attempt = """async () => {
        const picture = () => new Promise((done, fail) => {
            const image = new Image();
            [image.onload, image.onerror] = [done, fail];
            image.src = "https://example.org/x.png";
        });
        const tries = [() => fetch("https://example.org/"), picture];
        const ends = [];
        for (const each of tries) ends.push(await each().then(() => "went out", () => "refused"));
        try { ends.push((0, eval)("1") ? "ran" : "") } catch { ends.push("refused") }
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
        return [...ends, String(window.ran)];
    }"""
    assert own.requests == [(tmp_path / "page-1.html").as_uri()]
    assert page.evaluate(attempt) == ["refused", "refused", "refused", "undefined"]
    assert all("Content Security Policy" in fault or "violates" in fault for fault in own.faults)
    own.context.close()


def test_with_two_inputs_the_decision_surface_changes(visit: Visit) -> None:
    page = visit.open("xor")
    canvas = "document.querySelector('.cp-surface canvas').toDataURL()"
    before = page.evaluate(canvas)
    for _ in range(3):
        press(page, "One cycle")
    assert page.evaluate(canvas) != before
    assert visit.open("iris").locator(".cp-surface").count() == 0


def test_what_was_assumed_of_another_frameworks_model_stands_at_the_head(visit: Visit) -> None:
    said = ("from: PyTorch", "assumed: loss half_squared_error, its sum over the outputs, the mean over the examples")
    page = visit.open(replace(cp.load("lecture"), remarks=said))
    assert page.locator(".cp-remarks li").all_inner_texts() == [*said]
    assert page.locator(".cp-remarks").bounding_box()["y"] < page.locator(".cp-picture").bounding_box()["y"]
    assert visit.open("lecture").locator(".cp-remarks").count() == 0
