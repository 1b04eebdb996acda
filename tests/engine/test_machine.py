"""Code for the processor at hand and for others: what it uses, and what it calls."""

from __future__ import annotations

import ctypes
import gc
import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import get_args

import pytest
from llvmlite import binding
from tests.support import HANG

import clearprop as cp
from clearprop.engine import availability, build, machine, plan
from clearprop.engine.fingerprint import Part
from clearprop.engine.machine import SWITCH, Code, Target
from clearprop.engine.module import GIVE_WAY
from clearprop.engine.program import Program
from clearprop.errors import RequestError

AVX = ("avx", "avx2", "fma")
AVX_512 = ("avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl")
LINUX, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
TARGETS = {
    "AVX-512": Target(LINUX, "skylake-avx512", (*AVX, *AVX_512)),
    "AVX2": Target(LINUX, "haswell", AVX),
    "SSE2": Target(LINUX, "x86-64", ()),
    "NEON": Target(ARM, "generic", ("neon",)),
    "AVX2 on Windows": Target("x86_64-pc-windows-msvc", "haswell", AVX),
    "NEON on macOS": Target("arm64-apple-darwin", "apple-m1", ("neon",)),
    "here without AVX-512": machine.host().without("avx512f"),
    "here without FMA": machine.host().without("fma"),
    "here without AVX": machine.host().without("avx"),
}
# What shows in assembly that something of the processor is used.
ZMM, YMM, FUSED, LANES = (re.compile(word) for word in ("%zmm", "%ymm", "%?v?fn?m(add|sub)|fmla", r"\tfmla(\.\w+)?\tv"))


@pytest.fixture(scope="module", autouse=True)
def _everywhere() -> None:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()


def program(target: Target, dtype: str = "float32") -> Program:
    """A small program with every kind of kernel: dropout, softmax, powers, a shared bias, clipping by norm."""
    layers = [
        cp.Dense(6, "tanh", dropout=0.25),
        cp.Dense(3, "softmax", bias="shared"),
        cp.Dense(5, "z**1.5 + log(1 + z**2) + erf(z)", bias=False),
        cp.Dense(3, "softmax"),
    ]
    optimizer = replace(cp.Adam(), clip_norm=1.0, clip_value=0.5)
    problem = cp.Problem(cp.Network(5, layers), optimizer=optimizer, penalty=cp.Penalty(l1=0.1, l2=0.1))
    whole = plan.program(problem, dtype, target, 9)
    return replace(whole, tile=replace(whole.tile, rows=2, inputs=2))


PARTS: tuple[Part, ...] = get_args(Part)


@cache
def source(name: str, dtype: str, part: Part) -> str:
    """A part of it for a target."""
    return build.source(program(TARGETS[name], dtype), part)


@cache
def objects(name: str, dtype: str, part: Part) -> bytes:
    """The same as object code."""
    return machine.compiled(source(name, dtype, part), TARGETS[name])


@cache
def assembly(name: str, part: Part) -> str:
    """The same as assembly."""
    return machine.assembly(source(name, "float32", part), TARGETS[name])


# --- other processors ------------------------------------------------------------------------------------


