"""Which lines of a hit are shown: the whole chunk with context, or the few that tell most.

Context is read from the file, and only if the file still says what the index says; otherwise the stored
text stands alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codesearch.records import Hit
from codesearch.searching.lexical import query_terms, tokenize

__all__ = ["Line", "Snippet", "excerpt", "with_context"]

SHOWN_LINES = 12
"""Lines of a hit that are shown when no context is asked for."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file; ``number`` is 1-based. ``inside`` says whether it belongs to the hit itself."""

    number: int
    text: str
    inside: bool = True


@dataclass(frozen=True, slots=True)
class Snippet:
    """Consecutive lines, and how many lines of the hit are left out."""

    lines: tuple[Line, ...]
    omitted: int = 0


def excerpt(hit: Hit, query: str, shown: int = SHOWN_LINES) -> Snippet:
    """At most ``shown`` lines of a hit: the first window that holds most of the query's terms."""
    lines = _own_lines(hit)
    if len(lines) <= shown:
        return Snippet(tuple(lines))
    terms = set(query_terms(query))
    found = [terms.intersection(tokenize(line.text)) for line in lines]
    starts = range(len(lines) - shown + 1)
    start = max(starts, key=lambda s: (len(set().union(*found[s : s + shown])), -s))
    return Snippet(tuple(lines[start : start + shown]), omitted=len(lines) - shown)


def with_context(hit: Hit, before: int, after: int) -> Snippet:
    """All lines of a hit, with lines of the file around them while the file is unchanged."""
    own = _own_lines(hit)
    file = _file_lines(hit)
    if file is None or not own:
        return Snippet(tuple(own))
    first, last = own[0].number, own[-1].number
    above = [Line(n, file[n - 1], inside=False) for n in range(max(1, first - before), first)]
    below = [Line(n, file[n - 1], inside=False) for n in range(last + 1, min(len(file), last + after) + 1)]
    return Snippet((*above, *own, *below))


def _own_lines(hit: Hit) -> list[Line]:
    """The lines of the hit's text, without blank ones at its ends."""
    lines = [Line(n, text) for n, text in enumerate(_split(hit.text), hit.start_line)]
    while lines and not lines[-1].text.strip():
        lines.pop()
    while lines and not lines[0].text.strip():
        lines.pop(0)
    return lines


def _file_lines(hit: Hit) -> Sequence[str] | None:
    """Every line of the hit's file, or None if it is gone or no longer holds the hit where it was."""
    try:
        text = (Path(hit.root) / hit.path).read_bytes().decode("utf-8", "replace")
    except (OSError, ValueError):  # gone, or a name that no file can have
        return None
    lines = _split(text)
    here = "\n".join(lines[hit.start_line - 1 : hit.end_line])
    stored = "\n".join(_split(hit.text)).strip("\n")
    return lines if stored in here else None


def _split(text: str) -> list[str]:
    """Lines as editors and the index count them: by line feeds alone."""
    return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
