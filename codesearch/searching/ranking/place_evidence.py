"""Evidence of a chunk: its words, its length, the names it defines, the very text of the question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from codesearch.records import Chunk, ChunkRef
from codesearch.searching.candidates import Candidates, Step, adding, unchanged
from codesearch.searching.question.query import Query
from codesearch.searching.ranking.weights import Weights
from codesearch.searching.signals.declared import declared_grade
from codesearch.searching.signals.path_roles import is_prose
from codesearch.searching.signals.signals import definition_grade, last_component, name_rarity
from codesearch.searching.signals.words import holding, rarity, shares_held

__all__ = ["declaring", "definitions", "length", "verbatim", "words"]

_NAMES = 8
"""Names of a chunk that are compared: what defines fifty is about none of them."""


def words(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """Every word of the question somewhere, rather than one of them often; rare ones count more.

    In the path or the text, and again in what the chunk defines: its names and its signature.
    """
    count, stems = len(candidates), query.stems
    anywhere = [candidates.holding(stem) for stem in stems]
    rarities = [
        rarity(weight, int(which.sum()), count)
        for weight, which in zip(stems.values(), anywhere, strict=True)
    ]
    named = [_named(chunk.symbol, chunk.signature, chunk.definitions) for chunk in candidates.chunks]
    defined = [holding(named, stem) for stem in stems]
    gains = weights.words * shares_held(anywhere, rarities, count)
    gains += weights.names * shares_held(defined, rarities, count)
    return lambda scores: scores + gains


def length(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """A chunk long enough to say something."""
    long = np.fromiter((len(chunk.text) for chunk in candidates.chunks), np.float64, len(candidates))
    gains = weights.length * np.minimum(long / weights.full_length, 1.0)
    return lambda scores: scores + gains


def definitions(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """A definition of a name in the query comes before every use of it."""
    if not query.names:
        return unchanged
    everyone = range(len(candidates))
    asked = frozenset(name.last for name in query.names)
    by_name = {} if query.is_name else _definers(candidates.chunks, asked)
    gains = [0.0] * len(candidates)
    for name in query.names:
        weight = name.certainty * (weights.weak_mention if name.weak else weights.mention)
        definers = everyone if query.is_name else by_name.get(name.last, ())
        chunks = candidates.chunks
        grades = {at: definition_grade(chunks[at], name, fold_case=query.is_name) for at in definers}
        if query.is_name:
            weight = weights.definition
        else:
            weight *= name_rarity(len({candidates.file_of[at] for at in definers if grades[at]}))
        for at, grade in grades.items():
            gains[at] = max(gains[at], weight * grade)
    if query.is_name and not any(gains):
        declared = _looking_declared(candidates, query)
        gains = [weights.definition * declared.get(ref, 0.0) for ref in candidates.refs]
    return adding(gains)


def declaring(candidates: Candidates, query: Query) -> dict[ChunkRef, float]:
    """Where the query is a name that no candidate is known to define: those that look as if they did."""
    known = (
        definition_grade(chunk, name, fold_case=True) for chunk in candidates.chunks for name in query.names
    )
    return {} if not query.is_name or any(known) else _looking_declared(candidates, query)


def _looking_declared(candidates: Candidates, query: Query) -> dict[ChunkRef, float]:
    of = zip(candidates.refs, candidates.chunks, strict=True)
    grades = {
        ref: max(declared_grade(chunk.text, name.last) for name in query.names)
        for ref, chunk in of
        if not is_prose(chunk.path)
    }
    best = max(grades.values(), default=0.0)
    return {ref: grade for ref, grade in grades.items() if grade and grade == best}


def verbatim(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """An error message, a phrase or a name that is pasted is found where it is written."""
    if query.is_long:
        return unchanged
    wanted = " ".join(query.text.strip("\"'` ").split())
    if query.is_name:
        return adding([weights.verbatim * (wanted in chunk.text) for chunk in candidates.chunks])
    folded = wanted.casefold()
    rare_first = sorted(folded.split(), key=len, reverse=True)
    gains = np.zeros(len(candidates))
    for at in np.flatnonzero(candidates.held_at_most(rare_first) == len(rare_first)).tolist():
        gains[at] = weights.verbatim * _holds(candidates.folded[at], folded, rare_first)
    return lambda scores: scores + gains


def _holds(text: str, phrase: str, words: Sequence[str]) -> bool:
    """Whether a text holds a phrase, whatever space is between its ``words``; few texts hold all of them."""
    return all(word in text for word in words) and phrase in " ".join(text.split())


@lru_cache(maxsize=1 << 12)  # the same chunks are candidates of many questions
def _named(symbol: str, signature: str, definitions: tuple[str, ...]) -> str:
    return " ".join((symbol, signature, *definitions[:_NAMES])).casefold()


def _definers(chunks: Sequence[Chunk], names: frozenset[str]) -> dict[str, list[int]]:
    """The numbers of chunks by those of the names that they define or continue."""
    found: dict[str, list[int]] = defaultdict(list)
    for at, chunk in enumerate(chunks):
        for name in names.intersection(_defined(chunk.symbol, chunk.definitions)):
            found[name].append(at)
    return found


@lru_cache(maxsize=1 << 12)
def _defined(symbol: str, definitions: tuple[str, ...]) -> tuple[str, ...]:
    """The names that a chunk defines or continues, and their last components, each once."""
    names = (symbol, *definitions)
    return tuple(dict.fromkeys((*names, *map(last_component, names))))
