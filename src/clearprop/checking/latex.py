"""Names and numbers that were written for LaTeX."""

from __future__ import annotations

import re

_FRACTION = re.compile(r"\\(?:d|t|s|nice)?frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}")
_SET = re.compile(r"\\(?:left|right)[()\[\]]|\\[()\[\]]|\\displaystyle\b")
_WRAPPED = re.compile(r"\\(?:mathrm|text|operatorname|mathit|mathsf)\b|[{}$\\]")


def without_latex(text: str) -> str:
    """Return a text without the commands of LaTeX that only say how it looks."""
    if not any(sign in text for sign in "\\{$"):
        return text
    text = _FRACTION.sub(r"\1/\2", _SET.sub("", text))
    text = text.replace("\\partial", "∂").replace("\\delta", "δ").replace("\\%", "%")
    text = re.sub(r"\\(?:cdot|times)\b", "·", text)
    return " ".join(_WRAPPED.sub("", re.sub(r"\\[,;! ]", "", text)).split())
