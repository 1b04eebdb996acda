"""Names of any script: which are names, how they are printed, typed and kept."""

from __future__ import annotations

import json
import shutil
import subprocess
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clearprop as cp
from clearprop.errors import InvalidArgument, InvalidNetwork
from clearprop.explorer.export import exported
from clearprop.network.name_checks import as_name, is_name

FILE = """
[inputs]
names = ["θ", "Größe", "重み"]
[[layers]]
units = ["α", "Köln"]
activation = "logistic"
weights = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
weight_names = [["ω1", "ω2", "ω3"], ["ψ_α", "straße", "वज़न"]]
[[layers]]
units = ["ŷ"]
[[examples]]
inputs = [1, 2, 3]
targets = [0.5]
"""


@pytest.fixture(scope="module")
def problem() -> cp.Problem:
    return cp.read(FILE)


@pytest.mark.parametrize(
    "name", ["a", "_", "1", "x1", "θ", "Größe", "重み", "вес", "وزن", "वज़न", "น้ำหนัก", "가중치", "é"]
)
def test_letters_of_any_script_are_names(name: str) -> None:
    assert is_name(unicodedata.normalize("NFC", name))
    assert cp.Network((name,), [cp.Dense(1)]).input_names == (unicodedata.normalize("NFC", name),)


@pytest.mark.parametrize(
    "name",
    [
        "", "a b", "a-b", "a+b", "w⁺", "∂w", "x²", "a\u202eb", "a\u200db", "a\x00", "\u3164", "a\u115f", "a\ufe0f",
        "\u0301a",
        "🙂", "\ud800", "a\n", "θ" * 201,
    ],
)  # fmt: skip
def test_controls_signs_and_what_cannot_be_seen_are_refused(name: str) -> None:
    with pytest.raises(InvalidNetwork) as error:
        cp.Network((name,), [cp.Dense(1)])
    assert "is not a name: expected 1 to 200 letters (of any script), digits and _" in str(error.value)
    assert not {"\x00", "\u202e"} & set(str(error.value))


@given(st.text(max_size=12))
def test_any_text_makes_a_name(text: str) -> None:
    assert is_name(as_name(text))
    assert as_name(as_name(text)) == as_name(text)


def test_names_are_kept_in_composed_form() -> None:
    network = cp.Network((unicodedata.normalize("NFD", "Größe"),), [cp.Dense(("u",), weight_names=(("wü",),))])
    assert network.input_names == ("Größe",)
    parameters = cp.Parameters.of(network, [[[2.0]]])
    assert parameters["wü"] == parameters["wu\u0308"] == parameters["wu"] == 2.0


@pytest.mark.parametrize(("one", "other"), [("ﬁ", "fi"), ("ｗ", "w"), ("µ", "μ"), ("𝛼", "α"), ("x1", "ｘ1")])
def test_names_of_the_same_letters_are_one_name_used_twice(one: str, other: str) -> None:
    with pytest.raises(InvalidNetwork, match=f'the unit names "{one}" and "{other}" are the same letters'):
        cp.Network((one, other), [cp.Dense(1)])


def test_not_text() -> None:
    with pytest.raises(InvalidArgument, match="units: expected names as text, found 1"):
        cp.Dense((1, 2))  # type: ignore[arg-type]


# --- typed in ASCII -----------------------------------------------------------------------------------


def test_every_name_may_be_typed_in_ascii(problem: cp.Problem) -> None:
    done = cp.cycle(problem)
    for typed, name in [
        ("theta", "θ"), ("z_alpha", "z_α"), ("a_Koln", "a_Köln"), ("omega1", "ω1"), ("psi_alpha", "ψ_α"),
        ("strasse", "straße"),
        ("b_Koln", "b_Köln"), ("dL/dstrasse", "∂L/∂straße"), ("delta_alpha", "δ_α"), ("omega1+", "ω1⁺"), ("z_y", "z_ŷ"),
    ]:  # fmt: skip
        assert done.names.find(typed) == done.names.find(name)
        assert done.names.text(done.names.find(typed)) == name
    assert problem.parameters["strasse"] == problem.parameters["straße"] == 0.5
    assert "θ as theta, Größe as Grosse" in cp.explain(done).text()


