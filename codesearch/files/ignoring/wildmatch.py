"""git's glob language as regular expressions over bytes.

Follows git's wildmatch.c, the part of git that matches ignore patterns, to the letter: ``?`` is one
byte, ``**`` counts only between slashes, a class that is not closed matches nothing, and folding case
lowers the text but not what stands after a backslash.

Wildcards cannot make matching slow: what stands between two of them takes its first chance and never
another. In ``*a*b`` the first ``a`` is as good as any. Likewise for the segments between two ``**``: they
hold a fixed number of slashes, so that the first place where they match ends before any other does.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

__all__ = ["NEVER", "accepted_by", "translate"]

NEVER = rb"(?!)"
"""A regular expression that matches nothing."""

_CLASSES = {
    b"alnum": string.ascii_letters + string.digits,
    b"alpha": string.ascii_letters,
    b"blank": " \t",
    b"cntrl": "".join(map(chr, range(32))) + "\x7f",
    b"digit": string.digits,
    b"graph": "".join(map(chr, range(33, 127))),
    b"lower": string.ascii_lowercase,
    b"print": "".join(map(chr, range(32, 127))),
    b"punct": string.punctuation,
    b"space": " \t\n\v\f\r",
    b"upper": string.ascii_uppercase,
    b"xdigit": string.hexdigits,
}
_SLASH = ord("/")
_STAR, _QUESTION, _OPEN, _ESCAPE = b"*?[\\"
_NAME, _FOLDERS, _ANYTHING = rb"[^/]*", rb"(?:.*/)?", rb".*"
"""``*``, ``**/`` and ``**``."""


def translate(pattern: bytes, fold: bool) -> bytes:
    """Return a regular expression for the whole of a path; with ``fold``, of a lowered path."""
    return _first_chance(list(_pieces(pattern, fold)))


def accepted_by(bracket: bytes, fold: bool) -> frozenset[int]:
    """Return the bytes that a class accepts; ``bracket`` is the whole of it."""
    return _bracket(bracket, 1, fold)[0]


def _pieces(pattern: bytes, fold: bool) -> Iterator[bytes]:
    at = 0
    while at < len(pattern):
        byte = pattern[at]
        if byte == _STAR:
            piece, at = _stars(pattern, at)
        elif byte == _QUESTION:
            piece, at = rb"[^/]", at + 1
        elif byte == _OPEN:
            accepted, at = _bracket(pattern, at + 1, fold)
            piece = _set(accepted)
        elif byte == _ESCAPE:
            piece, at = (re.escape(pattern[at + 1 : at + 2]) or NEVER), at + 2
        else:
            literal = pattern[at : at + 1]
            piece, at = re.escape(literal.lower() if fold else literal), at + 1
        yield piece


def _stars(pattern: bytes, at: int) -> tuple[bytes, int]:
    end = at
    while end < len(pattern) and pattern[end] == _STAR:
        end += 1
    opens = at == 0 or pattern[at - 1] == _SLASH
    rest = pattern[end:]
    if end - at == 1 or not opens or not (not rest or rest.startswith((b"/", b"\\/"))):
        return _NAME, end
    return (_FOLDERS, end + 1) if rest.startswith(b"/") else (_ANYTHING, end)


def _first_chance(pieces: list[bytes]) -> bytes:
    """Join; what stands between two gaps (or between two stars of one segment) is never tried twice."""
    source: list[bytes] = []
    gap: int | None = None  # where the last gap stands ...
    star: int | None = None  # ... and the last star of this segment
    for piece in pieces:
        if piece in (_FOLDERS, _ANYTHING):
            if gap is not None:
                source[gap] = b"(?>" + source[gap]
                source.append(b")")
            gap, star = len(source), None
            source.append(rb"(?:.*?/)??" if piece == _FOLDERS else rb".*?")
            continue
        if piece == _NAME:
            if star is not None:
                source[star] = rb"(?>[^/]*?"
                source.append(b")")
            star = len(source)
        elif piece == b"/":
            star = None
        source.append(piece)
    return b"".join(source)


def _bracket(pattern: bytes, at: int, fold: bool) -> tuple[frozenset[int], int]:
    """The bytes that the class at ``at`` (after its ``[``) accepts, and where it ends."""
    end = _bracket_end(pattern, at)
    if end is None:
        return frozenset(), len(pattern)
    negated = pattern[at : at + 1] in (b"!", b"^")
    members = _members(pattern[at + negated : end], fold)
    if members is None:
        return frozenset(), len(pattern)
    return frozenset(byte for byte in range(1, 256) if (byte in members) != negated) - {_SLASH}, end + 1


def _bracket_end(pattern: bytes, at: int) -> int | None:
    at += pattern[at : at + 1] in (b"!", b"^")
    first = True
    while at < len(pattern):
        if pattern[at] == _ESCAPE:
            at += 1
        elif pattern[at : at + 2] == b"[:":
            close = pattern.find(b"]", at + 2)
            if close < 0:
                return None
            if close - at > 2 and pattern[close - 1 : close] == b":":
                at = close
        elif pattern[at : at + 1] == b"]" and not first:
            return at
        first = False
        at += 1
    return None


def _members(body: bytes, fold: bool) -> set[int] | None:
    """Return the members of a class; None where it names a class that does not exist."""
    members: set[int] = set()
    previous, at = 0, 0
    while at < len(body):
        byte = body[at]
        if byte == _ESCAPE:
            at += 1
            byte = body[at]
            members.add(byte)
        elif byte == ord("-") and previous and at + 1 < len(body):
            at += 1
            if body[at] == _ESCAPE:
                at += 1
            members |= _span(previous, body[at], fold)
            byte = 0
        elif body[at : at + 2] == b"[:" and (close := body.find(b":]", at + 2)) >= 0:
            name = body[at + 2 : close]
            if name not in _CLASSES:
                return None
            members |= set(_CLASSES[b"alpha" if fold and name == b"upper" else name].encode())
            byte, at = 0, close + 1
        else:
            members.add(byte)
        previous = byte
        at += 1
    return members


def _span(first: int, last: int, fold: bool) -> set[int]:
    span = set(range(first, last + 1))
    return span | set(bytes(span & set(string.ascii_uppercase.encode())).lower()) if fold else span


def _set(accepted: frozenset[int]) -> bytes:
    if not accepted:
        return NEVER
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(accepted)) + b"]"
