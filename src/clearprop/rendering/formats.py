"""The table of formats: how a result is written, for people and for programs.

A new format is one entry here; ``Explanation``, every command and its ``--format`` take it from this table.
Printers are imported when they are first used: start-up counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from clearprop.errors import InvalidArgument

if TYPE_CHECKING:
    from clearprop.rendering.document import Document, View


class Printable(Protocol):
    """A result: a document for people, and a structure of dictionaries and lists for programs."""

    @property
    def title(self) -> str:
        """The title of a page whose document has none."""

    @property
    def document(self) -> Document: ...
    @property
    def view(self) -> View: ...
    def structure(self) -> Any: ...


@dataclass(frozen=True)
class Result:
    """A result of a command, described by a document and by a structure."""

    title: str
    document: Document
    view: View
    structure: Callable[[], Any]


@dataclass(frozen=True)
class Format:
    """A format: ``write`` makes its text from a result, with the ``options`` that it takes; files in it end in one of
    the ``suffixes``."""

    name: str
    suffixes: tuple[str, ...]
    write: Callable[..., str]
    options: frozenset[str] = frozenset()


def _text(result: Printable, **options: Any) -> str:
    from clearprop.rendering.text import text

    return text(result.document, result.view, **options)


def _markdown(result: Printable) -> str:
    from clearprop.rendering.markdown import markdown

    return markdown(result.document, result.view)


def _latex(result: Printable, *, fragment: bool = False) -> str:
    from clearprop.rendering.latex import latex

    return latex(result.document, result.view, fragment=fragment)


def _html(result: Printable, *, fragment: bool = False) -> str:
    from clearprop.rendering import page

    if fragment:
        return page.fragment(result.document, result.view)
    return page.page(result.document, result.view, title=result.title)


def _json(result: Printable) -> str:
    from clearprop.rendering.as_json import dumps

    return dumps(result.structure())


FORMATS = {
    each.name: each
    for each in (
        Format("text", (".txt",), _text, frozenset({"width", "colour"})),
        Format("markdown", (".md", ".markdown"), _markdown),
        Format("latex", (".tex",), _latex, frozenset({"fragment"})),
        Format("html", (".html", ".htm"), _html, frozenset({"fragment"})),
        Format("json", (".json",), _json),
    )
}


def format_of(path: str) -> str | None:
    """Return the format that a file's suffix names, or None.

    >>> format_of("lecture.tex"), format_of("LECTURE.HTM"), format_of("lecture.out")
    ('latex', 'html', None)
    """
    return next((each.name for each in FORMATS.values() if path.lower().endswith(each.suffixes)), None)


def write(result: Printable, format: str = "text", **options: Any) -> str:
    """Return a result in a format.

    Raises:
        UnknownName: there is no such format.
        InvalidArgument: an option that the format does not take.
    """
    from clearprop.fields import accepted, one_of  # with NumPy, which the help of a command needs not wait for

    chosen = FORMATS[accepted(one_of("format", FORMATS), format)]
    for option in options.keys() - chosen.options:
        takers = " or ".join(each.name for each in FORMATS.values() if option in each.options)
        raise InvalidArgument(f"{option}: expected format {takers or 'none'}, found {format}")
    return chosen.write(result, **options)
