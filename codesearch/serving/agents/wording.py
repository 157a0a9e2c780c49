"""Word an answer as compact text and as a structured record, both within a token budget.

The text is for a model: a line on how complete the index is, then the hits, ``path:first-last symbol`` and
their lines with numbers. A line of a file always begins with its number, so none can pose as a heading or as
a word of this server; control characters are written out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from codesearch.quick_dataclass import dataclass
from codesearch.records import Hit
from codesearch.rendering.render import Answer, as_object, shown_path
from codesearch.rendering.snippets import Line, excerpt, more_lines, with_context
from codesearch.rendering.terminal import one_line, safe
from codesearch.searching.question.pattern import Pattern
from codesearch.serving.agents.answers import Found

__all__ = ["Wording", "tokens", "worded"]

_BYTES_PER_TOKEN = 3
"""Of code; tokenizers in use reach 3.0 to 4.5, so a budget is kept with any of them."""
_FIRST_WHOLE = 1
"""Of so many hits all lines are shown, if the budget allows it; of the others those that tell most."""
_LONGEST_LINE = 300
_RESERVED = 80
"""Tokens for the first and the last line and the notes."""
_LONGEST_NOTE, _NOTES = 200, 3
_LONGEST_QUERY = 200


@dataclass(frozen=True, slots=True)
class Wording:
    """The answer that a client gets: for a model, and for a program."""

    text: str
    structured: dict[str, Any]


def tokens(text: str) -> int:
    """Tokens of a text, rather too many than too few."""
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)


def worded(found: Found, here: Path, max_tokens: int, pattern: Pattern | None = None) -> Wording:
    """The answer within ``max_tokens``; paths in the text are relative to ``here`` where they lie below it.

    All places come before any of their lines, and the lines that tell most before the rest of their chunks.
    """
    notes = [one_line(note)[:_LONGEST_NOTE] for note in found.notes[:_NOTES]]
    frame = tokens(json.dumps(_structured(found, [], 0, notes))) + _RESERVED
    shown = _Fitter(found, here, pattern, max_tokens - frame).fit()
    left = len(found.hits) - len(shown)
    parts = [_first_line(found, len(shown)), *(f"note: {note}" for note in notes)]
    text = "\n".join([*parts, *(piece.text for piece in shown)])
    if left:
        text += f"\n{left} more hits do not fit; raise max_tokens, or narrow with path, globs or languages"
    return Wording(f"{text}\n", _structured(found, shown, left, notes))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A hit with some of its lines."""

    hit: Hit
    lines: tuple[Line, ...]
    omitted: int
    text: str

    @property
    def cost(self) -> int:
        """Tokens of the longer of its two forms."""
        return max(tokens(self.text) + 1, tokens(json.dumps(self.content)) + 60 + 2 * tokens(self.hit.path))

    @property
    def content(self) -> str:
        """Its lines for the structured form."""
        return "\n".join(_cut(line.text) for line in self.lines)


class _Fitter:
    """Choosing how much of each hit is shown."""

    def __init__(self, found: Found, here: Path, pattern: Pattern | None, budget: int) -> None:
        self._found = found
        self._here = here
        self._pattern = pattern
        self._left = budget
        self._pieces: list[_Piece] = []

    def fit(self) -> list[_Piece]:
        """The pieces, best first: places, then telling lines, then whole chunks of the first hits."""
        for hit in self._found.hits:
            piece = self._piece(hit, (), 0)
            if piece.cost > self._left:
                break
            self._left -= piece.cost
            self._pieces.append(piece)
        for at, piece in enumerate(self._pieces):
            part = excerpt(piece.hit, self._found.query, self._pattern)
            self._replace(at, self._piece(piece.hit, part.lines, part.omitted))
        for at, piece in enumerate(self._pieces[:_FIRST_WHOLE]):
            if piece.omitted:
                self._replace(at, self._piece(piece.hit, with_context(piece.hit, 0, 0).lines, 0))
        return self._pieces

    def _replace(self, at: int, piece: _Piece) -> None:
        more = piece.cost - self._pieces[at].cost
        if more <= self._left:
            self._left -= more
            self._pieces[at] = piece

    def _piece(self, hit: Hit, lines: Sequence[Line], omitted: int) -> _Piece:
        place = f"{shown_path(hit, self._here)}:{hit.start_line}-{hit.end_line}"
        heading = f"\n{place} {one_line(hit.symbol) or hit.kind}"
        if hit.copies:
            heading += f" (also in {len(hit.copies)} other places)"
        shown = [f"{line.number}\t{_cut(line.text)}" for line in lines]
        if omitted:
            shown.append(f"... {more_lines(omitted)}")
        return _Piece(hit, tuple(lines), omitted, "\n".join([heading, *shown]))


def _cut(line: str) -> str:
    text = safe(line)
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}..."


def _first_line(found: Found, shown: int) -> str:
    what = f"{shown} of {len(found.hits)} hits" if shown < len(found.hits) else f"{shown} hits"
    if not found.hits:
        what = "no hits: try other words, or drop path, globs, languages, kind"
    return f"{what}; {found.files:,} files, {_share(found)} % embedded, {_age(found)}"


def _share(found: Found) -> int:
    """Whole per cent, 100 only where nothing is missing."""
    return 100 if found.embedded >= found.total else min(99, 100 * found.embedded // found.total)


def _age(found: Found) -> str:
    if found.age is None:
        return "still being indexed (files may be missing)"
    return "up to date" if found.age < 2 else f"as of {found.age:.0f} s ago"


def _structured(found: Found, shown: Sequence[_Piece], left: int, notes: list[str]) -> dict[str, Any]:
    hits = tuple(replace(piece.hit, text=piece.content) for piece in shown)
    answer = Answer(found.query, (found.root,), found.model, found.embedded, found.total, hits)
    record = as_object(answer)
    for result, piece in zip(record["results"], shown, strict=True):
        result["path"] = safe(result["path"])
        if piece.omitted or not piece.lines:
            result["cut"] = True
    record["roots"] = list(record["roots"])
    return {
        **record,
        "query": safe(found.query[:_LONGEST_QUERY]),
        "freshness": {"files": found.files, "embedded_percent": _share(found), "age_seconds": found.age},
        "left_out": left,
        "notes": notes,
    }
