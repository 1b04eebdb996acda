"""Every source file has a test file of its name in the mirrored folder, and every test file stands for one.

A test file whose name begins with a source's, as ``test_build_at_once.py`` does with that of ``build.py``, is a
second one about the same source.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES, TESTS = Path("src/clearprop"), Path("tests")

WITHOUT_A_TEST = {
    "types.py",  # a name for NumPy's arrays: nothing runs, mypy checks it
    "rules/roles.py",  # the symbols that all rules share: no rule could be read without them
}

MORE_THAN_ONE_FILE = {
    "test_docs.py": "README and docs",
    "test_mirror.py": "this file",
    "test_public.py": "the public names",
    "benchmarks": "the benchmarks",
    "cli/test_cli.py": "every command: help, exit codes, no traceback",
    "field": "files as people have them, each case with its right numbers",
    "estimators/test_backends.py": "joblib's backends",
    "engine/mathematics/test_accuracy.py": "all functions of the engine, over all numbers",
    "engine/test_agreement.py": "native code against the reference",
    "engine/test_same_bits.py": "the same bits with vectors of any width",
    "engine/test_threads.py": "the same bits with any number of threads, and beside other libraries",
    "explorer/test_agreement.py": "the page's numbers against Python's",
    "explorer/test_agreement_of_texts.py": "the page's derivations against Python's",
    "explorer/test_bad_input.py": "the page, given what is wrong",
    "explorer/test_budgets.py": "the sizes of the page and its parts",
    "explorer/test_bundle.py": "the built front end",
    "explorer/test_for_everybody.py": "the page by keyboard, in colours and sizes",
    "explorer/test_lecture_page.py": "the page against the lecture's digits",
    "explorer/test_looks.py": "what the eye sees of the page",
    "explorer/test_lines.py": "every line of a cycle, as the page shows it",
    "explorer/test_training.py": "training in the page",
    "explorer/test_warnings.py": "the page's signs that training goes wrong",
    "explorer/test_within_a_page.py": "the page in a frame of another one",
    "models/test_earlier_versions.py": "models of earlier versions load",
    "rendering/test_weights.py": "weights of examples in every format",
    "rules/test_conventions_of_others.py": "rules in the forms of Keras and scikit-learn",
    "training/test_against_pytorch.py": "trainings against PyTorch",
    "training/test_kills.py": "trainings killed at any moment",
}


def files() -> set[Path]:
    """The files with Python code, sources and tests, by their paths from the root."""
    return {path.relative_to(ROOT) for folder in (SOURCES, TESTS) for path in (ROOT / folder).rglob("*.py")}


def complaints(files: set[Path]) -> list[str]:
    """The source files without a test file, and the test files that stand for nothing, as messages."""
    sources = {path.relative_to(SOURCES) for path in files if path.is_relative_to(SOURCES)}
    # A package has the tests of its __init__ under its own name.
    packages = {folder for path in sources for folder in path.parents if folder.name}
    sources = {path for path in sources if path.name not in ("__init__.py", "__main__.py")}
    tests = {path.relative_to(TESTS) for path in files if path.is_relative_to(TESTS) and path.name.startswith("test_")}
    found = []
    for source in sorted(sources):
        wanted = source.with_name(f"test_{source.name}")
        if wanted not in tests and source.as_posix() not in WITHOUT_A_TEST:
            found.append(f"{SOURCES / source}: expected tests in {TESTS / wanted}")
    names: dict[Path, set[str]] = {}
    for path in sources | packages:
        names.setdefault(path.parent, set()).add(path.stem)
    for test in sorted(tests):
        name, beside = test.stem.removeprefix("test_"), names.get(test.parent, set())
        if {test.as_posix(), test.parts[0]} & MORE_THAN_ONE_FILE.keys() or name in beside:
            continue
        if not any(name.startswith(f"{each}_") for each in beside):
            found.append(f"{TESTS / test}: there is no {SOURCES / test.with_name(name + '.py')}")
    return found


def test_every_source_file_has_its_tests_and_every_test_file_its_source() -> None:
    assert complaints(files()) == []


def test_no_exception_is_left_over() -> None:
    assert [name for name in WITHOUT_A_TEST if not (ROOT / SOURCES / name).is_file()] == []
    assert [name for name in MORE_THAN_ONE_FILE if not (ROOT / TESTS / name).exists()] == []


HOUSE = {
    *(SOURCES / name for name in ("cycle.py", "rules/__init__.py", "rules/losses.py", "engine/kernels/product.py")),
    *(TESTS / name for name in ("test_cycle.py", "rules/test_losses.py", "engine/kernels/test_product.py")),
}
"""A small house in order."""


def test_a_house_in_order_gives_no_complaint() -> None:
    assert complaints(HOUSE) == []


@pytest.mark.parametrize("planted", ["rules/momentum.py", "engine/kernels/convolution.py", "momentum.py"])
def test_a_source_without_tests_is_found(planted: str) -> None:
    name = Path(planted)
    assert complaints(HOUSE | {SOURCES / planted}) == [
        f"src/clearprop/{planted}: expected tests in tests/{name.with_name(f'test_{name.name}')}"
    ]


@pytest.mark.parametrize("planted", ["rules/test_momentum.py", "engine/test_product.py", "test_misc.py"])
def test_a_test_file_that_stands_for_nothing_is_found(planted: str) -> None:
    """Also one that stands in another folder than its source."""
    (complaint,) = complaints(HOUSE | {TESTS / planted})
    assert complaint.startswith(f"tests/{planted}: there is no ")


def test_tests_that_are_moved_away_are_missed() -> None:
    moved = TESTS / "rules/test_losses.py"
    assert len(complaints(HOUSE - {moved} | {TESTS / moved.name})) == 2
