"""Code that complains -> the message that a user sees, and the code without it.

A message is a string literal on a line that raises, throws, panics, logs or prints an error. What is put in
its holes at run time is unknown, so the holes fall out of the query.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Message", "messages"]

_RAISES = re.compile(
    r"(?i)\b(raise|throw|panic|bail|abort|die|fatal|fail|errorf?|exception|warn(ing)?|assert|expect|errors?\.new"
    r"|log(ger)?\.(error|warn|warning|fatal)|invalid\w*|illegal\w*)\b|\w(Error|Exception|Failure)\b"
)
_LITERAL = re.compile(r"(?<!\w)[fbruRFBU$@]{0,2}(\"(?:[^\"\\\n]|\\.){12,200}\"|'(?:[^'\\\n]|\\.){12,200}')")
_HOLE = re.compile(r"#?\$?\{[^{}]*\}|%[-+.\d]*[a-zA-Z]|\\\([^()]*\)|\$\w+|\\[nt]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_LEAST_WORDS, _MOST_WORDS = 4, 30
_LETTER_SHARE = 0.85


@dataclass(frozen=True, slots=True)
class Message:
    """``text``: the message in plain words. ``literal``: as it stands in the code, quotes and all."""

    text: str
    literal: str


def messages(code: str) -> list[Message]:
    """The messages of a piece of code, in order, each once."""
    found: dict[str, Message] = {}
    before = ""
    for line in code.split("\n"):
        if _RAISES.search(line) or _RAISES.search(before):
            for match in _LITERAL.finditer(line):
                said = " ".join(_HOLE.sub(" ", match[1][1:-1]).replace("\\", "").split())
                if _is_prose(said):
                    found.setdefault(said, Message(said, match[1]))
        before = line
    return list(found.values())


def _is_prose(said: str) -> bool:
    letters = sum(character.isalpha() or character == " " for character in said)
    return (
        _LEAST_WORDS <= len(_WORD.findall(said)) <= _MOST_WORDS
        and said.isascii()
        and letters >= _LETTER_SHARE * len(said)
    )
