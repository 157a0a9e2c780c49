"""Reads a query: its terms, the names it mentions, and whether it is a name itself.

Nothing here looks at the index. A query is a name when it is one word (``response``,
``Client.send``, ``Foo::bar()``, ``_private``, ``get_user``); within a sentence only what cannot be
prose counts as a name (``ClientSession``, ``res.send``, ``use()``), and capitalised words weakly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from codesearch.errors import BadQuery
from codesearch.tokens import is_function_word, query_terms

__all__ = ["Name", "Query", "stem"]

_SEPARATOR = re.compile(r"::|->|[.:#\\/]")
# An identifier, with the marks that Ruby, Rust, PHP, Clojure and Lisp allow at its ends and inside.
_IDENTIFIER = r"[@$&*]?[^\W\d]\w*(?:-\w+)*[!?]?"
_QUALIFIED = re.compile(rf"[.:#\\]{{0,2}}{_IDENTIFIER}(?:(?:::|->|[.:#\\]){_IDENTIFIER})*")
_WORD = re.compile(r"\w+")
_CALL = re.compile(r"\((?:\)|[^()]*\))$|<[^<>]*>$")
_OPENING = "([{\"'`“‘"
_CLOSING = ")]}\"'`”’.,;:?!"

_SUFFIXES = (
    ("izations", "iz"), ("ization", "iz"), ("ations", ""), ("ation", ""), ("ators", ""), ("ator", ""),
    ("ating", ""), ("ated", ""), ("ates", ""), ("ate", ""), ("ings", ""), ("ing", ""), ("ions", ""),
    ("ion", ""), ("ers", ""), ("ors", ""), ("ies", "y"), ("ied", "y"), ("er", ""), ("or", ""),
    ("ed", ""), ("es", ""), ("s", ""), ("e", ""),
)  # fmt: skip
_MIN_STEM = 3


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a query mentions: its last component, and the components before it."""

    last: str
    scope: tuple[str, ...] = ()
    weak: bool = False
    """A capitalised word of a sentence: perhaps a type, perhaps the start of a title."""


@dataclass(frozen=True)
class Query:
    """A query, and what can be read off it. BadQuery for an empty one."""

    text: str
    near: tuple[str, ...] = ()
    """For a query that is a name that nothing defines: the names that it may stand for."""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise BadQuery(
                "the query is empty; ask for something, such as: codesearch 'where are retries decided'"
            )

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """Distinct lexical tokens, without function words."""
        return query_terms(self.text)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Distinct words as they are written, case-folded and uncut, without function words."""
        words = dict.fromkeys(word.casefold() for word in _WORD.findall(self.text))
        return tuple(word for word in words if not is_function_word(word))

    @cached_property
    def is_name(self) -> bool:
        """Whether the whole query is one (qualified) name."""
        return _as_name(self.text) is not None

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """The names that the query mentions, in order, each once."""
        whole = _as_name(self.text)
        if whole and self.near:
            return tuple(Name(name, whole.scope) for name in self.near)
        if whole:
            return (whole,)
        found = (_in_sentence(word) for word in self.text.split())
        return tuple(dict.fromkeys(name for name in found if name))

    def mentions(self, words: frozenset[str]) -> bool:
        """Whether one of these words is among the query's terms."""
        return not words.isdisjoint(self.terms)


def stem(word: str) -> str:
    """A word without its English inflection, crudely: routes, router and routing are "rout".

    Only compared with other stems, never shown or stored.
    """
    for suffix, instead in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _MIN_STEM:
            word = word[: -len(suffix)] + instead
            break
    # control and controller, map and mapping: a doubled last consonant is one.
    return word[:-1] if len(word) > _MIN_STEM and word[-1] == word[-2] else word


def _as_name(text: str) -> Name | None:
    """The name that this text is, or None."""
    text = text.strip().strip("`'\"")
    text = _CALL.sub("", text)
    if not _QUALIFIED.fullmatch(text):
        return None
    parts = [part.strip("@$&*") for part in _SEPARATOR.split(text)]
    parts = [part for part in parts if part]
    return Name(parts[-1], tuple(parts[:-1])) if parts else None


def _in_sentence(word: str) -> Name | None:
    called = (word.endswith(")") and "(" in word) or word.lstrip(_OPENING)[:1] in (".", ":", "#")
    # ``Foo?`` and ``done!`` end sentences more often than they are Ruby's method names.
    name = _as_name(word if word.endswith(")") and called else word.lstrip(_OPENING).rstrip(_CLOSING))
    if name is None:
        return None
    last = name.last
    if called or name.scope or "_" in last or re.search(r"[^\W_A-Z\d][A-Z]|[A-Z]{2}[a-z]", last):
        return name
    if "-" in last:  # in a sentence a compound word, not a name
        return None
    if last[0].isupper() and not last.isupper() and not is_function_word(last):
        return Name(last, weak=True)
    return None
