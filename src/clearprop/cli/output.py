"""Write results to standard output, or to a file, atomically."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, Literal

from clearprop.atomic_write import write_atomically
from clearprop.errors import InvalidArgument
from clearprop.messages import abridged, printable
from clearprop.rendering.formats import FORMATS, Printable, format_of, write


def deliver(result: Printable, format: str | None, output: str | None = None, *, fragment: bool = False) -> None:
    """Write a result in a format to standard output, or to a file; on a terminal, in its width and with styles.

    Without a format, the file's suffix names it; one that names none means text, and that is said.
    """
    output = None if output == "-" else output
    if format is None and output is not None:
        if output.lower().endswith(".pdf"):
            if fragment:
                raise InvalidArgument("--fragment: a PDF is a whole document; write .tex")
            from clearprop.rendering.pdf import pdf, require_pdf  # with all that sets pages: start-up counts

            require_pdf()
            write_atomically(output, pdf(result))
            return
        format = format_of(output)
        if format is None and "." in Path(output).name:
            known = ", ".join(suffix for each in FORMATS.values() for suffix in each.suffixes)
            print(f"clearprop: {abridged(output, 200)}: written as text; known are {known}, .pdf", file=sys.stderr)
    format = format or "text"
    takes = FORMATS[format].options
    options: dict[str, Any] = {}
    if fragment:
        if "fragment" not in takes:
            takers = " or ".join(each.name for each in FORMATS.values() if "fragment" in each.options)
            raise InvalidArgument(f"--fragment is for --format {takers}, found {format}")
        options["fragment"] = True
    if output is None and "width" in takes and sys.stdout.isatty():
        columns = shutil.get_terminal_size((80, 24)).columns
        options |= {"width": max(40, min(100, columns)), "colour": True}
    deliver_text(write(result, format, **options), output, styled=bool(options.get("colour")))


def deliver_text(text: str, output: str | None = None, *, styled: bool = False) -> None:
    """Write text to standard output, or to a file; ``styled`` has codes for a terminal in it."""
    if output is not None and output != "-":
        write_atomically(output, text)
        return
    if sys.stdout.isatty() and not styled:
        text = printable(text)  # labels of a table may hold anything, and a terminal obeys some of it
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, errors="replace").decode(encoding))
    sys.stdout.flush()


def refuse_document(output: str | None, writes: str, instead: str) -> None:
    """Refuse a file whose suffix names a document where something else is written."""
    if output is not None and (format_of(output) not in (None, "text") or output.lower().endswith(".pdf")):
        suffix = Path(output).suffix
        raise InvalidArgument(f"--output: {writes}, found a file that ends in {suffix}; {instead}")


def which_example(given: str) -> int | Literal["all"]:
    """Return the example that ``K`` or ``all`` names."""
    if given == "all":
        return "all"
    if not given.isdecimal():
        raise InvalidArgument(f'--example: expected a number from 1, or "all", found "{given}"')
    return int(given)
