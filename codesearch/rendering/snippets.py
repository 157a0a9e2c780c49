"""Which lines of a hit are shown: the whole chunk with context, or the few that tell most.

Context is read from the file, and only if the file still says what the index says; otherwise the stored
text stands alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from codesearch.files.languages import is_prose_language
from codesearch.quick_dataclass import dataclass
from codesearch.records import Hit
from codesearch.searching.question.pattern import Pattern
from codesearch.storage.lexical.tokens import query_terms, tokenize

__all__ = ["Line", "Snippet", "excerpt", "more_lines", "with_context"]

SHOWN_LINES = 12
"""Lines of a hit that are shown when no context is asked for."""
_SHORT = 5
"""A part of fewer lines is shown with what follows it."""


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


def excerpt(hit: Hit, query: str, pattern: Pattern | None = None, shown: int = SHOWN_LINES) -> Snippet:
    """At most ``shown`` lines of a hit: those of its parts that tell most, never halves of two.

    A part is what blank lines set apart at the outermost indentation: a function among its siblings. One
    that is longer is cut to the first window that holds most of the query's terms and of the matches. In
    prose, where a part is a paragraph and the answer often the next one, those around it fill the rest.
    """
    lines = _own_lines(hit)
    if len(lines) <= shown:
        return Snippet(tuple(lines))
    matched = {hit.start_line + at for at in pattern.first_lines(hit.text)} if pattern else set()
    terms = set(query_terms(query))
    told = [_Told(line.number in matched, terms.intersection(tokenize(line.text))) for line in lines]
    part = _telling_part(lines, told, shown)
    starts = range(part.start, max(part.start, part.stop - shown) + 1)
    start = max(starts, key=lambda s: (*_worth(told[s : min(s + shown, part.stop)]), -s))
    stop = min(start + shown, part.stop)
    if is_prose_language(hit.language):
        stop = min(start + shown, len(lines))
        start = max(stop - shown, 0)
    kept = tuple(lines[start:stop])
    return Snippet(kept, omitted=len(lines) - len(kept))


def more_lines(number: int) -> str:
    """Say how many lines are left out."""
    return f"{number} more line{'s' if number != 1 else ''}"


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


@dataclass(frozen=True, slots=True)
class _Told:
    """The evidence in a line: whether a match of a pattern begins there, and the terms of the query."""

    matched: bool
    terms: set[str]


def _worth(told: Sequence[_Told]) -> tuple[int, int]:
    """Of consecutive lines: matches, then distinct terms."""
    return sum(line.matched for line in told), len(set().union(*(line.terms for line in told)))


def _telling_part(lines: Sequence[Line], told: Sequence[_Told], shown: int) -> range:
    """The first of the parts that tell most, with those after it while it is short; all if none tells."""
    parts = _parts(lines)
    if not any(line.matched or line.terms for line in told):
        return range(len(lines))
    worth = [_worth(told[part.start : part.stop]) for part in parts]
    best = last = max(range(len(parts)), key=lambda at: (*worth[at], -at))
    while (
        parts[last].stop - parts[best].start < _SHORT
        and last + 1 < len(parts)
        and parts[last + 1].stop - parts[best].start <= shown
    ):
        last += 1
    stop = parts[last].stop
    while not lines[stop - 1].text.strip():
        stop -= 1
    return range(parts[best].start, stop)


def _parts(lines: Sequence[Line]) -> list[range]:
    """The lines, cut where one stands at the outermost indentation after a blank one."""
    indents = [len(line.text) - len(line.text.lstrip()) for line in lines]
    outermost = min(indent for indent, line in zip(indents, lines, strict=True) if line.text.strip())
    cuts = [
        at
        for at in range(1, len(lines))
        if lines[at].text.strip() and not lines[at - 1].text.strip() and indents[at] == outermost
    ]
    return [range(a, b) for a, b in pairwise([0, *cuts, len(lines)])]


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
    lines = _split(text.removesuffix("\n"))
    here = "\n".join(lines[hit.start_line - 1 : hit.end_line])
    stored = "\n".join(_split(hit.text)).strip("\n")
    return lines if stored in here else None


def _split(text: str) -> list[str]:
    """Lines as editors and the index count them: by line feeds alone."""
    return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
