"""What the benchmark makes of its measurements: who counts, who is best, and what the tables say."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.comparison import command, document, machine, prompt, rounds, sweep, tables
from benchmarks.comparison.result import MANY, Result, Side, geometric_mean
from benchmarks.comparison.run import CURVES, ENTRIES, ROWS, Files, Run, Unfit
from benchmarks.contenders import entry as entry_module
from benchmarks.contenders import rows as rows_module
from benchmarks.contenders.entry import OURS, Entry
from benchmarks.contenders.rows import Sweep, Training
from benchmarks.contenders.work import layers_of, made
from benchmarks.peak import Peak
from benchmarks.prompts import table

import clearprop as cp
from clearprop.training.reference import Reference

SMALL = Training((3, 4, 2), 5, 20, rate=1.0)
"""Steps so long that the order of the rows shows in the loss."""


def side(name: str, threads: int | None, *milliseconds: float, **more: Any) -> Side:
    """A side with these times."""
    seconds = [each / 1000 for each in milliseconds]
    return Side(f"{name}, {threads}", name, threads, seconds, **{"off": 0.0, "allowed": 1e-4} | more)


def result(*sides: Side, flops: int | None = None) -> Result:
    return Result("a row", "step", list(sides), flops, reference=(1.0, 0.5))


@pytest.mark.parametrize("module", [rows_module, entry_module, tables, sweep, machine])
def test_the_examples_in_the_docstrings(module: Any) -> None:
    assert doctest.testmod(module).attempted > 0
    assert doctest.testmod(module).failed == 0


# --- who counts ----------------------------------------------------------------------------------------------


def test_the_ratio_is_that_of_the_best_peer_at_its_best_number_of_threads() -> None:
    found = result(
        side(OURS, None, 1, 1.2, 3),
        side(OURS, 1, 0.9, 0.9, 0.9),
        side("JAX", 1, 5, 4, 6),
        side("JAX", 2, 3, 3.6, 9),
        side("PyTorch eager", 1, 7, 7, 7),
    )
    assert found.peer is not None
    assert found.peer.label == "JAX, 2"
    assert found.ratio == pytest.approx(3.6 / 1.2)
    assert [each.label for each in found.best] == ["clearprop, 1", "JAX, 2", "PyTorch eager, 1"]


@pytest.mark.parametrize(
    ("more", "remark"),
    [
        ({"off": 2e-4}, "disagrees: off by 2.0e-04, allowed 1e-04"),
        ({"off": float("nan")}, "disagrees: off by nan, allowed 1e-04"),
        ({"off": None, "otherwise": "identity units"}, "other mathematics: identity units"),
        ({"failed": "it broke"}, "failed: it broke"),
    ],
)
def test_whoever_did_other_work_is_not_the_best_peer(more: dict[str, Any], remark: str) -> None:
    astray = side("JAX", 1, 0.1, **more)
    found = result(side(OURS, None, 1), astray, side("PyTorch eager", 1, 2))
    assert not astray.counts
    assert astray.remark == remark
    assert found.ratio == pytest.approx(2)
    assert remark in "\n".join(tables.details([found]))


def test_there_is_no_ratio_if_clearprop_did_other_work() -> None:
    found = result(side(OURS, None, 1, off=1.0), side("JAX", 1, 2))
    assert found.ratio is None
    assert found.ratio_included is None


def test_compiling_is_what_the_first_epoch_takes_beyond_a_later_one() -> None:
    ours = side(OURS, None, 1, first=0.3, units=100)
    peer, other = side("JAX", 1, 2, first=0.2, units=100), side("PyTorch eager", 1, 3, first=0.3, units=100)
    assert ours.compiling == pytest.approx(0.2)
    assert ours.included == pytest.approx(0.001 + 0.2 / MANY)
    assert peer.compiling == 0
    assert result(ours, peer, other).ratio_included == pytest.approx(0.002 / 0.00102)


def test_quartiles_of_the_rounds() -> None:
    assert side(OURS, 1, 5, 1, 2, 4, 3).quartiles == pytest.approx((0.002, 0.004))
    assert side(OURS, 1, 5).quartiles == pytest.approx((0.005, 0.005))


def test_twice_as_fast_and_half_as_fast_even_out() -> None:
    assert geometric_mean([2.0, 0.5]) == pytest.approx(1)
    assert geometric_mean([]) is None


def test_peers_that_cannot_be_the_best_are_spared_rounds() -> None:
    ours, best = side(OURS, 1, 90, 90, 90), side("JAX", 1, 10, 10, 10)
    near, far = side("JAX", 2, 29, 29, 29), side("PyTorch eager", 1, 31, 31, 31)
    astray = side("PyTorch eager", 2, 0.1, off=1.0)
    assert result(ours, best, near, far, astray).slow == [far]
    assert result(ours, astray).slow == []


# --- the same work -------------------------------------------------------------------------------------------


def trained(fault: str) -> tuple[Side, cp.Parameters]:
    """The reference's first epoch in float32, with something planted in it."""
    work = made(SMALL)
    reference = Reference(work.problem, "float32")
    for step, rows in enumerate(work.batches(0), start=1):
        rate = 2 * SMALL.rate if fault == "squared error without its half" else SMALL.rate
        chosen = rows[:-1] if fault == "an example too few" else rows
        if fault == "in another order":
            chosen = work.batches(1)[step - 1]
        reference.step(chosen, step, rate)
    found = reference.snapshot().parameters
    if fault == "a bias that was forgotten":
        found.biases(1)[:] = work.layers[1][1]
    return Side("", "", 1, [1.0]), found