def undefined(code: bytes) -> set[str]:
    """The symbols that 64-bit little-endian ELF object code does not define itself."""
    assert code[:6] == b"\x7fELF\x02\x01"
    (start,), (size, count) = struct.unpack_from("<Q", code, 0x28), struct.unpack_from("<HH", code, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", code, start + size * k) for k in range(count)]
    found = set()
    for _, kind, _, _, offset, length, link, *_ in sections:
        if kind == 2:  # a table of symbols; its names are in the section it links to, and its first entry is empty
            for at in range(offset + 24, offset + length, 24):
                name, _, _, section, _, _ = struct.unpack_from("<IBBHQQ", code, at)
                if section == 0:
                    begin = sections[link][4] + name
                    found.add(code[begin : code.index(0, begin)].decode())
    return found


MORE: Mapping[Part, tuple[str, ...]] = {
    "train": ("times", "gradient", "bias", "transpose", "barrier"),
    "errors": (),
    "predict": (),
}
"""Kernels that they call, besides those of the forward pass, by the first word of their names."""
CASES = [
    ("AVX-512", "float32"),
    ("AVX2", "float64"),
    *((name, dtype) for name in ("SSE2", "NEON") for dtype in ("float32", "float64")),
    ("here without FMA", "float32"),
    ("here without AVX", "float64"),
]


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_code_calls_nothing_but_kernels_and_what_lets_others_run(name: str, dtype: str) -> None:
    if "linux" not in TARGETS[name].triple:
        pytest.skip("another format than ELF")
    kernels = set(program(TARGETS[name], dtype).kernels)
    assert undefined(objects(name, dtype, "kernels")) == {GIVE_WAY}
    for part, more in MORE.items():
        found = undefined(objects(name, dtype, part))
        assert found <= kernels
        # Whatever is not needed for it is not asked for.
        assert {each.partition("_")[0] for each in found} == {"product", "gather", *more}


def test_llvm_makes_the_same_of_the_same() -> None:
    again = machine.compiled(source("AVX2", "float64", "train"), TARGETS["AVX2"])
    assert again == objects("AVX2", "float64", "train")


def test_a_call_of_a_library_would_be_found() -> None:
    calling = """
        declare double @"llvm.exp.f64"(double)
        define double @"f"(double %"x") {
          %"y" = call double @"llvm.exp.f64"(double %"x")
          ret double %"y"
        }"""
    assert undefined(machine.compiled(calling, TARGETS["AVX2"])) == {"exp"}


def test_code_for_other_systems_is_made() -> None:
    for part in PARTS:
        windows = objects("AVX2 on Windows", "float32", part)
        assert windows[:2] == b"\x64\x86"  # COFF for x86-64
        assert b"chkstk" not in windows  # what a large frame would call there
        assert objects("NEON on macOS", "float64", part)[:4] == b"\xcf\xfa\xed\xfe"  # Mach-O of 64 bits


@pytest.mark.parametrize(
    ("name", "zmm", "ymm", "fma"),
    [
        ("AVX-512", True, True, True),
        ("AVX2", False, True, True),
        ("SSE2", False, False, False),
        ("NEON", False, False, True),
        ("here without AVX-512", False, None, None),
        ("here without FMA", False, None, False),
        ("here without AVX", False, False, False),
    ],
)
def test_code_uses_what_the_processor_has_and_nothing_else(
    name: str, zmm: bool, ymm: bool | None, fma: bool | None
) -> None:
    if name.startswith("here") and not machine.host().x86:
        pytest.skip("features of x86")
    for word, expected in ((ZMM, zmm), (YMM, ymm), (FUSED, fma)):
        if expected is not None:
            for part in ("kernels", "train"):
                assert bool(word.search(assembly(name, part))) is expected, (word.pattern, part)
    if name == "NEON":
        assert LANES.search(assembly(name, "kernels"))


def test_wide_vectors_are_not_halved() -> None:
    """LLVM prefers 256 bits on some processors, unless vectors of 512 are asked for."""
    for part in ("kernels", "train"):
        assert "<16 x float>" in source("AVX-512", "float32", part)
        computing = [line for line in assembly("AVX-512", part).splitlines() if FUSED.search(line)]
        assert any(ZMM.search(line) for line in computing)
        assert not any(YMM.search(line) for line in computing)


# --- features --------------------------------------------------------------------------------------------


def test_the_target_says_how_wide_vectors_are() -> None:
    widths = {name: (target.vector_bytes, target.registers, target.fma) for name, target in TARGETS.items()}
    assert widths["AVX-512"] == (64, 32, True)
    assert widths["AVX2"] == (32, 16, True)
    assert widths["SSE2"] == (16, 16, False)
    assert widths["NEON"] == (16, 32, True)


def test_what_is_left_unused_takes_along_what_is_built_on_it() -> None:
    target = replace(TARGETS["AVX-512"], features=("sse3", "ssse3", "sse4.1", "sse4.2", "vaes", *AVX, "f16c", *AVX_512))
    assert target.without("avx512f").features == ("sse3", "ssse3", "sse4.1", "sse4.2", "vaes", *AVX, "f16c")
    assert target.without("fma").features == ("sse3", "ssse3", "sse4.1", "sse4.2", "vaes", "avx", "avx2", "f16c")
    assert target.without("avx512vl").vector_bytes == 64
    assert target.without("avx").features == ("sse3", "ssse3", "sse4.1", "sse4.2")
    assert target.without("ssse3").features == ("sse3",)
    assert target.without("avx").without("avx") == target.without("avx")
    assert target.without() == target


def test_features_that_are_lacking_are_said_last() -> None:
    assert Target(LINUX, "haswell", AVX).without("avx2").flags == "+avx,+fma,-avx2"
    assert Target(LINUX, "haswell", ("avx", "avx512f"), ("fma",)).without("avx512f").flags == "+avx,-avx512f,-fma"
    host = machine.host()
    assert {*host.features, *host.lacking} == set(binding.get_host_cpu_features())
    assert not set(host.features) & set(host.lacking)


def test_features_are_switched_off_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = machine.host()
    if not plain.has("avx"):
        pytest.skip("there is no AVX to switch off")
    for given in ("-avx", " -avx ,-fma,", "-avx,-avx"):
        monkeypatch.setenv(SWITCH, given)
        assert not machine.host().has("avx")
        assert machine.host().vector_bytes == 16
        assert availability.unusable() is None
    monkeypatch.setenv(SWITCH, "")
    assert machine.host() == plain


EXPECTED = f'{SWITCH}: expected features to leave unused, each with a minus, like "-avx512f,-fma"'


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("avx", f'{EXPECTED}; found "avx"'),
        ("-avx,+fma", f'{EXPECTED}; found "+fma"'),
        ("-avx,-", f'{SWITCH}: unknown feature of this processor ""'),
        ("-sse2", f"{SWITCH}: sse2 is what every processor of this kind has; it cannot be left unused"),
        ("-avx512g", f'{SWITCH}: unknown feature of this processor "avx512g"; did you mean "avx512f"?'),
    ],
)
def test_what_is_no_feature_is_refused(given: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not machine.host().x86:
        pytest.skip("features of x86")
    monkeypatch.setenv(SWITCH, given)
    asked: list[Callable[[], object]] = [machine.host, availability.unusable]
    for ask in asked:
        with pytest.raises(RequestError, match=re.escape(message)):
            ask()


# --- loading ---------------------------------------------------------------------------------------------


def test_code_is_loaded_and_runs() -> None:
    made = machine.compiled(TWICE, machine.host())
    code = Code(made, ("twice",), machine.host())
    assert code.size == len(made)
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.addresses["twice"])(21) == 42
    with pytest.raises(RuntimeError, match="missing"):
        Code(made, ("missing",), machine.host())


