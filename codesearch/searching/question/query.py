"""Reads a query: its terms, the names it mentions, and whether it is a name itself.

Nothing here looks at the index; what only the index knows (which terms are rare, which names exist) is
filled in by the search. A query is a name when it is one word (``response``,
``Client.send``, ``Foo::bar()``, ``_private``, ``get_user``); within a sentence only what cannot be
prose counts as a name (``ClientSession``, ``res.send``, ``use()``), and capitalised words weakly. A query of
many words is an issue: it is taken apart, and its parts are weighed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property, lru_cache

from codesearch.errors import BadQuery
from codesearch.quick_dataclass import dataclass
from codesearch.records import ChunkRef
from codesearch.searching.question.issue import Issue, term_weights
from codesearch.storage.lexical.tokens import is_function_word, query_terms

__all__ = ["Name", "Query", "stem"]

_SEPARATOR = re.compile(r"::|->|[.:#\\/]")
# An identifier, with the marks that Ruby, Rust, PHP, Clojure and Lisp allow at its ends and inside.
_IDENTIFIER = r"[@$&*]?[^\W\d]\w*(?:-\w+)*[!?]?"
_QUALIFIED = re.compile(rf"[.:#\\]{{0,2}}{_IDENTIFIER}(?:(?:::|->|[.:#\\]){_IDENTIFIER})*")
_WORD = re.compile(r"\w+")
_DEFINED = re.compile(
    r"(?:where|how)\s+(?:is|are)\s+(?:the\s+)?(?P<name>\S+)\s+(?:defined|declared)\s*\??"
    r"|(?:the\s+)?(?:definition|declaration)\s+of\s+(?P<of>\S+)",
    re.IGNORECASE,
)
"""A question about one name, which is as good as the name."""
_DECLARATION = re.compile(
    r"(?:(?:pub|public|private|protected|internal|static|final|abstract|sealed|export|default|async|virtual|override"
    r"|mutable|inline|unsafe|open|data|extern)[ \t]+){0,4}"
    r"(?:class|struct|interface|trait|protocol|enum|union|record|contract|library|module|type|typedef|object|impl"
    r"|def|defn|defmacro|defmodule|defp|fn|func|fun|function|sub|subroutine|proc|procedure|macro|modifier|method"
    r"|(?i:create[ \t]+(?:or[ \t]+replace[ \t]+)?"
    r"(?:table|view|index|function|procedure|trigger|type|sequence)"
    r"(?:[ \t]+if[ \t]+not[ \t]+exists)?))"
    rf"[ \t]+(?:::[ \t]*)?(?P<quote>[\"'`]?)(?P<name>{_IDENTIFIER}(?:(?:::|\.){_IDENTIFIER}){{0,4}})"
    r"[\"'`*]{0,2}(?P<rest>(?:[(<\[].{0,300})?[ \t]*[{:;=]?)[ \t]*"
)
"""The beginning of a definition, as it is pasted: ``def read(path):``, ``create table "users"``."""
_MARKED = re.compile(r"[^\W_]_[^\W_]|[^\W\d][\d_]|[^\W_A-Z\d][A-Z]|^[A-Z]")
"""What tells a name behind a keyword from a noun (``type checking``): marks that no word has."""
_CALL = re.compile(r"\((?:\)|[^()]*\))$|<[^<>]*>$")
_SPLIT_CODE = re.compile(r"[\s,()\[\]{}=]+")
_OPENING = "([{\"'`“‘"
_CLOSING = ")]}\"'`”’.,;:?!"

_SUFFIXES = (
    ("izations", "iz"), ("ization", "iz"), ("ations", ""), ("ation", ""), ("ators", ""), ("ator", ""),
    ("ating", ""), ("ated", ""), ("ates", ""), ("ate", ""), ("ings", ""), ("ing", ""), ("ions", ""),
    ("ion", ""), ("ers", ""), ("ors", ""), ("ies", "y"), ("ied", "y"), ("er", ""), ("or", ""),
    ("ed", ""), ("es", ""), ("s", ""), ("e", ""),
)  # fmt: skip
_MIN_STEM = 3

_MOST_OFTEN = 6
LONG = 32
"""Distinct terms from which on a query is an issue and no sentence."""
_IN_PROSE, _IN_CODE = 0.7, 0.3
"""How surely a name is meant that stands in the sentences or in the code of an issue, not in its title."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a query mentions: its last component, and the components before it."""

    last: str
    scope: tuple[str, ...] = ()
    weak: bool = False
    """A capitalised word of a sentence: perhaps a type, perhaps the start of a title."""
    certainty: float = 1.0
    """How surely it is meant; less for a name that an issue mentions on the way."""


