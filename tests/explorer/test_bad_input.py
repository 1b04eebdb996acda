"""What is wrong is said beside the field that it is in, and the last good state kept."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from tests.explorer.conftest import Visit, wait
from tests.explorer.node import Node
from tests.explorer.steps import choose, derivation, drawn, field, press, state

import clearprop as cp
from clearprop.errors import UnfitTable
from clearprop.tables.csv_file import read_csv
from clearprop.tables.table import Numbers, TableNotice, Wanted

# --- without a browser --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("abc", "“abc” is not a number; enter one such as 0.25"),
        ("", "empty; enter a number such as 0.25"),
        ("1.2.3", "“1.2.3” is not a number"),
        ("NaN", "“NaN” is not a number"),
        ("Infinity", "“Infinity” is not a number"),
        ("0x10", "“0x10” is not a number"),
        ("1e999", "1e999 is too large for a number"),
        ("<img src=x onerror=alert(1)>", "“<img src=x onerror=…” is not a number"),
        ("9" * 5000, "is too large for a number"),
    ],
)
def test_an_entry_that_is_no_number(node: Node, typed: str, said: str) -> None:
    assert said in node.evaluate("clearprop.typed", typed)


def test_an_entry_that_is_a_number(node: Node) -> None:
    entries = ["0.25", " -3 ", "+.5", "1e-3", "\N{MINUS SIGN}2", "0,75"]
    assert [node.evaluate("clearprop.typed", entry) for entry in entries] == [0.25, -3, 0.5, 1e-3, -2, 0.75]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("#weights=5:abc", 'weights: "abc" is not a number'),
        ("#weights=99:1", "weights: expected 0 to 9, found 99"),
        ("#weights=5", 'weights: "" is not a number'),
        ("#activations=0:nonsense", 'activations: "nonsense" is not a number'),
        ("#loss=%3Cscript%3E", 'loss: "<script>" is not available'),
        ("#cycle=-3", "cycle: expected 1 to 1000000, found -3"),
        ("#example=7", "example: expected 1, found 7"),
        ("#digits=99", "digits: expected 0 to 17, found 99"),
        ("#of=p99", "of: no such quantity"),
        ("#of=constructor", "of: no such quantity"),
        ("#notation=toString", 'notation: "toString" is not available'),
        ("#rows=1,2;3", "rows: expected 4 numbers in each"),
        ("#weights=5:1e999", "is not a number"),
        ("#at=77", "at: expected 0 to 8, found 77"),
        ("#rate=-1", "rate: expected at least 0"),
    ],
)
def test_an_address_that_does_not_match_changes_nothing(node: Node, address: str, said: str) -> None:
    script = "(store, refused) => [refused, store.current.error, clearprop.addressOf(store)]"
    refused, error, now = node.on_page(cp.load("lecture"), script, address)
    assert refused.startswith("This link does not match the network: ")
    assert refused.endswith(". It was ignored.")
    assert said in refused
    assert (error, now) == (cp.cycle(cp.load("lecture")).error, "")


def test_an_address_leads_back_to_its_state(node: Node) -> None:
    script = (
        "(store, refused) => [refused, clearprop.addressOf(store), store.step, store.position, store.current.error]"
    )
    address = "weights=5%3A0.9&activations=0%3A2&cycle=3&at=7&of=p5&notation=standard&digits=8"
    refused, again, step, position, error = node.on_page(cp.load("lecture"), script, "#" + address)
    assert (refused, step, position) == (None, 3, 7)
    assert dict(parse_qsl(again)) == dict(parse_qsl(address))
    assert error != cp.cycle(cp.load("lecture")).error


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "there are no rows"),
        ("p,q,either\n", "a header but no data"),
        ("1,2\n", "expected 3 columns (2 inputs, 1 target); found 2"),
        ("1,2,1\n1,2\n", "row 2: expected 3 columns, found 2"),
        ("p,q,t\n1,oh,1\n", 'row 2, column 2: "oh" is not a number'),
        ("1,2,1\n1,1e999,0\n", 'row 2, column 2: "1e999" is not a number'),
        ("1,2,a\n1,1,b\n3,1,c\n", "the last column has 3 classes, but the network has outputs for 2"),
        ("1,2,1\n" * 2001, "2,001 rows are too many for a page; the limit is 2,000"),
    ],
)
def test_rows_that_do_not_fit(node: Node, rows: str, said: str) -> None:
    script = """(store) => (rows) => {
        try { return clearprop.rowsFrom(rows, store.network) } catch (error) { return error.message }
    }"""
    found = node.on_page(cp.load("xor"), f"(store) => ({script})(store)({json.dumps(rows)})")
    assert said in found


@pytest.mark.parametrize(
    ("net", "rows", "inputs", "targets"),
    [
        ("xor", 'p;q;is\n0;0;no\n1;1;"yes"\n', [0, 0, 1, 1], [0, 1]),
        ("xor", "0.5\t0.25\t1\n", [0.5, 0.25], [1]),
        ("lecture", "1,2,3,4\r\n5,6,7,8\r\n", [1, 2, 5, 6], [3, 4, 7, 8]),
        ("lecture", "1,2,left\n5,6,right\n", [1, 2, 5, 6], [1, 0, 0, 1]),
    ],
)
def test_rows_that_fit(node: Node, net: str, rows: str, inputs: list[float], targets: list[float]) -> None:
    script = f"""(store) => {{
        const rows = clearprop.rowsFrom({json.dumps(rows)}, store.network);
        return [[...rows.inputs], [...rows.targets]];
    }}"""
    assert node.on_page(cp.load(net), script) == [inputs, targets]


@pytest.mark.parametrize(
    "rows",
    [
        "0,5;0,25;1\n1,5;2;0\n",
        "0,5\t0,25\t1\n1,5\t2\t0\n",
        "1,5;1.5;1\n2,5;2.25;0\n",
        "1,5;1,234;1\n2;2,345;0\n",
        "1.5;1,234;1\n2;2,345;0\n",
        "1;1,234;1\n2;2,345;0\n",
        "0,5;1.234;1\n1;2.345;0\n",
        "1;1.234;1\n2;2.345;0\n",
        '"1,234.5",2.5,1\n"7",3,0\n',
        '"1,234",2.5,1\n"7",3,0\n',
        '"1,234",2,1\n"7",3,0\n',
        '"1,5",2,1\n"7",3,0\n',
        "1.234.567;0,5;1\n2.345;1;0\n",
        "$5;12%;1\n$-6;7 %;0\n",
        "$5;1;1\n6;2;0\n",
        "3 696;1'234.5;1\n−906;2.5;0\n",
        "1.5;1;1\n1,5;2;0\n",
        "1.234;1,234;1\n2;3;0\n",
        "0x10;1;1\n1;2;0\n",
        "1e3;1E-3;1\n1,5e2;.5;0\n",
    ],
)
def test_pasted_numbers_are_read_as_those_of_a_file(node: Node, tmp_path: Path, rows: str) -> None:
    """The page refuses what Python refuses, and reads the same numbers from what both take."""
    separator = next(sign for sign in ";\t," if sign in rows)
    (tmp_path / "t.csv").write_text(separator.join("pqy") + "\n" + rows)
    everything = Wanted(lambda header, source: header, dict.fromkeys("pqy", "numbers"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableNotice)
        try:
            table = read_csv(tmp_path / "t.csv", everything)
            columns = [column.values for column in table.columns.values() if isinstance(column, Numbers)]
            expected = [np.stack(columns[:2], axis=1).ravel().tolist(), columns[2].tolist()]
        except UnfitTable:
            expected = []
    script = f"""(store) => {{
        try {{
            const rows = clearprop.rowsFrom({json.dumps(rows)}, store.network);
            return [[...rows.inputs], [...rows.targets]];
        }} catch (error) {{ return [] }}
    }}"""
    assert node.on_page(cp.load("xor"), script) == expected


# --- in the browser -----------------------------------------------------------------------------


@pytest.fixture
def page(visit: Visit) -> Any:
    return visit.open("lecture", "#of=p5")


def test_what_is_no_number_is_explained_beside_its_field(page: Any) -> None:
    before = derivation(page)
    field(page, "w5").fill("abc")
    message = page.locator(".cp-panel .cp-message")
    assert message.inner_text() == "“abc” is not a number; enter one such as 0.25 (still 0.5)"
    assert field(page, "w5").get_attribute("aria-invalid") == "true"
    assert field(page, "w5").get_attribute("aria-describedby") == message.get_attribute("id")
    assert derivation(page) == before
    field(page, "w5").fill("0.75")
    assert message.inner_text() == ""
    assert "w5 = 0.75" in page.locator(".cp-picture").text_content()


def test_an_enormous_value_that_makes_the_error_infinite_is_refused_with_its_cause(visit: Visit) -> None:
    network = cp.Network(1, [cp.Dense(1, "identity")])
    page = visit.open(
        cp.Problem(network, cp.Parameters.of(network, [[[1.0]]]), examples=cp.Examples.of([[1.0]], [[0.0]]))
    )
    field(page, "w1").fill("1e200")
    assert "L_1 is inf; example 1; (t_1 - a_y1)² is not finite" in page.locator(".cp-panel .cp-message").inner_text()
    assert drawn(page, "z0.0") == "1"


def test_a_penalty_that_makes_the_error_infinite_is_refused(visit: Visit) -> None:
    network, parameters = cp.Network(1, [cp.Dense(1, "tanh")]), [[[1.0]]]
    examples, penalty = cp.Examples.of([[0.1]], [[0.5]]), cp.Penalty(l2=0.01)
    problem = cp.Problem(network, cp.Parameters.of(network, parameters), penalty=penalty, examples=examples)
    page = visit.open(problem)
    field(page, "w1").fill("1e308")
    assert page.locator(".cp-panel .cp-message").inner_text().startswith("L is inf: the errors and the penalty add up")
    assert state(page, "current.moment.vector[0]") == 1


def test_escape_takes_back_what_is_no_number(page: Any) -> None:
    typed = field(page, "w5")
    typed.fill("1e")
    typed.press("Escape")
    assert (typed.input_value(), typed.get_attribute("aria-invalid")) == ("0.5", "false")
    assert page.locator(".cp-panel .cp-message").first.inner_text() == ""


def test_enormous_values_that_are_finite_are_taken(page: Any) -> None:
    field(page, "w5").fill("1e30")
    assert drawn(page, "a1.0") == "1"
    warnings = page.locator(".cp-warnings").inner_text()
    assert "o1 is dead" in warnings or "o1 is saturated" in warnings


def test_the_learning_rate(page: Any) -> None:
    rate = page.get_by_label("Learning rate (sgd)", exact=True)
    rate.fill("-1")
    assert "expected at least 0, found -1 (still 0.6)" in page.locator(".cp-fields .cp-message").all_inner_texts()[-1]
    assert state(page, "setup.rate") == 0.6


def test_a_loss_that_does_not_fit_the_activation(page: Any) -> None:
    page.get_by_label("Activation, output layer").select_option(label="tanh")
    loss = page.get_by_label("Loss")
    loss.select_option(label="binary_cross_entropy")
    said = "\n".join(page.locator(".cp-fields .cp-message").all_inner_texts())
    assert "binary_cross_entropy needs outputs between 0 and 1" in said
    assert loss.evaluate("(e) => e.selectedOptions[0].textContent") == "half_squared_error"


def test_a_target_that_the_loss_makes_no_sense_for(page: Any) -> None:
    page.get_by_label("Loss").select_option(label="binary_cross_entropy")
    choose(page, "t0")
    field(page, "target_1").fill("2")
    assert (
        "binary_cross_entropy needs targets from 0 to 1, found 2 (still 0.05)"
        in page.locator(".cp-panel .cp-message").inner_text()
    )


def test_a_broken_address_is_explained(visit: Visit) -> None:
    page = visit.open("lecture", "#weights=5:abc")
    said = 'This link does not match the network: weights: "abc" is not a number. It was ignored.'
    assert page.locator(".cp-status").inner_text() == said
    assert drawn(page, "total") == "0.24909"


def test_a_broken_address_later_on_leaves_the_state_as_it_is(page: Any) -> None:
    field(page, "w5").fill("0.75")
    before = derivation(page)
    wait(page, "location.hash.includes('0.75')")  # until it is written, it may be written over the next one
    page.evaluate("location.hash = '#of=p5&weights=5:oops'")
    wait(page, "document.querySelector('.cp-status').textContent.includes('oops')")
    assert derivation(page) == before
    page.evaluate("location.hash = '#of=p5&weights=5:0.25&cycle=3'")
    wait(page, "clearprop.app.store.step === 3")
    assert state(page, "setup.start[5]") == 0.25
    assert page.locator(".cp-status").inner_text() == ""


# --- a person's own data ------------------------------------------------------------------------


def paste(page: Any, rows: str) -> str:
    if not page.locator("textarea").is_visible():
        page.locator("summary", has_text="Your own data").click()
    page.locator("textarea").evaluate("(area, rows) => { area.value = rows }", rows)
    press(page, "Use these rows")
    return str(page.locator("details", has=page.locator("textarea")).locator(".cp-message").inner_text())


def test_rows_that_do_not_fit_leave_the_examples_unchanged(visit: Visit) -> None:
    page = visit.open("xor")
    before = state(page, "setup.examples.inputs.join()")
    assert paste(page, "1,2\n") == ("expected 3 columns (2 inputs, 1 target); found 2. The examples are unchanged.")
    assert paste(page, "1,2,7\n") == "example 1: binary_cross_entropy needs targets from 0 to 1, found 7"
    assert state(page, "setup.examples.inputs.join()") == before


def test_own_rows_are_learnt_from(visit: Visit) -> None:
    page = visit.open("xor")
    assert paste(page, 'p;q;is\n0;0;no\n0;1;no\n1;0;no\n1;1;"yes"\n') == ""
    assert state(page, "setup.examples.targets.join()") == "0,0,0,1"
    press(page, "Play")
    wait(page, "document.querySelector('.cp-status').textContent.includes('fter')")
    assert state(page, "current.error") < 0.1
    press(page, "Original examples")
    assert state(page, "setup.examples.targets.join()") == "0,1,1,0"


def test_a_dropped_file(visit: Visit) -> None:
    page = visit.open("xor")
    page.locator("summary", has_text="Your own data").click()
    page.evaluate("""() => {
        const data = new DataTransfer();
        data.items.add(new File(["0.5,0.25,1\\n0,1,0\\n"], "own.csv"));
        document.querySelector("textarea").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }""")
    wait(page, "clearprop.app.store.setup.isOwn")
    assert state(page, "setup.examples.inputs.join()") == "0.5,0.25,0,1"


def test_a_file_that_is_chosen(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("p,q,either\n0.5,0.25,1\n0,1,0\n")
    page = visit.open("xor")
    page.locator("summary", has_text="Your own data").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "own.csv")
    wait(page, "clearprop.app.store.setup.isOwn")
    assert state(page, "setup.examples.inputs.join()") == "0.5,0.25,0,1"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (
            'Object.assign(new File([""], "folder"), { text: () => Promise.reject(new Error()) })',
            "folder cannot be read",
        ),
        ('new File(["1,2,3\\n".repeat(1e6)], "huge.csv")', "huge.csv is too large for a page; use clearprop train"),
        ('new File(["\\0\\xff\\xfe"], "picture.png")', "a header but no data"),
    ],
)
def test_what_is_dropped_and_is_no_table(visit: Visit, file: str, said: str) -> None:
    page = visit.open("xor")
    page.locator("summary", has_text="Your own data").click()
    page.evaluate(f"""() => {{
        const event = new Event("drop", {{ bubbles: true, cancelable: true }});
        event.dataTransfer = {{ files: [{file}] }};
        document.querySelector("textarea").dispatchEvent(event);
    }}""")
    wait(page, f"[...document.querySelectorAll('details .cp-message')].some((e) => e.textContent.includes('{said}'))")
    assert state(page, "setup.isOwn") is False


def test_an_example_that_is_not_there(visit: Visit) -> None:
    page = visit.open("xor")
    example = page.get_by_label("Example", exact=True)
    example.fill("9")
    assert page.locator(".cp-examples .cp-message").inner_text() == "expected 1 to 4"
    assert state(page, "setup.row") == 0
    example.fill("3")
    assert (drawn(page, "a-1.0"), drawn(page, "a-1.1")) == ("1", "0")
