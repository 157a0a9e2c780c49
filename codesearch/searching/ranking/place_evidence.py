"""Evidence of a chunk: its words, its length, the names it defines, the very text of the question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from codesearch.records import Chunk, ChunkRef
from codesearch.searching.candidate import Candidate
from codesearch.searching.question.query import Query
from codesearch.searching.ranking.weights import Weights
from codesearch.searching.signals.declared import declared_grade
from codesearch.searching.signals.path_roles import is_prose
from codesearch.searching.signals.signals import definition_grade, last_component, rarity
from codesearch.searching.signals.words import rarities_and_shares, shares_held

__all__ = ["declaring", "definitions", "length", "verbatim", "words"]

_NAMES = 8
"""Names of a chunk that are compared: what defines fifty is about none of them."""


def words(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """Every word of the question somewhere, rather than one of them often; rare ones count more.

    In the path or the text, and again in what the chunk defines: its names and its signature.
    """
    texts = [f"{c.chunk.path}\n{c.chunk.text}".casefold() for c in candidates]
    rarity_of, anywhere = rarities_and_shares(texts, query.stems)
    defined = shares_held([_named(c.chunk) for c in candidates], rarity_of)
    return [
        c.plus(weights.words * by_text + weights.names * by_name)
        for c, by_text, by_name in zip(candidates, anywhere, defined, strict=True)
    ]


def length(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """A chunk long enough to say something."""
    full = weights.full_length
    return [c.plus(weights.length * min(len(c.chunk.text) / full, 1.0)) for c in candidates]


def definitions(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """A definition of a name in the query comes before every use of it."""
    by_name = {} if query.is_name or not query.names else _definers(candidates)
    gains: dict[ChunkRef, float] = defaultdict(float)
    for name in query.names:
        weight = name.certainty * (weights.weak_mention if name.weak else weights.mention)
        definers = candidates if query.is_name else by_name.get(name.last, ())
        grades = {c.ref: definition_grade(c.chunk, name, fold_case=query.is_name) for c in definers}
        if query.is_name:
            weight = weights.definition
        else:
            weight *= rarity(len({c.file for c in definers if grades[c.ref]}))
        for ref, grade in grades.items():
            gains[ref] = max(gains[ref], weight * grade)
    if query.is_name and not any(gains.values()):
        for ref, grade in _looking_declared(candidates, query).items():
            gains[ref] = weights.definition * grade
    return [c.plus(gains[c.ref]) for c in candidates]


def declaring(candidates: Sequence[Candidate], query: Query) -> dict[ChunkRef, float]:
    """Where the query is a name that no candidate is known to define: those that look as if they did."""
    known = (definition_grade(c.chunk, name, fold_case=True) for c in candidates for name in query.names)
    return {} if not query.is_name or any(known) else _looking_declared(candidates, query)


def _looking_declared(candidates: Sequence[Candidate], query: Query) -> dict[ChunkRef, float]:
    sources = [c for c in candidates if not is_prose(c.chunk.path)]
    grades = {c.ref: max(declared_grade(c.chunk.text, name.last) for name in query.names) for c in sources}
    best = max(grades.values(), default=0.0)
    return {ref: grade for ref, grade in grades.items() if grade and grade == best}


def verbatim(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """An error message, a phrase or a name that is pasted is found where it is written."""
    wanted = " ".join(query.text.strip("\"'` ").split())
    if query.is_long:
        return list(candidates)
    if query.is_name:
        return [c.plus(weights.verbatim if wanted in c.chunk.text else 0.0) for c in candidates]
    folded = wanted.casefold()
    rare_first = sorted(folded.split(), key=len, reverse=True)
    return [
        c.plus(weights.verbatim if _holds(c.chunk.text.casefold(), folded, rare_first) else 0.0)
        for c in candidates
    ]


def _holds(text: str, phrase: str, words: Sequence[str]) -> bool:
    """Whether a text holds a phrase, whatever space is between its ``words``; few texts hold all of them."""
    return all(word in text for word in words) and phrase in " ".join(text.split())


def _named(chunk: Chunk) -> str:
    return " ".join((chunk.symbol, chunk.signature, *chunk.definitions[:_NAMES])).casefold()


def _definers(candidates: Sequence[Candidate]) -> dict[str, list[Candidate]]:
    """Candidates by every name that they define or continue."""
    found: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        names = (candidate.chunk.symbol, *candidate.chunk.definitions)
        for name in {*names, *map(last_component, names)}:
            found[name].append(candidate)
    return found