@pytest.mark.parametrize(
    "fault",
    ["", "squared error without its half", "an example too few", "in another order", "a bias that was forgotten"],
)
def test_who_trains_otherwise_is_found_out(fault: str) -> None:
    (before, after), check = rounds.training_check(SMALL)
    noted, found = trained(fault)
    check(noted, layers_of(found))
    assert after < before
    assert noted.counts is (not fault)
    if not fault:
        assert noted.apart is not None
        assert noted.apart < 1e-5


def test_flops_are_those_of_the_products_that_are_needed() -> None:
    batch, counted = 7, 0
    for layer, (inputs, units) in enumerate(((5, 4), (4, 3), (3, 2))):
        forward = backward = weights = 2 * batch * inputs * units
        counted += forward + weights + (backward if layer else 0)
    assert Training((5, 4, 3, 2), batch, 7).flops == counted


def test_every_epoch_sees_every_row_once_and_in_an_order_of_its_own() -> None:
    work, again = made(SMALL), made(SMALL)
    for epoch in range(5):
        assert sorted(work.batches(epoch).ravel()) == list(range(20))
        assert np.array_equal(work.batches(epoch), again.batches(epoch))
    assert not np.array_equal(work.batches(0), work.batches(1))
    assert work.batches(0).shape == (4, 5)
    assert work.inputs.dtype == work.targets.dtype == np.float32


def test_an_epoch_of_few_steps_draws_from_all_rows() -> None:
    task = Training((3, 4, 2), 5, 1000, steps=4)
    seen = np.concatenate([made(task).batches(epoch).ravel() for epoch in range(4)])
    assert task.units == 4
    assert made(task).batches(0).shape == (4, 5)
    assert seen.max() > 500
    assert Training((3, 4, 2), 5, 10, steps=4).units == 2


def test_rows_come_in_whole_batches() -> None:
    with pytest.raises(ValueError, match="expected whole batches of 3, found 10 rows"):
        Training((2, 2, 2), 3, 10)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_everyone_is_first_equally_often(count: int) -> None:
    firsts = [rounds.rotated(list(range(count)), number)[0] for number in range(2 * count)]
    assert sorted(firsts) == sorted(2 * list(range(count)))
    assert sorted(rounds.rotated(list(range(count)), 3)) == list(range(count))


# --- tables, files and the plot ------------------------------------------------------------------------------


