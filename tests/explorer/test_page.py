"""The page as a file: its policy, its size, its data, hostile names, warnings, accessibility."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.explorer.conftest import Visit, wait
from tests.explorer.test_lecture_page import choose, drawn, field, press, state
from tests.support import command

import clearprop as cp
from clearprop.explorer.export import escaped, exported
from clearprop.explorer.page import SCRIPT, STYLE, bundled, fingerprint
from clearprop.explorer.page import page as page_of
from clearprop.explorer.trees import tree
from clearprop.expressions import Symbol

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"quotes' & <b>bold</b>",
    "\u202eright-to-left\u202c",
    "𝕦nicode 🦊 é ﷽ \u2028 \u2029",
    "x" * 10_000,
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


def test_data_are_json_that_cannot_leave_their_block() -> None:
    problem = replace(cp.load("lecture"), name="</script><!-- \u2028 \ud800")
    content = escaped(exported(problem))
    assert not set("<>&\u2028\u2029") & set(content)
    assert json.loads(content)["name"].startswith("</script><!-- \u2028")


def test_a_symbol_that_could_be_taken_for_a_role_is_refused() -> None:
    with pytest.raises(cp.ClearpropError, match="cannot be told from a role"):
        tree(Symbol("z") * 2)


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


def test_a_still_picture_stands_where_no_script_runs() -> None:
    content = page_of(cp.load("lecture"))
    still = content[content.index("<noscript>") : content.index("</noscript>")]
    assert "<svg" in still
    assert "E_total = 0.24909" in still


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


# --- what is wrong, and why ----------------------------------------------------------------------


def single(activation: str, weight: float, rate: float = 0.1, target: float = 0.0) -> cp.Problem:
    network = cp.Network(1, [cp.Dense(1, activation, bias=False), cp.Dense(1, "identity", bias=False)])
    parameters = cp.Parameters.of(network, [[[weight]], [[1.0]]])
    return cp.Problem(network, parameters, cp.SGD(rate), examples=cp.Examples.of([[1.0]], [[target]]))


def test_a_dead_and_a_saturated_unit(visit: Visit) -> None:
    page = visit.open(single("relu", -2.0))
    assert "h1_1 is dead: the slope of relu is 0 here" in page.locator(".cp-warnings").inner_text()
    page = visit.open(single("logistic", 9.0))
    warning = page.locator(".cp-warnings").inner_text()
    assert "h1_1 is saturated: at z_h1_1 = 9 the slope of logistic is 0.00012" in warning
    page.locator(".cp-warnings button").click()
    assert page.locator(".cp-what").inner_text() == "z_h1_1"
    assert page.locator(".cp-warnings").inner_text() == warning
    assert not visit.open("lecture").locator(".cp-warnings").is_visible()


def test_a_loss_that_explodes_and_the_operation_that_makes_the_first_nan(visit: Visit) -> None:
    page = visit.open(single("identity", 3.0, rate=1.5))
    for _ in range(3):
        press(page, "One cycle")
    assert "L explodes: it was 4.5 and is" in page.locator(".cp-warnings").inner_text()
    press(page, "Play")
    wait(page, "document.querySelector('.cp-status').textContent.includes('Diverged')")
    said = page.locator(".cp-status").inner_text()
    assert re.search(r"Diverged after cycle \d+: .* is (-?Infinity|NaN)", said)
    assert state(page, "current.fault") is None


# --- for everybody ---------------------------------------------------------------------------------


def test_by_keyboard_alone(visit: Visit) -> None:
    page = visit.open("lecture")
    page.locator(".cp-picture [tabindex='0']").focus()
    first = page.evaluate("document.activeElement.dataset.select")
    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.dataset.select")
    assert first != second
    page.keyboard.press("Enter")
    assert state(page, "selected.id") == second
    page.keyboard.press("End")
    page.keyboard.press("Space")
    assert state(page, "selected.id") == page.evaluate("document.activeElement.dataset.select")
    # Tab leaves the diagram at once: it is one stop.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.cp-picture')") is None


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm ci")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violations_of_accessibility(visits: Any, scheme: str) -> None:
    visit = visits(color_scheme=scheme)
    for net, acts in (("lecture", ("Step", "Step", "Step")), ("ring", ("One cycle",))):
        page = visit.open(net)
        for act in acts:
            press(page, act)
        for summary in page.locator("summary").all():
            summary.click()
        field(page, "w1").fill("oops")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        # In other colours only the colours are others.
        rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
        found = page.evaluate("(rules) => axe.run(document, { resultTypes: ['violations'], ...rules })", rules)
        found = found["violations"]
        told = [(each["id"], each["nodes"][0]["html"][:200], each["nodes"][0]["failureSummary"]) for each in found]
        assert told == []


def test_no_width_makes_the_page_scroll_sideways(visit: Visit) -> None:
    page = visit.open("deep", "#digits=17&of=p0")
    for summary in page.locator("summary").all():
        summary.click()
    widths = (320, 375, 768, 1024, 1920)
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        found.append(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
    page.set_viewport_size({"width": 1400, "height": 900})
    assert dict(zip(widths, found, strict=True)) == dict.fromkeys(widths, True)


def test_nothing_in_the_diagram_overlaps(visit: Visit) -> None:
    for net, address in (
        ("lecture", ""),
        ("xor", "#digits=9"),
        ("deep", "#digits=17"),
        ("ring", ""),
        ("lecture", "#at=8&rounding=truncate"),
    ):
        page = visit.open(net, address)
        script = """() => {
            const boxes = [...document.querySelectorAll('.cp-picture text')].filter((e) => e.textContent)
                .map((e) => [e.textContent, e.getBoundingClientRect()]);
            const found = [];
            for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
                const [a, b] = [boxes[i][1], boxes[j][1]];
                const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (across > 1 && down > 3) found.push([boxes[i][0], boxes[j][0], across, down]);
            }
            return found;
        }"""
        assert page.evaluate(script) == [], net


def test_without_animation_for_those_who_ask(visits: Any) -> None:
    page = visits(reduced_motion="reduce").open("xor")
    press(page, "Play")
    wait(page, "document.querySelector('.cp-status').textContent.includes('Converged')")
    assert drawn(page, "total") != "·"
