"""What the benchmark makes of its measurements: who counts, who is best, and what the tables say."""

from __future__ import annotations

import argparse
import doctest
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.entries import ENGINE, OURS, Entry
from benchmarks.everything import PAGE, commands
from benchmarks.measure import Failed, process
from benchmarks.peak import Peak, kernel, measure, widths
from benchmarks.prompted import asked, once
from benchmarks.prompts.table import read
from benchmarks.results import Result, Side
from benchmarks.rows import SWEEPS

import clearprop as cp
from benchmarks import engine, entries, plot, report, row_tables, rows
from benchmarks import measure as measure_module

PAGE_PARTS = (engine.ROWS, engine.ENTRIES, engine.CURVES)


def side(name: str, threads: int | None, *milliseconds: float, **more: Any) -> Side:
    """A side with these times."""
    seconds = [each / 1000 for each in milliseconds]
    return Side(f"{name}, {threads}", name, threads, seconds, **{"off": 0.0, "allowed": 1e-4} | more)


def result(*sides: Side, flops: int | None = None) -> Result:
    return Result("a row", "step", list(sides), flops, aim=3.0)


@pytest.mark.parametrize("module", [rows, entries, report, plot, measure_module])
def test_the_examples_in_the_docstrings(module: Any) -> None:
    assert doctest.testmod(module).attempted > 0
    assert doctest.testmod(module).failed == 0


# --- who counts ----------------------------------------------------------------------------------------------


def test_the_ratio_is_that_of_the_best_peer_at_its_best_number_of_threads() -> None:
    found = result(
        side(OURS, None, 1, 1.2, 3),
        side(OURS, 1, 0.9, 0.9, 0.9),
        side(ENGINE, None, 0.5, 0.6, 0.7),
        side("JAX", 1, 5, 4, 6),
        side("JAX", 2, 3, 3.6, 9),
        side("PyTorch eager", 1, 7, 7, 7),
    )
    assert found.peer is not None
    assert found.peer.label == "JAX, 2"
    assert found.ratio == pytest.approx(3.6 / 1.2)
    assert found.over_engine == pytest.approx(1.2 / 0.6)


@pytest.mark.parametrize(
    ("more", "remark"),
    [
        ({"off": 2e-4}, "disagrees: off by 2.0e-04, allowed 1e-04"),
        ({"off": float("nan")}, "disagrees: off by nan, allowed 1e-04"),
        ({"failed": "it broke"}, "failed: it broke"),
    ],
)
def test_whoever_did_other_work_is_not_the_best_peer(more: dict[str, Any], remark: str) -> None:
    astray = side("JAX", 1, 0.1, **more)
    found = result(side(OURS, None, 1), astray, side("PyTorch eager", 1, 2))
    assert not astray.counts
    assert astray.remark == remark
    assert found.ratio == pytest.approx(2)
    assert remark in "\n".join(row_tables.details([found]))
    assert result(side(OURS, None, 1, **more), side("JAX", 1, 2)).ratio is None


def test_quartiles_of_the_rounds() -> None:
    assert side(OURS, 1, 5, 1, 2, 4, 3).quartiles == pytest.approx((0.002, 0.004))
    assert side(OURS, 1, 5).quartiles == pytest.approx((0.005, 0.005))


def test_peers_that_cannot_be_the_best_are_spared_rounds() -> None:
    ours, best = side(OURS, 1, 90, 90, 90), side("JAX", 1, 10, 10, 10)
    near, far = side("JAX", 2, 29, 29, 29), side("PyTorch eager", 1, 31, 31, 31)
    astray = side("PyTorch eager", 2, 0.1, off=1.0)
    assert result(ours, best, near, far, astray).slow == [far]
    assert result(ours, astray).slow == []


@pytest.mark.parametrize("count", [1, 2, 5])
def test_everyone_is_first_equally_often(count: int) -> None:
    turns = list(measure_module.in_turns(range(count), 2 * count))
    assert sorted(who for _, who in turns[::count]) == sorted(2 * list(range(count)))
    assert all(sorted(who for number, who in turns if number == k) == list(range(count)) for k in range(2 * count))


# --- tables, files and the plot ------------------------------------------------------------------------------


def about() -> dict[str, Any]:
    same = {"processor": "a processor", "cores": 2, "extensions": ["sse2"], "versions": {"Python": "3"}}
    asked_for = {"length": {"rounds": 7, "seconds": 0.3}, "contenders": "", "left_out": ["JAX is left out"]}
    told = {"date": "today", "system": "a system", "commit": "abc", "command": "python benchmarks/engine.py"}
    return {**same, **asked_for, **told, "sources": "def"}


