"""Comment lines -> their running text, whatever the language: no markers, no markup, no tags."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["paragraph", "prose"]

_QUOTES = re.compile(r"^\s*(?:@\w*doc\s+)?(?:~?[A-Za-z]{0,2})(?:\"\"\"|\'\'\')|(?:\"\"\"|\'\'\')\s*$")
_MARKER = re.compile(r"^\s*(?:/\*+!?<?|\{-+\s*\|?|//[/!]?<?|\*(?!\*)/?|#+!?|--+\s*[|^]?|;+)\s?")
_CLOSING = re.compile(r"\s*(?:\*+/|-\})\s*$")
_BRIEF = re.compile(r"^\s*[@\\](?:brief|short|summary)\s+|</?(?:summary|para|p)>", re.IGNORECASE)
_ENDS = re.compile(
    r"(?i)^\s*(?:[@\\]\w|:\w+[ :]|\.\.\s|```|~~~|>>>|[-=~*_#]{3,}\s*$"
    r"|(?:args|arguments|parameters|params|returns?|raises|throws|examples?|usage|notes?|see also"
    r"|attributes|options)\s*:|<(?:param|returns|remarks|example|pre|ul)\b)"
)
_MARKUP: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\{@\w+\s+(?:[^\s}]+\s+)?([^}]*)\}"), r"\1"),
    (re.compile(r"</?[A-Za-z][^<>]*>"), " "),
    (re.compile(r":[\w:]+:`~?([^`]*)`"), r"\1"),
    (re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])"), r"\1"),
    (re.compile(r"`+|\*\*"), ""),
)


def prose(lines: Sequence[str]) -> list[str]:
    """The comment's paragraphs in order, up to the first tag, example or list of parameters."""
    paragraphs: list[list[str]] = [[]]
    for raw in lines:
        line = _QUOTES.sub("", _QUOTES.sub("", raw))
        line = _BRIEF.sub("", _MARKER.sub("", _CLOSING.sub("", line), count=1)).strip()
        if _ENDS.match(line):
            break
        if line:
            paragraphs[-1].append(_plain(line))
        elif paragraphs[-1]:
            paragraphs.append([])
    return [" ".join(each) for each in paragraphs if each]


def paragraph(lines: Sequence[str]) -> str:
    """The first of these paragraphs, "" where there is none."""
    return next(iter(prose(lines)), "")


def _plain(text: str) -> str:
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())