def test_spellings_are_unique_and_never_hide_a_name() -> None:
    weights = (("θ", "w2", "ẃ2", "Θ"),)
    network = cp.Network(("é", "e", "è", "e_2"), [cp.Dense(("u",), weight_names=weights)])
    aliases = network.layout.aliases
    assert aliases == {"e_3": "é", "e_4": "è", "theta": "θ", "w2_2": "ẃ2", "Theta": "Θ"}
    assert network.layout.find("w2") == 1
    assert network.layout.find("w2_2") == 2


def test_a_mistyped_name_is_answered_with_one_that_can_be_typed(problem: cp.Problem) -> None:
    with pytest.raises(cp.errors.UnknownName, match='did you mean "theta"'):
        cp.cycle(problem).names.find("teta")


# --- printed as they are ------------------------------------------------------------------------------


def test_printed_as_they_are(problem: cp.Problem) -> None:
    explanation = cp.explain(cp.cycle(problem))
    assert "z_α = θ · ω1 + Größe · ω2 + 重み · ω3 + b_α" in explanation.text()
    assert r"\omega_{1}" in explanation.latex()
    assert r"\text{Gr\"{o}\ss{}e}" in explanation.latex()
    assert r"\text{Größe}" in explanation.markdown()
    page = explanation.html()
    assert "<mi>θ</mi>" in page
    assert "<mi>Größe</mi>" in page
    assert ">重み</tspan>" in page or ">重み</text>" in page
    ElementTree.fromstring(page.partition("<!doctype html>")[2] or page)
    found = json.loads(explanation.json())
    assert {"z_α", "a_Köln", "δ_α"} & found["values"].keys() == {"z_α", "a_Köln"}
    assert "straße" in found["gradients"]
    assert cp.read(cp.write(problem)) == problem


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_pdflatex_compiles_them(problem: cp.Problem, tmp_path: Path) -> None:
    (tmp_path / "paper.tex").write_text(cp.explain(cp.cycle(problem)).latex(), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="latin-1", check=False)
    assert run.returncode == 0, run.stdout[-2000:]
    assert "Missing character" not in run.stdout
    assert "invalid in math mode" not in run.stdout


def test_the_page_knows_how_latex_sets_them(problem: cp.Problem) -> None:
    found = exported(problem)
    assert found["network"]["inputs"]["names"] == ["θ", "Größe", "重み"]
    assert found["latex"]["ö"] == r"\"{o}"
    assert found["latex"]["重"] == "{[}U+91CD{]}"


RESERVED = ["E_total", "L", "penalty", "E_1", "L_2", "target_1", "t_2", "sum_u", "z_v", "output_u", "a_v", "delta_u",
            "n", "η", "new_w2", "m_hat_w2", "velocity_w2"]  # fmt: skip


@pytest.mark.parametrize("name", RESERVED)
def test_parameters_are_not_called_what_a_quantity_is_called(name: str) -> None:
    with pytest.raises(InvalidNetwork, match=f'"{name}" is reserved: it is what '):
        cp.Network(1, [cp.Dense(("u", "v"), weight_names=((name,), ("w2",)))])
    with pytest.raises(
        InvalidNetwork, match=f'^the network has 1 problem:\n  inputs: "{name}" is reserved: it is what '
    ):
        cp.Network((name,), [cp.Dense(("u", "v"), weight_names=(("w1",), ("w2",)))])


@pytest.mark.parametrize("name", ["w1", "w2", "b_u"])
def test_inputs_are_not_called_what_a_parameter_is_called(name: str) -> None:
    with pytest.raises(InvalidNetwork, match=f'inputs: "{name}" is reserved: it is what a weight or bias is called'):
        cp.Network((name,), [cp.Dense(("u", "v"))])


@pytest.mark.parametrize(
    "name", ["a", "b", "y", "z", "t", "E", "w", "w3", "L_3", "t_0", "t_01", "z_w", "weight", "new_u"]
)
def test_other_names_are_ordinary(name: str) -> None:
    assert cp.Network((name,), [cp.Dense(("u", "v"))]).input_names == (name,)