def a_run(file: Path | None = None) -> engine.Run:
    """With one row."""
    sides = (side(OURS, None, 1, 1, 1), side(ENGINE, None, 0.5, 0.5), side("JAX", 1, 2.5, 2.5, 2.5))
    return engine.Run(about(), file, Peak(1e9, 8e9, 2, 16), {"a row": result(*sides, flops=10**6)})


def test_the_page_says_where_it_was_measured_and_what_was_found() -> None:
    parts = a_run().parts(None)
    assert list(parts) == [engine.ROWS, engine.ENTRIES]
    text = "\n".join(parts[engine.ROWS])
    for told in ("today; a processor, 2 cores, sse2", "JAX is left out", "8.0 on 2", "vectors of 128 bits"):
        assert told in text
    (line,) = (line for line in text.splitlines() if line.startswith("| a row | 1,000"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    ours, alone, peer = (f"{each} ({each} to {each})" for each in ("1,000", "500", "2,500"))
    assert cells == ["a row", ours, alone, "2.00×", peer, "JAX, 1", "2.50×", "3×", "2.00", "25 %"]


def test_a_shared_machine_is_called_one() -> None:
    mine, shared = side(OURS, 1, 1, busy=0.99), side(OURS, 1, 1, busy=0.4)
    assert row_tables.shared([result(mine)]) == []
    assert "one thread had 40 % of a processor" in row_tables.shared([result(shared)])[1]


def test_columns_in_which_nothing_stands_are_left_out() -> None:
    lines = report.markdown(("a", "b", "c"), [("1", report.NONE, "x"), ("22", report.NONE, "")])
    assert lines == ["| a  | c |", "| -- | - |", "| 1  | x |", "| 22 |   |"]


def test_a_limit_is_kept_or_missed() -> None:
    assert report.line("size", "kB", [250.0], most=300).endswith("250 kB                        at most 300: kept")
    assert report.line("frames", "1/s", [50.0, 52.0, 70.0], least=59).endswith(
        "(50 to 70)           at least 59: MISSED"
    )


def test_a_run_that_was_cut_short_goes_on_with_all_that_it_had(tmp_path: Path) -> None:
    first, second = a_run(tmp_path / "found.json"), engine.Run(about(), tmp_path / "found.json")
    first.write()
    assert json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["rows"]["a row"]["ratio"] == 2.5
    second.resume()
    assert second.results == first.results
    assert second.peak == first.peak
    second.add("a row", lambda: pytest.fail("measured again"))


@pytest.mark.parametrize("name", ["sources", "processor", "length"])
def test_what_was_measured_otherwise_is_not_gone_on_from(name: str, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    engine.Run(about(), path).write()
    with pytest.raises(Failed, match=f"of another run: other {name}"):
        engine.Run(about() | {name: "other"}, path).resume()
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(Failed, match="not a file of results"):
        engine.Run(about(), path).resume()


def test_the_fingerprint_is_that_of_the_code_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for text in ("a = 1", "a = 1", "a = 2"):
        (tmp_path / "__init__.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(cp, "__file__", str(tmp_path / "__init__.py"))
        found.append(report.sources())
    assert found[0] == found[1] != found[2]


def test_a_page_has_what_was_found_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    parts = [f"{report.BEGIN.format(name)}\nold\n{report.END.format(name)}\n" for name in PAGE_PARTS]
    page.write_text("prose\n" + "more prose\n".join(parts) + "the end\n", encoding="utf-8")
    for _ in range(2):
        for name, lines in a_run().parts(None).items():
            report.replace(page, name, lines)
    text = page.read_text(encoding="utf-8")
    assert text.count("old") == 1  # the part of the sweeps, which were not measured
    assert text.count("| a row | 1,000") == text.count("| a row | JAX, 1") == 1
    assert text.index("## Training") < text.index("more prose") < text.index("## Every entry")
    assert text.startswith("prose\n")
    assert text.endswith("the end\n")


def test_a_page_without_markers_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    parser = report.parser(None, engine.ROWS)
    for told in ("cannot be read", f'no part "{engine.ROWS}"'):
        with pytest.raises(SystemExit):
            parser.parse_args(["--docs", str(page)])
        assert told in capsys.readouterr().err
        page.write_text("prose\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no part"):
        report.replace(page, engine.ROWS, [])
    assert page.read_text(encoding="utf-8") == "prose\n"
    assert parser.parse_args(["--docs", str(PAGE)]) == argparse.Namespace(docs=PAGE)


def test_a_sweep_as_a_table_and_as_a_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run = engine.Run(about())
    for size in (8, 16):
        name = engine.point("width", size)
        run.results[name] = result(side(OURS, None, 1, 2), side("JAX", 1, 4, 4), side("JAX", 2, 3, 3))
    (part,) = run.parts(tmp_path / "plot.png").values()
    (line,) = (line for line in part if line.startswith("| 8 "))
    assert [cell.strip() for cell in line.split("|")] == ["", "8", "1,500", "3,000", "2.00×", ""]
    assert list(run.curves()) == ["width"]
    plot.plot(run.curves(), tmp_path / "plot.png", "a machine")
    drawn = (tmp_path / "plot.png").read_bytes()
    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) < 100_000


# --- the commands --------------------------------------------------------------------------------------------


def test_who_is_not_installed_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(entries, "find_spec", lambda name: None if name == "jax" else object())
    monkeypatch.setattr(entries, "ROOT", tmp_path)
    present, lines = engine.taking_part("")
    assert {entry.name for entry in present} == {OURS, ENGINE, "PyTorch eager", "PyTorch compiled", "scikit-learn"}
    place = ".venv/jax-0.4.31"
    assert lines == [
        "JAX is left out: jax is not installed; pip install '.[peers]'",
        "JAX, reductions apart is left out: jax is not installed; pip install '.[peers]'",
        f"JAX 0.4.31 is left out: it needs an environment; python -m venv {place} && "
        f"{place}/bin/python -m pip install jax==0.4.31",
    ]
    assert {entry.name for entry in engine.taking_part("nobody")[0]} == {OURS, ENGINE}


@pytest.mark.parametrize("quick", [True, False])
def test_the_commands_are_there_and_take_these_options(
    quick: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for script, *given in commands(tmp_path, PAGE, tmp_path / "plot.png", quick=quick).values():
        source = (measure_module.ROOT / "benchmarks" / script).read_text(encoding="utf-8")
        assert all(f'"{option}"' in source for option in given if option.startswith("--") and option != "--docs")
        if script == "engine.py" and ("--sweep" not in given or pytest.importorskip("matplotlib")):
            monkeypatch.setattr(sys, "argv", [script, *given])
            taken = engine.arguments()
            assert taken.resume
            assert taken.json.parent == tmp_path
            assert taken.sweep in {None, "all", *SWEEPS}
            assert engine.length_of(taken).rounds == (3 if quick else 5 if taken.sweep else 7)


def test_a_process_is_timed_and_its_end_told() -> None:
    done = process([sys.executable, "-c", "import sys; print('found', file=sys.stderr); print(bytearray(10**8)[0])"])
    assert (done.printed, done.errors) == ("0\n", "found\n")
    assert done.peak > 10**8
    with pytest.raises(Failed, match="exit code 3"):
        process([sys.executable, "-c", "raise SystemExit(3)"])


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_the_scripts_get_the_settings_of_the_example(name: str) -> None:
    problem = cp.load(name)
    assert problem.examples is not None
    assert problem.examples.validation is not None
    inputs, _, _, classes_aside = read(asked(name, 12))
    assert inputs.shape == (len(problem.examples.learnt), problem.network.sizes[0])
    assert len(classes_aside) == len(problem.examples.validation)
    assert len(np.unique(classes_aside)) == problem.network.sizes[-1]
    assert [layer.rule.name for layer in problem.network.layers] == ["relu", "softmax"]
    assert problem.optimizer.name == "adam"


def test_a_command_that_fails_or_does_not_do_the_work_is_found_out() -> None:
    for code, told in (("raise SystemExit('no table')", "no table"), ("print(0.2)", "an accuracy of 0.200")):
        failing = Side.of(Entry("scikit-learn", "sklearn", "", 1))
        once(failing, [sys.executable, "-c", code], {})
        assert told in (failing.failed or "")


# --- the peak ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", widths())
def test_the_loop_of_the_peak_does_all_that_is_counted(width: int) -> None:
    flops, run, _keeper = kernel(width)
    for times in (1, 2, 3, 10):
        # s ← s / 2 + 1 / 2 from 0, in every lane of every chain.
        assert run(times) == pytest.approx(flops / 2 * (1 - 0.5**times), rel=1e-6)


def test_the_peak_is_of_this_machine() -> None:
    found = measure(seconds=0.002, runs=2)
    assert found.one_core > 1e8
    assert found.width in widths()