@dataclass(frozen=True)
class Query:
    """A query, and what can be read off it. BadQuery for an empty one."""

    text: str
    kind: str = "auto"
    """Which files are asked for: "auto" decides by the question, "code", "docs", "all" say so."""
    near: tuple[str, ...] = ()
    """For a query that is a name that nothing defines: the names that it may stand for."""
    chosen: Mapping[str, float] = field(default_factory=dict)
    """For an issue: the terms that tell most in this index, and their weights."""
    located: tuple[ChunkRef, ...] = ()
    """Chunks that hold a line which the query names (``app.py:123``), in its order."""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise BadQuery(
                "the query is empty; ask for something, such as: codesearch 'where are retries decided'"
            )

    @cached_property
    def is_long(self) -> bool:
        """Whether this is an issue, a report, a traceback: more than a sentence asks."""
        return len(query_terms(self.text)) >= LONG

    @cached_property
    def issue(self) -> Issue:
        """The query taken apart; for a short one all of it is the title."""
        return _taken_apart(self.text)

    @property
    def subject(self) -> str:
        """The sentence that says what it is about."""
        return self.issue.title if self.is_long else self.text

    @property
    def passages(self) -> tuple[str, ...]:
        """The texts whose vectors together are the meaning of the query."""
        if not self.is_long:
            return (self.text,)
        return (self.issue.title, f"{self.issue.title}\n{self.issue.prose}")

    @cached_property
    def all_terms(self) -> Mapping[str, float]:
        """Every term that could be looked for, and how much it counts by where it stands."""
        return term_weights(self.issue) if self.is_long else dict.fromkeys(query_terms(self.text), 1.0)

    @property
    def asked_terms(self) -> tuple[str, ...]:
        """The terms to look for; BM25 adds them up, so one that weighs three comes thrice."""
        weights = self.weighted_terms
        often = {term: min(max(round(weight), 1), _MOST_OFTEN) for term, weight in weights.items()}
        return tuple(term for term, times in often.items() for _ in range(times))

    @property
    def weighted_terms(self) -> Mapping[str, float]:
        """The terms that are looked for."""
        return self.chosen or self.all_terms

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """Distinct lexical tokens of the subject, without function words."""
        return query_terms(self.subject)

    @cached_property
    def stems(self) -> Mapping[str, float]:
        """The stems of the terms, and how much each counts."""
        weights: dict[str, float] = {}
        for term, weight in self.weighted_terms.items():
            stemmed = stem(term)
            weights[stemmed] = max(weights.get(stemmed, 0.0), weight)
        return {stemmed: weight for stemmed, weight in weights.items() if len(stemmed) > 1} or weights

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
        found = _in_issue(self.issue) if self.is_long else _in_text(self.text)
        surest: dict[tuple[str, tuple[str, ...]], Name] = {}
        for name in found:
            known = surest.setdefault((name.last, name.scope), name)
            if name.certainty > known.certainty:
                surest[name.last, name.scope] = name
        return tuple(surest.values())

    def mentions(self, words: frozenset[str]) -> bool:
        """Whether one of these words is among the query's terms."""
        return not words.isdisjoint(self.terms)


@lru_cache(maxsize=1 << 12)
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


@lru_cache(maxsize=16)  # a query is made anew as more is known of it
def _taken_apart(text: str) -> Issue:
    return Issue.of(text)


def _as_name(text: str) -> Name | None:
    """The name that this text is, or None."""
    asked = _DEFINED.fullmatch(text.strip())
    text = (asked["name"] or asked["of"]) if asked else text
    declared = _DECLARATION.fullmatch(text.strip())
    if declared and (declared["rest"] or declared["quote"] or _MARKED.search(declared["name"])):
        text = declared["name"]
    text = text.strip().strip("`'\"")
    text = _CALL.sub("", text)
    if not _QUALIFIED.fullmatch(text):
        return None
    parts = [part.strip("@$&*") for part in _SEPARATOR.split(text)]
    parts = [part for part in parts if part]
    return Name(parts[-1], tuple(parts[:-1])) if parts else None


def _in_text(text: str) -> Iterator[Name]:
    return (name for word in text.split() if (name := _in_sentence(word)))


def _in_issue(issue: Issue) -> Iterator[Name]:
    """Names of an issue: of its title and of what is marked as code surely, of the rest perhaps."""
    yield from (name for name in _in_text(issue.title) if not name.weak)
    yield from (name for code in issue.inline if (name := _as_name(code)))
    yield from (Name(frame.function) for frame in issue.frames if _as_name(frame.function))
    for text, certainty in ((issue.prose, _IN_PROSE), (_SPLIT_CODE.sub(" ", issue.code), _IN_CODE)):
        yield from (replace(name, certainty=certainty) for name in _in_text(text) if not name.weak)


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
