"""A page that is complete in one file, and a fragment of one for a notebook or another page.

The page loads nothing and runs nothing, and its policy says so.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from clearprop.rendering.document import Document, Heading, View
from clearprop.rendering.html import Html
from clearprop.rendering.markup import element, escaped

FEW_HEADINGS = 3
"""A page with no more headings needs no table of contents."""


def page(document: Document, view: View, *, title: str) -> str:
    """Return a whole page. ``title`` is its title if the document has none."""
    titles = [block.text for block in document if isinstance(block, Heading) and block.level == 1]
    body = Html(document, view, top=1 if titles else 2)
    heading = "" if titles else element("h1", escaped(title)) + "\n"
    style = styles()
    return "\n".join([
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8"/>',
        f'<meta http-equiv="Content-Security-Policy" content="{policy(style)}"/>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        '<meta name="color-scheme" content="light dark"/>',
        element("title", escaped(titles[0] if titles else _title(document, title))),
        f"<style>{style}</style>",
        "</head>",
        '<body class="clearprop-page">',
        '<div class="clearprop">',
        _contents(body),
        f"<main>\n{heading}{body.body()}\n</main>",
        "</div>",
        "</body>",
        "</html>",
        "",
    ])  # fmt: skip


def fragment(document: Document, view: View) -> str:
    """Return the body of the page without the table of contents, with styles that touch nothing else. Its ids are
    unique, so that one page may hold several fragments."""
    said = repr((document, view.digits, view.rounding, view.names.notation.name))
    prefix = f"c{hashlib.sha256(said.encode()).hexdigest()[:8]}-"
    body = Html(document, view, top=2, prefix=prefix).body()
    return f'<div class="clearprop fragment">\n<style>{styles()}</style>\n{body}\n</div>\n'


def _title(document: Document, about: str) -> str:
    """Return the subject and the derived quantities: ``lecture: ∂E_total/∂w5, E_1``."""
    named = [block.text for block in document if isinstance(block, Heading)]
    return ": ".join(filter(None, [about, ", ".join([*named[:3], *(["…"] if named[3:] else [])])]))


def _contents(body: Html) -> str:
    headings = sum(isinstance(block, Heading) for block in body.document)
    if headings <= FEW_HEADINGS:
        return ""
    return f'<nav aria-label="Contents"><details><summary>Contents</summary>{body.contents()}</details></nav>'


def styles() -> str:
    """Return the style sheet; every rule in it applies within the class ``clearprop`` only."""
    return files("clearprop.rendering").joinpath("style.css").read_text(encoding="utf-8")


def policy(style: str) -> str:
    """Return the policy: no script, no request, and no style but this one."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
