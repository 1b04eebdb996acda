from __future__ import annotations

import collections
import io
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from clearprop.errors import DamagedModel, UnreadableFile
from clearprop.interop.torch_pickle import Made, Named, loads


class Evil:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call = call, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_that_would_run_code_runs_nothing(protocol: int, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for call in ((os.system, f"touch {mark}"), (eval, f"open({str(mark)!r}, 'w')"), (Path, "x")):
        raw = pickle.dumps({"weights": Evil(*call)}, protocol=protocol)
        with pytest.raises(UnreadableFile, match=r"^m.pt: its pickle names \".*nothing was run; do this$"):
            loads(io.BytesIO(raw), "m.pt", "do this")
    assert not mark.exists()


def test_allowed_names_become_inert_stand_ins() -> None:
    raw = pickle.dumps(collections.OrderedDict(a=1, b=[2.5]), protocol=2)
    found = loads(io.BytesIO(raw), "m.pt", "")
    assert isinstance(found, Made)
    assert found.items == {"a": 1, "b": [2.5]}


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x02ccollections\nOrderedDict\n(K\x01K\x02u.",  # items of a name
        b"\x80\x02}(K\x01\x86R.",  # a call of a dictionary
        b"\x80\x02ccollections\nOrderedDict\n}N\x86b.",  # a state of a name
        b"\x80\x02]r\xff\xff\xff\xff0.",  # a place far away, then nothing left
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",  # a length beyond all memory
        b"\x80\x02(i__main__\nx\n.",
        b"\x80\x02\x82\x01.",
        b"",
        b"(" * 100_000 + b".",
        b"\x80\x02" + b"]" * 200_000 + b"a" * 200_001 + b".",
    ],
)
def test_a_damaged_pickle_is_one_message(raw: bytes) -> None:
    with pytest.raises((DamagedModel, UnreadableFile), match=r"^m.pt: "):
        loads(io.BytesIO(raw), "m.pt", "")


def test_what_reserves_memory_before_it_reads_is_refused() -> None:
    raw = pickle.dumps(bytearray(b"hello"), protocol=5)
    with pytest.raises(DamagedModel, match=r"\(UnpicklingError\)"):
        loads(io.BytesIO(raw), "m.pt", "")


def test_stand_ins_share_nothing() -> None:
    raw = b"\x80\x02ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00aK\x01sb."
    one, two = (loads(io.BytesIO(raw), "m.pt", "") for _ in range(2))
    one.attributes["b"] = 2
    assert two.attributes == {"a": 1}
    assert Named("x")().name == "x"
