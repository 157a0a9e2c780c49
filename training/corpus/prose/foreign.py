"""Comments in other scripts than Latin -> the sentence that a query is made of.

Chinese and Japanese know no blanks between words, so length is counted in letters here; the rest of what
``sentences.py`` demands is asked of English only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from training.corpus.prose.plain import paragraph

__all__ = ["foreign_sentence", "script_of"]

_SCRIPTS = (
    ("japanese", re.compile(r"[\u3040-\u30ff]")),
    ("chinese", re.compile(r"[\u4e00-\u9fff]")),
    ("russian", re.compile(r"[\u0400-\u04ff]")),
)
"""Kana decide first: Japanese is written with Chinese characters too."""
_SENTENCE_END = re.compile(r"[。！？]|[.!?](?=\s|$)")
_BORDER = re.compile(r"^[\s.:,\-—、]+|[\s.:,\-—、]+$")
_FOREIGN_LETTER = re.compile(r"[\u0400-\u04ff\u3040-\u30ff\u4e00-\u9fff]")
_LEAST_LETTERS = {"japanese": 5, "chinese": 4, "russian": 10}
_MOST_LETTERS = 120
_LEAST_SHARE = 0.5
_REFUSED = re.compile(
    r"(?i)copyright|licen[cs]e|todo|fixme|https?:|[;{}]|=>|->|==|&&|@author|版权|许可|лиценз"
)


def script_of(text: str) -> str:
    """``japanese``, ``chinese``, ``russian``, or "" for text in Latin letters."""
    return next((name for name, letters in _SCRIPTS if letters.search(text)), "")


def foreign_sentence(lines: Sequence[str]) -> str | None:
    """The first sentence of a comment that is mostly in another script; None for all others."""
    said = paragraph(lines)
    if end := _SENTENCE_END.search(said):
        said = said[: end.start()]
    said = _BORDER.sub("", said)
    letters = len(_FOREIGN_LETTER.findall(said))
    least = _LEAST_LETTERS.get(script_of(said), _MOST_LETTERS)
    solid = sum(not character.isspace() for character in said)
    if not least <= letters <= _MOST_LETTERS or letters < _LEAST_SHARE * solid or _REFUSED.search(said):
        return None
    return said
