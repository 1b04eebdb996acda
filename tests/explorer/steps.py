"""What a person does on the page, and what stands there then."""

from __future__ import annotations

import re
from typing import Any


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def choose(page: Any, place: str) -> None:
    page.evaluate(
        "(id) => document.querySelector(`[data-select=\"${CSS.escape(id)}\"]`).dispatchEvent(new MouseEvent('click'))",
        place,
    )


def drawn(page: Any, place: str) -> str:
    """What stands in the diagram at a place."""
    return str(page.locator(f'[data-select="{place}"] text').first.text_content())


def derivation(page: Any) -> str:
    """The text that is copied of what is chosen."""
    return str(
        page.evaluate(
            "clearprop.textFor(clearprop.app.store.current, clearprop.app.store.selected.id, clearprop.app.store.shown)"
        )
    )


def mathematics(page: Any) -> str:
    """What the equations say, without blanks."""
    return re.sub(r"\s", "", str(page.locator(".cp-equations").text_content()))


def state(page: Any, expression: str) -> Any:
    return page.evaluate(f"clearprop.app.store.{expression}")


def field(page: Any, label: str) -> Any:
    return page.locator(".cp-panel").get_by_label(label, exact=True)
