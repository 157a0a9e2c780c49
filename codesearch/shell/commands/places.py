"""``FILE:LINE`` and ``FILE#SYMBOL``: a place in the code, as people and compilers write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codesearch.errors import BadQuery

if TYPE_CHECKING:
    from codesearch.index import Index

__all__ = ["Place", "line_of", "parse"]

# FILE:LINE, FILE:LINE:COLUMN, FILE:FIRST-LAST; what precedes may hold colons (C:\src).
_LINE = re.compile(r"(?P<file>.+?):(?P<line>\d+)(?:[:-]\d+)?:?")


@dataclass(frozen=True, slots=True)
class Place:
    """A file, and a 1-based line or a symbol in it."""

    file: str
    line: int | None = None
    symbol: str = ""


def parse(text: str) -> Place:
    """BadQuery for what is no place."""
    match = _LINE.fullmatch(text)
    if match:
        return Place(match["file"], line=int(match["line"]))
    file, mark, symbol = text.rpartition("#")
    if mark and file and symbol:
        return Place(file, symbol=symbol)
    raise BadQuery(f"{text!r} is no place in the code; expected FILE:LINE or FILE#SYMBOL")


def line_of(index: Index, path: str, place: Place) -> int:
    """The line of a place: the given one, or where the symbol is defined (exact case first)."""
    if place.line is not None:
        return place.line
    from codesearch.searching.query import Name
    from codesearch.searching.signals import definition_grade

    *scope, last = re.split(r"::|->|[.#]", place.symbol)
    name = Name(last, tuple(scope))
    graded = [(definition_grade(c.chunk, name, fold_case=True), c.chunk) for c in index.chunks_of(path)]
    grade, chunk = max(graded, key=lambda pair: pair[0], default=(0.0, None))
    if not grade or chunk is None:
        raise BadQuery(f"{path} defines no {place.symbol}; give a line instead, FILE:LINE")
    # Where two chunks share a line, the line after belongs to this one alone.
    return chunk.start_line if chunk.start_line == chunk.end_line else chunk.start_line + 1