def scattered(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What came of loading code into a process whose free memory is in pieces far apart."""
    line = [sys.executable, "-m", "tests.engine.support.scattered", *arguments]
    # Python's own allocator would ask the system for more in the middle of it.
    environment = os.environ | {"PYTHONMALLOC": "malloc"}
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=HANG, check=False)


linux = pytest.mark.skipif(sys.platform != "linux", reason="memory as Linux gives it")


@linux
def test_code_reaches_its_constants_wherever_memory_is_free() -> None:
    done = scattered()
    assert done.returncode == 0, done.stderr
    begun, apart = done.stdout.splitlines()
    assert begun == "scattered"
    assert int(apart.removesuffix(" GiB apart")) > 2


@linux
def test_an_older_linker_would_end_the_process() -> None:
    done = scattered("older")
    assert done.stdout == "scattered\n"
    # It looks at how far it is; built without assertions, it reads where nothing is.
    assert -done.returncode in (signal.SIGABRT, signal.SIGSEGV), done.stderr


@linux
def test_memory_is_given_back_with_the_code() -> None:
    objects = machine.compiled(availability.TRIAL, machine.host())

    def pages() -> int:
        with open("/proc/self/maps", encoding="utf-8") as lines:
            return sum(line.split()[1] == "r-xp" and line.split()[-1] == "0" for line in lines)

    kept = [Code(objects, ("trial",), machine.host()) for _ in range(3)]
    before = pages()
    kept += [Code(objects, ("trial",), machine.host()) for _ in range(5)]
    assert pages() > before
    del kept[3:]
    gc.collect()
    assert pages() == before


CALLS = """
    declare i64 @"twice"(i64)
    define i64 @"four_times"(i64 %"x") {
      %"y" = call i64 @"twice"(i64 %"x")
      %"z" = call i64 @"twice"(i64 %"y")
      ret i64 %"z"
    }"""
TWICE = 'define i64 @"twice"(i64 %"x") {\n  %"y" = add i64 %"x", %"x"\n  ret i64 %"y"\n}\n'
THRICE = TWICE.replace("twice", "thrice")


def test_code_is_linked_to_what_it_needs() -> None:
    """To that which it is given, not to another one of the same name that was loaded before or later."""
    target = machine.host()
    wrong = Code(machine.compiled(TWICE.replace("add", "mul"), target), ("twice",), target)
    first = Code(machine.compiled(TWICE, target), ("twice",), target)
    code = Code(machine.compiled(CALLS, target), ("four_times",), target, first)
    other = Code(machine.compiled(CALLS, target), ("four_times",), target, wrong)
    assert code.needs is first
    del first, wrong
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.addresses["four_times"])(5) == 20
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(other.addresses["four_times"])(5) == 5**4


def test_code_whose_needs_are_not_there_is_refused() -> None:
    """None at all, or others."""
    target = machine.host()
    made = machine.compiled(CALLS, target)
    with pytest.raises(RuntimeError):
        Code(made, ("four_times",), target)
    others = Code(machine.compiled(THRICE, target), ("thrice",), target)
    with pytest.raises(RuntimeError):
        Code(made, ("four_times",), target, others)


@pytest.mark.parametrize("damage", [lambda o: b"", lambda o: b"text" * 100, lambda o: o[:100]])
def test_what_is_no_code_is_refused(damage: Callable[[bytes], bytes]) -> None:
    made = machine.compiled('define void @"f"() {\n  ret void\n}\n', machine.host())
    with pytest.raises(RuntimeError):
        Code(damage(made), ("f",), machine.host())


def test_others_can_be_let_run() -> None:
    assert ctypes.CFUNCTYPE(ctypes.c_int)(machine._give_way())() in (0, 1)
