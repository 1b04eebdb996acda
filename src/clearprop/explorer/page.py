"""The page: one HTML file with its data, style and script, which makes no network requests.

Its policy allows this script and this style by their hashes, and no origin at all. The data stand
in a block that is never executed.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib import resources

from clearprop.explorer.export import escaped, exported
from clearprop.explorer.static_picture import still
from clearprop.messages import abridged
from clearprop.network.problem import Problem
from clearprop.rendering.html import Html

SCRIPT, STYLE = "explorer.js", "explorer.css"


def page(problem: Problem) -> str:
    """Return the whole page, as text.

    Raises:
        InvalidArgument: there is no example to show.

    >>> import clearprop as cp
    >>> page(cp.load("lecture")).startswith("<!doctype html>")
    True
    """
    data, script, style = escaped(exported(problem)), bundled(SCRIPT), bundled(STYLE)
    drawn = Html(*still(problem)).body()
    title = escape(abridged(problem.heading, 200))
    policy = (
        f"default-src 'none'; script-src '{fingerprint(script)}'; style-src '{fingerprint(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return "".join((
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        '<meta name="referrer" content="no-referrer">\n',
        '<link rel="icon" href="data:,">\n',
        f"<title>{title} – clearprop</title>\n",
        f'<style>{style}</style>\n</head>\n<body class="clearprop-page">\n',
        '<main id="clearprop" class="cp-explorer"></main>\n',
        f'<noscript><div class="cp-explorer cp-still">{drawn}</div></noscript>\n',
        f'<script type="application/json" id="clearprop-data">{data}</script>\n',
        f'<script type="module">{script}</script>\n</body>\n</html>\n',
    ))  # fmt: skip


def bundled(name: str) -> str:
    """Return a file of the front end, as it was built."""
    return (resources.files("clearprop.explorer") / "bundle" / name).read_text(encoding="utf-8")


def fingerprint(content: str) -> str:
    """Return the hash by which a policy allows a script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
