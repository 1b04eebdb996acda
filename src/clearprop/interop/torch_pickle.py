"""The pickles in PyTorch's files, read without running anything: names become inert stand-ins, and only those that a
model needs are known.

The format is a small program for a stack machine. Of its instructions those that make objects of classes, call
functions or set attributes are read here; none of them reaches a class or function of Python.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

from clearprop.errors import DamagedModel, UnreadableFile
from clearprop.interop.problem import damaged
from clearprop.messages import abridged

MAX_BYTES = 64 * 2**20
"""A pickle beside tensors describes them; those of real models have some kilobytes."""
TENSORS = (
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
)
KINDS = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "bf16",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "?",
}  # fmt: skip
PLAIN = {
    "collections.OrderedDict", "collections.defaultdict", "torch.Size", "torch.device", "builtins.dict",
    "builtins.set", "__builtin__.set", "builtins.int", "builtins.float",
    "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype", "_codecs.encode",
    "torch.float32", "torch.float64", "torch.float16", "torch.bfloat16", "torch.int64",
}  # fmt: skip
MODULES = "torch.nn.modules."
FUNCTIONS = "torch.nn.functional."


PURE: Any = pickle._Unpickler


class Made:
    """What a name in a pickle made of its arguments: inert, with the attributes that the pickle gives it."""

    def __init__(self, name: str, arguments: tuple[Any, ...] = ()) -> None:
        self.name, self.arguments = name, arguments
        self.attributes: dict[Any, Any] = {}
        self.items: dict[Any, Any] = {}

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value

    @property
    def kind(self) -> str:
        """The last part of its name: ``Linear``."""
        return self.name.rpartition(".")[2]


class Named:
    """A name in a pickle. Called, it makes a stand-in."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *arguments: Any) -> Any:
        return Made(self.name, arguments)


class Unpickler(PURE):  # type: ignore[misc]  # the one in C reserves memory by a number in the file
    """Reads a pickle of allowed names; ``persistent`` says what stands for a storage."""

    dispatch: ClassVar[dict[int, Any]] = dict(PURE.dispatch)

    def __init__(self, file: io.BufferedIOBase, shown: str, remedy: str) -> None:
        super().__init__(file)
        self.shown, self.remedy = shown, remedy

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        storage = module in ("torch", "torch.storage", "torch.cuda") and name in (*KINDS, "UntypedStorage")
        if full in PLAIN or full in TENSORS or storage or full.startswith((MODULES, FUNCTIONS)):
            return Named(full)
        raise UnreadableFile(
            f'{self.shown}: its pickle names "{abridged(full)}", which is not of a plain PyTorch model; nothing was '
            f"run; {self.remedy}"
        )

    def get_extension(self, code: int) -> Any:
        raise pickle.UnpicklingError(f"extension {code}")

    def persistent_load(self, identity: Any) -> Any:
        kind, *rest = identity
        if kind == "module":  # older files carry the source of a class with it, which is not looked at
            return rest[0]
        return Made("storage", (kind, *rest))

    def load_build(self) -> None:
        state = self.stack.pop()
        made = self.stack[-1]
        if not isinstance(made, Made):
            raise pickle.UnpicklingError("a state of what has none")
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
            state = {**(state[0] or {}), **state[1]}
        if isinstance(state, dict):
            made.attributes.update(state)

    def load_newobj(self) -> None:
        arguments, named = self.stack.pop(), self.stack.pop()
        if not isinstance(named, Named):
            raise pickle.UnpicklingError("an object of no class")
        self.append(named(*arguments))

    def load_reduce(self) -> None:
        arguments, named = self.stack.pop(), self.stack.pop()
        if not isinstance(named, Named) or not isinstance(arguments, tuple):
            raise pickle.UnpicklingError("a call of what is no function")
        self.append(named(*arguments))

    def refused(self) -> None:
        raise pickle.UnpicklingError("an instruction that no model has")

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.REDUCE[0]] = load_reduce
    # The bytes of an array are reserved before they are read.
    for _refused in (
        pickle.NEWOBJ_EX,
        pickle.OBJ,
        pickle.INST,
        pickle.NEXT_BUFFER,
        pickle.READONLY_BUFFER,
        pickle.BYTEARRAY8,
    ):
        dispatch[_refused[0]] = refused


def loads(file: io.BufferedIOBase, shown: str, remedy: str) -> Any:
    """Return what the next pickle in a file describes.

    Raises:
        UnreadableFile: it names a class or function that a plain model has not.
        DamagedModel: it is cut off, or no pickle.
    """
    read: Callable[[], Any] = Unpickler(file, shown, remedy).load
    try:
        return read()
    except (UnreadableFile, DamagedModel):
        raise
    except Exception as error:  # whatever a damaged pickle does to the machine that reads it
        raise damaged(shown, f"its pickle cannot be read ({type(error).__name__})") from None
