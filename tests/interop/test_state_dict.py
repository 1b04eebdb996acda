from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from clearprop.errors import UnreadableFile
from clearprop.interop.chain import Chain, NotAChain
from clearprop.interop.problem import NoActivations
from clearprop.interop.state_dict import from_tensors, tensors_in

RNG = np.random.default_rng(0)


def tensors(**shapes: tuple[int, ...]) -> dict[str, Any]:
    return {name.replace("__", "."): RNG.normal(size=shape) for name, shape in shapes.items()}


GOOD = tensors(fc1__weight=(4, 3), fc1__bias=(4,), fc2__weight=(2, 4), fc2__bias=(2,))


def test_layers_are_taken_in_order() -> None:
    found = from_tensors(GOOD, Chain(), "m.pt", ["relu", "softmax"], ordered=True)
    assert [layer.weights.shape for layer in found.layers] == [(4, 3), (2, 4)]
    np.testing.assert_array_equal(np.asarray(found.layers[1].bias), GOOD["fc2.bias"])
    assert [layer.rule.name for layer in found.layers] == ["relu", "softmax"]


def test_without_activations_the_layers_are_listed() -> None:
    with pytest.raises(NoActivations, match=re.escape("found 2 layers: fc1 (3 to 4), fc2 (4 to 2)")):
        from_tensors(GOOD, Chain(), "m.pt", None, ordered=True)


def test_an_order_that_names_do_not_give_follows_from_the_shapes() -> None:
    mixed = tensors(hidden__weight=(4, 3), head__weight=(2, 4), entry__weight=(3, 5))
    found = from_tensors(mixed, Chain(), "m", ["relu", "identity"], ordered=False)
    assert [layer.weights.shape for layer in found.layers] == [(3, 5), (4, 3), (2, 4)]


def test_numbers_in_names_count_as_numbers() -> None:
    many = {f"{k}.weight": np.full((2, 2), float(k)) for k in range(12)}
    chain = Chain()
    found = from_tensors(dict(sorted(many.items())), chain, "m", ["relu", "identity"], ordered=False)
    assert [layer.weights[0, 0] for layer in found.layers] == list(range(12))
    assert chain.remarks == ["assumed: layers in the order 0, 1, 2, 3, 4, 5, …"]


def test_an_order_that_nothing_gives_is_refused() -> None:
    square = tensors(entry__weight=(3, 3), hidden__weight=(3, 3))
    with pytest.raises(NotAChain, match="the order of its layers is not certain"):
        from_tensors(square, Chain(), "m", ["relu", "identity"], ordered=False)


@pytest.mark.parametrize(
    ("planted", "message"),
    [
        (tensors(conv__weight=(4, 3, 3, 3)), "conv.weight is of a convolution"),
        (tensors(rnn__weight_ih_l0=(4, 3)), "rnn.weight_ih_l0 is of a recurrent layer"),
        (tensors(norm__weight=(4,), norm__bias=(4,)), "norm.weight is of a layer norm"),
        (tensors(act__weight=(1,)), "act.weight is of a layer that is not linear, such as PReLU"),
        (tensors(attn__in_proj_weight=(9, 3)), "attn.in_proj_weight is of attention"),
        (tensors(scale=(4,)), "scale is of a parameter of an own layer"),
    ],
)
def test_other_layers_are_refused_by_name(planted: dict[str, Any], message: str) -> None:
    with pytest.raises(NotAChain, match=f"^m.pt: {re.escape(message)}; only linear layers in a row can be taken$"):
        from_tensors({**GOOD, **planted}, Chain(), "m.pt", ["relu", "softmax"], ordered=True)


def test_layers_that_do_not_follow_each_other_are_refused() -> None:
    apart = tensors(fc1__weight=(4, 3), fc2__weight=(2, 5))
    with pytest.raises(NotAChain, match=r"fc2.weight takes 5 numbers, but fc1.weight before it gives 4"):
        from_tensors(apart, Chain(), "m.pt", ["relu", "softmax"], ordered=True)


NORM = {f"1.{name}": np.abs(RNG.normal(size=4)) for name in ("weight", "bias", "running_mean", "running_var")}


def test_a_batch_norm_directly_after_a_layer_is_folded() -> None:
    layers = {"0.weight": GOOD["fc1.weight"], "0.bias": GOOD["fc1.bias"], "3.weight": GOOD["fc2.weight"]}
    chain = Chain()
    found = from_tensors({**layers, **NORM}, chain, "m.pt", ["relu", "softmax"], ordered=True)
    scale = NORM["1.weight"] / np.sqrt(NORM["1.running_var"] + 1e-5)
    np.testing.assert_allclose(found.layers[0].weights, layers["0.weight"] * scale[:, None])
    expected = (layers["0.bias"] - NORM["1.running_mean"]) * scale + NORM["1.bias"]
    np.testing.assert_allclose(found.layers[0].bias, expected)  # type: ignore[arg-type]
    assert "assumed: eps 1e-5 in the batch norm 1" in chain.remarks
    with pytest.raises(NotAChain, match="does not say whether it stands before or after the activation"):
        from_tensors(
            {**GOOD, **{name.replace("1.", "norm."): each for name, each in NORM.items()}},
            Chain(), "m.pt", ["relu", "softmax"], ordered=True,
        )  # fmt: skip


def test_a_checkpoint_with_several_models_asks() -> None:
    def is_tensor(value: Any) -> bool:
        return isinstance(value, np.ndarray)

    assert tensors_in({"epoch": 1, "state_dict": GOOD, "ema": GOOD}, is_tensor, "m") == GOOD
    with pytest.raises(UnreadableFile, match=r"holds the weights of several models \(one, two\)"):
        tensors_in({"one": GOOD, "two": GOOD}, is_tensor, "m")
    for nothing in ([1], {"epoch": 3}):
        with pytest.raises(UnreadableFile, match="holds no"):
            tensors_in(nothing, is_tensor, "m")
