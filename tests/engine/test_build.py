"""Built programs: compiled once, from the disk and from memory the same bits."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.support.built import PARTS, built, entry, small, trained
from tests.engine.support.programs import Doubled

import clearprop as cp
from clearprop.engine import build, cache, machine, plan
from clearprop.engine.build import Built
from clearprop.engine.fingerprint import Part, fingerprint
from clearprop.expressions.tree import maximum
from clearprop.rules.roles import z

pytestmark = pytest.mark.usefixtures("kept")

# --- where code comes from -----------------------------------------------------------------------------------


def test_code_is_compiled_once(compilations: list[int], kept: Path) -> None:
    first = built()
    assert first.training.origin == "compiled"
    assert first.training.size == sum(
        len(machine.compiled(build.source(first.program, part), first.target)) for part in PARTS
    )
    del compilations[:]
    assert built().training.origin == "memory"
    assert built().training.code == first.training.code
    build._kept.clear()
    assert built().training.origin == "disk"
    assert not set(built().training.code.values()) & set(first.training.code.values())
    assert compilations == []
    assert sorted(os.listdir(kept)) == sorted(entry(first, kept, part).name for part in PARTS)


def test_code_from_the_disk_gives_the_same_bits(compilations: list[int]) -> None:
    first = trained()
    assert len(compilations) == len(PARTS)
    assert trained() == first
    build._kept.clear()
    assert trained() == first
    assert len(compilations) == len(PARTS)


def test_it_says_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that stands still but for looking on the disk, a second, and for compiling, a minute."""
    clock = [0.0]

    def takes(seconds: float, usual: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*given: Any) -> Any:
            clock[0] += seconds
            return usual(*given)

        return slow

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(cache, "read", takes(1, cache.read))
    monkeypatch.setattr(machine, "compiled", takes(60, machine.compiled))
    assert [built().training.seconds for _ in range(2)] == [61 * len(PARTS), 0]
    build._kept.clear()
    assert built().training.seconds == len(PARTS)


def test_switched_off_nothing_is_kept_anywhere(
    compilations: list[int], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.PLACE, "off")
    assert [built().training.origin for _ in range(2)] == ["compiled", "compiled"]
    assert len(compilations) == 2 * len(PARTS)
    assert not kept.exists()


def test_where_nothing_can_be_kept_memory_still_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.PLACE, str(tmp_path / "file"))
    assert [built().training.origin for _ in range(2)] == ["compiled", "memory"]
    build._kept.clear()
    assert built().training.origin == "compiled"


def test_what_is_not_known_is_compiled_every_time(compilations: list[int], kept: Path) -> None:
    """The kernels, which know no rule, are known."""
    strange = Doubled("strange", maximum(z, 0), "a test")
    problem = cp.Problem(cp.Network(2, [cp.Dense(1, strange)], "squared_error"))
    for number in range(2):
        of = Built(plan.program(problem, "float32", machine.host(), 1), machine.host())
        assert of.training.origin == "compiled"
        assert callable(of.function("train"))
        assert len(compilations) == 3 + 2 * number
    assert os.listdir(kept) == [entry(of, kept, "kernels").name]


