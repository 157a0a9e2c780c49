"""What the data files hold: one JSON object a line, with exactly these fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Pair", "Text"]

Kind = Literal["doc", "topic", "question", "file", "comment", "code", "commit", "long", "message", "foreign"]
"""``long``: a comment of several sentences; ``message``: what an error says; ``foreign``: a comment in
another script than Latin."""


@dataclass(frozen=True, slots=True)
class Text:
    """One chunk. ``text`` is ``Chunk.embedded_text``: what an index embeds."""

    id: str
    """``owner/name:path:start_byte``."""
    repo: str
    language: str
    path: str
    kind: str
    symbol: str
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """``text`` answers ``query``; it is the chunk ``id`` as embedded, without the comment asked with."""

    id: str
    """Of the chunk, as in ``Text``; "" for what is no chunk (a whole held-out function)."""
    query: str
    text: str
    kind: Kind
    language: str
    repo: str
    path: str
    symbol: str
