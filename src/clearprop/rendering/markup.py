"""Text and elements of HTML, SVG and MathML; all of it is well-formed XML too."""

from __future__ import annotations

from html import escape


def escaped(text: str) -> str:
    """Return any text as content or as the value of an attribute: nothing in it is markup, invisible, or changes
    the direction of the text after it."""
    return escape("".join(character if character.isprintable() else " " for character in text))


def element(name: str, content: str = "", /, **attributes: str | float | None) -> str:
    """Return an element whose content is markup already. Attributes are escaped; those that are None are left
    out; an underscore stands for a hyphen, or for nothing at the end of the name.

    >>> element("a", "here", href="#w5", class_="factor")
    '<a href="#w5" class="factor">here</a>'
    """
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{shown}>{content}</{name}>"