def test_code_of_sources_that_have_changed_since_is_not_kept(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was made by those that were imported, and would be found by those that stand there now."""
    with monkeypatch.context() as patch:
        patch.setattr("clearprop.engine.fingerprint.hashed", lambda root: "other")
        assert built().training.origin == "compiled"
        assert not kept.exists()
    build._kept.clear()
    assert built().training.origin == "compiled"
    assert entry(built(), kept).exists()


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        *((_flipped, part) for part in PARTS),
        (_truncated, "kernels"),
        (lambda content: b"", "train"),
        (lambda content: b"text", "errors"),
    ],
)
def test_damaged_code_is_compiled_again_and_replaced(
    damage: Callable[[bytes], bytes], part: Part, compilations: list[int], kept: Path
) -> None:
    """What is sound is taken, but for code that is to be linked to the kernels: without these it waits."""
    of = built()
    assert of.training.code
    path = entry(of, kept, part)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    build._kept.clear()
    del compilations[:]
    assert built().training.origin == "compiled"
    assert len(compilations) == (3 if part == "kernels" else 1)
    assert path.read_bytes() == whole
    build._kept.clear()
    assert built().training.origin == "disk"


@pytest.mark.parametrize("part", PARTS)
def test_what_this_llvm_does_not_take_is_compiled_again(part: Part, kept: Path) -> None:
    of = built()
    mark = fingerprint(of.program, of.target, part)
    assert mark is not None
    cache.write(mark, str(of.target), b"whole, but no object code")
    assert of.training.origin == "compiled"
    build._kept.clear()
    assert built().training.origin == "disk"


@pytest.mark.parametrize("part", PARTS)
def test_what_has_other_functions_is_compiled_again(part: Part, kept: Path) -> None:
    """Code that is sound, and does not have what its part must have, or needs what the kernels have not."""
    expected = trained()
    of = built()
    assert of.training.code
    mark = fingerprint(of.program, of.target, part)
    assert mark is not None
    others: dict[Part, Part] = {"kernels": "kernels", "train": "errors", "errors": "predict"}
    source = build.source(small(widths=(2,)) if part == "kernels" else of.program, others[part])
    cache.write(mark, str(of.target), machine.compiled(source, of.target))
    build._kept.clear()
    assert built().training.origin == "compiled"
    build._kept.clear()
    assert built().training.origin == "disk"
    assert trained() == expected


def test_code_that_needs_a_kernel_which_is_not_there_is_compiled_again(kept: Path) -> None:
    """The steps of a network with wide panels, kept as those of one with narrow ones."""
    narrow, wide = built(), built(widths=(1, 2))
    mark = fingerprint(narrow.program, narrow.target, "train")
    assert mark is not None
    wrong = machine.compiled(build.source(wide.program, "train"), wide.target)
    assert callable(narrow.function("train"))
    cache.write(mark, str(narrow.target), wrong)
    build._kept.clear()
    assert built().training.origin == "compiled"
    build._kept.clear()
    assert built().training.origin == "disk"


def test_code_for_other_features_is_not_taken(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    if not machine.host().has("fma"):
        pytest.skip("there is nothing to leave unused")
    assert built().training.code
    monkeypatch.setenv(machine.SWITCH, "-fma")
    assert built().training.origin == "compiled"
    assert len(os.listdir(kept)) == 2 * len(PARTS)


def test_only_so_many_parts_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MOST_KEPT", 5)
    first, second = built(), built(last="logistic")
    assert first.training.code
    assert second.training.code
    assert built().training.origin == "memory"  # used last now
    assert built(last="relu").training.code
    assert built().training.origin == "memory"
    assert built(last="logistic").training.origin == "disk"
    assert second.training.code["train"].addresses  # whoever has code keeps it


# --- parts ---------------------------------------------------------------------------------------------------


def test_all_functions_of_a_training_are_compiled_at_once(compilations: list[int]) -> None:
    of = built()
    assert callable(of.function("errors"))
    assert len(compilations) == len(PARTS)
    assert callable(of.function("train"))
    assert len(compilations) == len(PARTS)
    assert callable(of.function("predict"))
    assert len(compilations) == len(PARTS) + 1
    assert of.inference.code["kernels"] is of.training.code["kernels"]


def test_prediction_alone_is_spared_the_training(compilations: list[int]) -> None:
    of = built()
    assert callable(of.function("predict"))
    assert len(compilations) == 2
    assert set(of.inference.code) == {"kernels", "predict"}
    assert callable(built(optimizer="adam", loss="absolute_error").function("predict"))  # however it was trained
    assert len(compilations) == 2
    assert callable(of.function("train"))
    assert len(compilations) == 3


def test_steps_alone_are_spared_the_errors_and_orders(compilations: list[int], kept: Path) -> None:
    """As scikit-learn's estimators want them, unless rows are set aside; each is compiled once, cache or no cache."""
    of = built()
    assert callable(of.function("train"))
    assert sorted(os.listdir(kept)) == sorted(entry(of, kept, part).name for part in ("kernels", "train"))
    assert callable(of.function("errors"))
    assert callable(of.function("orders"))
    assert callable(of.function("epochs"))
    assert len(compilations) == 4


def test_gradients_and_errors_are_spared_the_steps(compilations: list[int], kept: Path) -> None:
    """As lbfgs wants them."""
    of = built()
    assert callable(of.function("gradient"))
    assert callable(of.function("errors"))
    assert sorted(os.listdir(kept)) == sorted(entry(of, kept, part).name for part in ("kernels", "gradient", "errors"))
    assert len(compilations) == 3


def test_switched_off_nothing_is_compiled_twice_for_one_program(
    compilations: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.PLACE, "off")
    of = built()
    names: list[build.Called] = ["train", "errors", "epochs", "gradient", "apply", "predict"]
    assert all(callable(of.function(name)) for name in names)
    assert len(compilations) == 7


def test_networks_with_the_same_rules_share_their_code(compilations: list[int], kept: Path) -> None:
    """Whatever their sizes, and on disk as well as in memory."""
    first = built(sizes=(2, 5, 3), activation="relu")
    assert first.training.code
    files = sorted(os.listdir(kept))
    del compilations[:]
    for sizes in [(200, 1, 3), (1, 7, 7, 1, 300), (3, 5, 2)]:
        other = built(sizes=sizes, activation="relu")
        assert other.training.origin == "memory"
        assert other.training.code == first.training.code
    build._kept.clear()
    assert built(sizes=(9, 9, 9), activation="relu").training.origin == "disk"
    assert compilations == []
    assert sorted(os.listdir(kept)) == files


def test_other_rules_share_the_kernels(compilations: list[int]) -> None:
    kernels = built().training.code["kernels"]
    del compilations[:]
    for changes in ({"last": "relu"}, {"optimizer": "adam"}, {"loss": "absolute_error"}):
        assert built(**changes).training.code["kernels"] is kernels
    # All but the kernels; where only the steps are others, only these.
    assert len(compilations) == 2 + 1 + 2


def test_code_keeps_the_kernels_that_it_is_linked_to() -> None:
    of = built()
    code = of.training.code
    assert code["train"].needs is code["kernels"]
    assert code["errors"].needs is code["kernels"]
    assert code["kernels"].needs is None
    build._kept.clear()  # and yet it can be run
    again = trained()
    assert trained() == again


def test_assembly_is_to_be_read() -> None:
    of = built()
    for name in ("train", "errors", *of.program.kernels):
        assert f"{name}:" in of.assembly.replace(f"_{name}:", f"{name}:")


def test_building_leaves_the_collector_as_it_was() -> None:
    import gc

    assert gc.isenabled()
    assert built().training.origin == "compiled"
    assert gc.isenabled()
    gc.disable()
    try:
        assert built(last="relu").training.origin == "compiled"
        assert not gc.isenabled()
    finally:
        gc.enable()
