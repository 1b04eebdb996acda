"""The network drawn with TikZ: what is drawn, what is folded, and that no label covers another."""

from __future__ import annotations

import itertools
import re

import pytest
from tests.rendering.compiling import compiled, too_wide

import clearprop as cp
from clearprop.network import names as q
from clearprop.network.names import Names
from clearprop.rendering.document import Block, Curve, Diagram, View
from clearprop.rendering.latex import latex
from clearprop.rendering.tikz import tikz

LECTURE = cp.load("lecture")


def drawn(inputs: int, *sizes: int, rule: str = "tanh", bias: str = "unit") -> str:
    network = cp.Network(inputs, [cp.Dense(size, rule, bias=bias) for size in sizes])  # type: ignore[arg-type]
    return tikz(Diagram(network), View(Names(network)))


def lecture() -> Diagram:
    values: dict[q.Quantity, float] = {q.Parameter(k): float(v) for k, v in enumerate(LECTURE.parameters.vector)}
    values |= {q.Input(0): 0.1, q.Input(1): 0.5, q.Target(0): 0.05, q.Target(1): 0.95}
    return Diagram(LECTURE.network, values)


def labels(shown: str) -> list[tuple[float, float, str]]:
    found = re.findall(r"\\node\[weight\] at \((-?[\d.]+),(-?[\d.]+)\) \{\$(.*)\$\};", shown)
    return [(float(x), float(y), label) for x, y, label in found]


def test_the_lecture_network_has_every_name_and_value() -> None:
    shown = tikz(lecture(), View(LECTURE.names))
    for n in range(1, 9):
        assert f"$w_{{{n}}} = 0.{n}$" in shown
    for piece in ("$b_{1} = 0.25$", "$b_{2} = 0.35$", r"$\mathrm{target}_{1} = 0.05$", "{$0.1$}", r"\small $h_{1}$"):
        assert piece in shown
    assert shown.count("node[unit]") == 6
    assert shown.count(r"\draw[edge,shorten") == 8


def test_values_are_left_out_before_names() -> None:
    network = cp.Network(3, [cp.Dense(4, "tanh"), cp.Dense(4, "tanh"), cp.Dense(2, "tanh")])
    values: dict[q.Quantity, float] = {q.Parameter(0): 0.123, q.Input(0): 1e-8}
    shown = tikz(Diagram(network, values), View(Names(network)))
    assert "0.123" not in shown
    assert r"$1\times 10^{-8}$" in shown
    assert {f"w_{{{n}}}" for n in range(1, 37)} <= {label for _, _, label in labels(shown)}


@pytest.mark.parametrize("sizes", [(1, 1), (2, 3, 2), (3, 4, 4, 2), (4, 5, 4), (2, 6, 2)])
def test_labels_do_not_overlap(sizes: tuple[int, ...]) -> None:
    for (x, y, one), (u, v, other) in itertools.combinations(labels(drawn(*sizes)), 2):
        assert abs(x - u) > 0.3 or abs(y - v) > 0.3, (one, other)


@pytest.mark.parametrize("sizes", [(784, 512, 10), (3, *[5] * 40, 2), (50, *[60] * 12), (9, 8)])
def test_large_networks_are_folded(sizes: tuple[int, ...]) -> None:
    shown = drawn(*sizes)
    units = re.findall(r"\(u(\d+)-(\d+)\) at", shown)
    columns = {column for column, _ in units}
    assert len(columns) <= 11
    assert all(sum(column == other for other, _ in units) <= 8 for column in columns)
    assert (str(0), str(sizes[0] - 1)) in units
    assert (str(len(sizes) - 1), str(sizes[-1] - 1)) in units
    assert len(shown) < 60_000


def test_pictures_compile_and_fit_the_page() -> None:
    long = cp.Dense(tuple(f"a_very_long_name_{k}" for k in range(3)), "z * logistic(z)", bias="shared")
    networks = [
        cp.Network(784, [cp.Dense(512, "relu"), cp.Dense(10, "softmax")]),
        cp.Network(2, [long, cp.Dense(2, bias="none")]),
        cp.Network(8, [cp.Dense(8, "relu") for _ in range(30)]),
        cp.Network(1, [cp.Dense(1)]),
    ]
    views = [(Diagram(network), View(Names(network))) for network in networks]
    views.append((lecture(), View(LECTURE.names)))
    blocks: list[tuple[Block, View]] = [*views, (Curve("E_total", (1.0, 0.1, 0.02), (2.0, 0.3, 0.2)), views[-1][1])]
    blocks.append((Curve("L", (0.5,)), views[-1][1]))
    body = "".join(latex((block,), view, fragment=True) for block, view in blocks)
    empty = latex((), View(LECTURE.names))
    log = compiled(empty.replace("\\end{document}", body + "\\end{document}"))
    assert too_wide(log) == 0