def about() -> dict[str, Any]:
    return {
        "date": "today",
        "processor": "a processor",
        "cores": 2,
        "extensions": ["sse2"],
        "system": "a system",
        "versions": {"Python": "3"},
        "commit": "abc",
        "sources": "def",
        "rounds": 7,
        "seconds": 0.3,
        "contenders": "",
        "command": "python benchmarks/engine.py",
        "left_out": ["JAX is left out"],
    }


def test_the_page_says_where_it_was_measured_and_what_was_found() -> None:
    found = result(side(OURS, None, 1, 1, 1), side("JAX", 1, 2.5, 2.5, 2.5), flops=10**6)
    found.aim = 3.0
    text = tables.page(about(), Peak(1e9, 2e9, 2, 16), [found])
    for told in ("today; a processor, 2 cores, sse2", "JAX is left out", "2.0 on 2", "vectors of 128 bits"):
        assert told in text
    (line,) = (line for line in text.splitlines() if line.startswith("| a row | 1,000"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == [
        "a row",
        "1,000 (1,000 to 1,000)",
        "2,500 (2,500 to 2,500)",
        "JAX, 1",
        "2.50×",
        "3×",
        "1.00",
        "50 %",
    ]


def test_a_shared_machine_is_called_one() -> None:
    mine, shared = side(OURS, 1, 1, busy=0.99), side(OURS, 1, 1, busy=0.4)
    assert tables.shared([result(mine)]) == []
    assert "one thread had 40 % of a processor" in tables.shared([result(shared)])[1]


def test_columns_in_which_nothing_stands_are_left_out() -> None:
    lines = tables.markdown(("a", "b", "c"), [("1", tables.NONE, "x"), ("22", tables.NONE, "")])
    assert lines == ["| a  | c |", "| -- | - |", "| 1  | x |", "| 22 |   |"]


def test_what_was_measured_is_written_down_after_every_row(tmp_path: Path) -> None:
    run = Run(about(), Files(tmp_path / "found.json", tmp_path / "found.md"), Peak(1e9, 2e9, 2, 16))
    run.add(result(side(OURS, None, 1), side("JAX", 1, 2), flops=10**6))
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["rows"][0]["ratio"] == 2
    assert found["rows"][0]["sides"][0]["share_of_peak"] == 0.5
    assert "## Training" in (tmp_path / "found.md").read_text(encoding="utf-8")


def test_a_run_that_was_cut_short_goes_on_with_all_that_it_had(tmp_path: Path) -> None:
    points = tuple((width, Training((2, width, 1), 1, 1)) for width in (8, 16))
    first = Run(about(), Files(tmp_path / "found.json"), Peak(1e9, 2e9, 2, 16))
    first.curves.append(sweep.Curves(rows_module.SWEEPS["width"], [result(side(OURS, None, 1), side("JAX", 1, 4))]))
    first.add(result(side(OURS, None, 1, 2, 3), side("JAX", 1, failed="it broke"), flops=10**6))
    second = Run(about(), Files(tmp_path / "found.json"))
    second.resume()
    assert second.results == first.results
    assert second.curves == first.curves
    assert second.peak == first.peak
    assert second.has("a row")
    assert not second.has(points[0][1].name)
    assert "today, begun today;" in "\n".join(tables.head(second.about, second.peak))


def test_the_rows_of_a_prompt_are_found_whatever_the_number_of_epochs() -> None:
    found = Run(about(), results=[Result("prompt iris, 130 epochs", "run", [])])
    assert found.has("prompt iris")
    assert not found.has("prompt digits")


@pytest.mark.parametrize("name", ["sources", "processor", "rounds"])
def test_what_was_measured_otherwise_is_not_gone_on_from(name: str, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    Run(about(), Files(path)).write()
    with pytest.raises(Unfit, match=f"not of this run: other {name}"):
        Run(about() | {name: "other"}, Files(path)).resume()
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(Unfit, match="not a file of results"):
        Run(about(), Files(path)).resume()


def test_the_fingerprint_is_that_of_the_code_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for text in ("a = 1", "a = 1", "a = 2"):
        (tmp_path / "__init__.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(cp, "__file__", str(tmp_path / "__init__.py"))
        found.append(machine.sources())
    assert found[0] == found[1] != found[2]


def test_a_page_has_what_was_found_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    parts = [f"{document.BEGIN.format(name)}\nold\n{document.END.format(name)}\n" for name in (ROWS, CURVES, ENTRIES)]
    page.write_text("prose\n" + "more prose\n".join(parts) + "the end\n", encoding="utf-8")
    found = Run(about(), Files(docs=page), Peak(1e9, 2e9, 2, 16), [result(side(OURS, None, 1), side("JAX", 1, 2))])
    found.publish()
    found.publish()
    text = page.read_text(encoding="utf-8")
    assert text.count("old") == 1  # the part of the sweeps, which were not measured
    assert text.count("| a row | 1,000") == text.count("| a row | JAX, 1") == 1
    assert text.index("## Training") < text.index("more prose") < text.index("## Every entry")
    assert text.startswith("prose\n")
    assert text.endswith("the end\n")


def test_a_page_without_markers_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    assert "cannot be read" in (document.missing(page, [ROWS]) or "")
    page.write_text("prose\n", encoding="utf-8")
    assert f'no part "{ROWS}"' in (document.missing(page, [ROWS]) or "")
    with pytest.raises(ValueError, match="no part"):
        document.replace(page, ROWS, [])
    assert page.read_text(encoding="utf-8") == "prose\n"


def test_the_page_of_the_documentation_has_all_parts() -> None:
    page = Path(__file__).parents[2] / "docs" / "benchmarks.md"
    assert document.missing(page, [ROWS, CURVES, ENTRIES]) is None


def test_a_sweep_as_a_table_and_as_a_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    points = tuple((width, Training((2, width, 1), 1, 1)) for width in (8, 16))
    curves = sweep.Curves(
        Sweep("width", "units", points),
        [result(side(OURS, None, 1, 2), side("JAX", 1, 4, 4), side("JAX", 2, 3, 3)) for _ in points],
    )
    assert [cell.strip() for cell in sweep.table(curves)[4].split("|")] == ["", "8", "1,500", "3,000", "2.00×", ""]
    sweep.plot([curves], tmp_path / "plot.png", "a machine")
    drawn = (tmp_path / "plot.png").read_bytes()
    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) < 100_000


# --- who takes part ------------------------------------------------------------------------------------------


def test_who_is_not_installed_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_module, "find_spec", lambda name: None if name == "jax" else object())
    present, lines = command.taking_part("")
    assert {entry.name for entry in present} == {OURS, "PyTorch eager", "PyTorch compiled", "scikit-learn"}
    assert lines == ["JAX is left out: jax is not installed; pip install '.[peers]'"]


def test_clearprop_always_takes_part() -> None:
    present, lines = command.taking_part("nobody")
    assert {entry.name for entry in present} == {OURS}
    assert not lines


def test_threads_are_bounded_before_the_libraries_are_loaded() -> None:
    assert Entry("JAX", "jax", "", 2).environment["NPROC"] == "2"
    assert Entry("JAX", "jax", "", None).environment == {}


# --- from the prompt -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_the_scripts_get_the_settings_of_the_example(name: str) -> None:
    given: dict[str, Any] = prompt.asked(name, 12)
    problem = cp.load(name)
    assert problem.examples is not None
    assert problem.examples.validation is not None
    parts = table.read(given["file"], given["target"], given["aside"], given["standardize"])
    assert parts.inputs.shape == (len(problem.examples.learnt), problem.network.sizes[0])
    assert len(parts.classes_aside) == len(problem.examples.validation)
    assert len(np.unique(parts.classes)) == problem.network.sizes[-1]
    assert [layer.rule.name for layer in problem.network.layers] == ["relu", "softmax"]
    assert problem.optimizer.name == "adam"


def test_a_command_that_fails_or_does_not_do_the_work_is_found_out() -> None:
    for code, told in (("raise SystemExit('no table')", "no table"), ("print(0.2)", "an accuracy of 0.200")):
        entry = Entry("scikit-learn", "sklearn", "", 1)
        given = prompt.command("iris", entry, "{}", Path())
        given.line = [given.line[0], "-c", code]
        given.run()
        assert told in (given.side.failed or "")
