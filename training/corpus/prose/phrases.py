"""Sentences, names and paths -> the two to six words that a developer types into a search box."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath

from codesearch.storage.lexical.tokens import is_function_word

__all__ = ["content_phrase", "name_phrase", "path_phrase", "path_words", "split_name"]

_CUT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_HOLLOW_WORDS = """
    given specified current new following certain some any all each every also whether used using use uses
    returns return gets get sets set true false null nil none default this that method function class
    instance value values object objects one two only not no if otherwise more e.g i.e etc via per note
    see
"""
_HOLLOW = frozenset(_HOLLOW_WORDS.split())
_NAMELESS_WORDS = """
    init main index impl internal core common util utils helper helpers src lib libs source sources
    include app pkg packages package test tests spec specs java kotlin scala swift js ts py go rs rb php
    cs org com net io github mod base default jvm shared crates cmd
"""
_NAMELESS = frozenset(_NAMELESS_WORDS.split())
_STEMS = re.compile(r"[-_.](?:test|spec|d|min|module|tests)$")


@lru_cache(maxsize=1 << 16)
def split_name(name: str) -> tuple[str, ...]:
    """The words of an identifier, lower case.

    >>> split_name("parseHTTPHeader_v2")
    ('parse', 'http', 'header', 'v', '2')
    """
    return tuple(part.lower() for part in _CUT.findall(name))


def content_phrase(sentence: str, dice: random.Random) -> str | None:
    """The first telling words of a sentence, in its order."""
    words = [word.strip(".,:;()\"'!?[]").lower() for word in sentence.split()]
    telling = [word for word in words if word and not is_function_word(word) and word not in _HOLLOW]
    telling = [word for word in dict.fromkeys(telling) if re.search(r"[a-z]{2}", word)]
    if len(telling) < 2:
        return None
    return " ".join(telling[: dice.choice((2, 3, 3, 4, 4, 5, 6))])


def name_phrase(symbol: str, scope: Iterable[str], path: str, dice: random.Random) -> str | None:
    """The words of a definition's name, with those of its owner or file where it has few of its own."""
    own = [word for word in split_name(symbol) if not word.isdigit() and len(word) > 1]
    owner = [word for name in list(scope)[-1:] for word in split_name(name)] or path_words(path)[-2:]
    if not own:
        return None
    words = own
    if len(own) < 2 or (len(own) < 4 and dice.random() < 0.5):
        words = [*owner, *own] if dice.random() < 0.7 else [*own, *owner]
    words = [word for word in dict.fromkeys(words) if len(word) > 1]
    return " ".join(words[:6]) if len(words) >= 2 else None


def path_words(path: str) -> list[str]:
    """Telling words of the last folder and the file's stem."""
    where = PurePosixPath(path)
    stem = _STEMS.sub("", where.name.split(".")[0] if not where.name.startswith(".") else where.stem)
    names = [*where.parts[-3:-1], stem]
    words = [word for name in names for word in split_name(name) if word not in _NAMELESS and len(word) > 1]
    return list(dict.fromkeys(words))


def path_phrase(path: str, dice: random.Random) -> str | None:
    """Words of a path; None where they say nothing."""
    words = path_words(path)[-dice.choice((2, 3, 4)) :]
    return " ".join(words) if len(words) >= 2 else None
