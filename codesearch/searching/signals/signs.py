"""Operators that a question asks for (``>=>``, ``<|>``): which texts declare or hold them.

They are no words, so neither list of a search knows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

from codesearch.searching.question.query import Query
from codesearch.storage.lexical.tokens import is_function_word

__all__ = ["bearing", "declares_sign", "holds_sign", "signs_in"]

K = TypeVar("K")

_SIGN = re.compile(r"[!#$%&*+./<=>?@\\^|~:-]{2,6}")
_WRAPPED = "\"'`“”‘’"
_COMMON = frozenset(
    {"...", "..", "--", "---", "==", "!=", "=>", "->", "//", "::", "&&", "||", "<=", ">=", "**", "+=", "<-"}
)
"""Of so many languages that whoever writes them in a sentence asks for something else."""
_MOST_WORDS = 12
_ABOUT_SIGNS = frozenset(
    {"operator", "operators", "symbol", "sign", "infix", "called", "defined", "declared", "used"}
    | {"mean", "means", "work", "works"}
)
_INTRODUCED = (
    r"\b(?:let|def|val|fun|func|proc|template|method|macro|operator|infix[lr]?|define|op|sub)\b"
    r"[^\n=:;]{0,20}?"
)


def signs_in(query: Query) -> tuple[str, ...]:
    """Return the operators of a question that is about nothing else, each once.

    >>> signs_in(Query("what does (>=>) do"))
    ('>=>',)
    """
    words = [_unwrapped(word) for word in query.text.split()]
    if len(words) > _MOST_WORDS:
        return ()
    signs = dict.fromkeys(word for word in words if _SIGN.fullmatch(word))
    others = (word.casefold() for word in words if word not in signs)
    if not all(is_function_word(word) or word in _ABOUT_SIGNS for word in others):
        return ()
    return tuple(sign for sign in signs if len(words) == 1 or sign not in _COMMON)


def bearing(texts: Iterable[tuple[K, str]], signs: Sequence[str]) -> Iterator[K]:
    """Yield the keys of the texts that declare one of the operators; if none does, of those that hold one."""
    near = [(key, text) for key, text in texts if any(sign in text for sign in signs)]
    declaring = [key for key, text in near if any(declares_sign(text, sign) for sign in signs)]
    yield from declaring or (key for key, text in near if any(holds_sign(text, sign) for sign in signs))


def holds_sign(text: str, sign: str) -> bool:
    """Whether a text holds an operator, not only a longer one that contains it."""
    return sign in text and _forms(sign)[0].search(text) is not None


def declares_sign(text: str, sign: str) -> bool:
    """Whether a text looks as if it declared an operator: ``let (>=>) =``, ``operator>>=(``, ``(<|>) ::``."""
    return sign in text and _forms(sign)[1].search(text) is not None


def _unwrapped(word: str) -> str:
    word = word.strip(_WRAPPED).rstrip("?,;")
    inner = word[1:-1] if word.startswith("(") and word.endswith(")") else word
    return inner.strip(_WRAPPED)


@lru_cache(maxsize=64)
def _forms(sign: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    marks = r"!#$%&*+./<=>?@\\^|~:-"
    exact = rf"(?<![{marks}]){re.escape(sign)}(?![{marks}])"
    wrapped = rf"[(`]?{exact}[)`]?"
    return re.compile(exact), re.compile(rf"{_INTRODUCED}{wrapped}|^[ \t]*\({exact}\)[ \t]*::?", re.MULTILINE)
